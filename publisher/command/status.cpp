// prismbus status: the broker's figures.
#include <fmt/format.h>

#include <numeric>
#include <optional>

#include "proto/json/json_value.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

std::vector<std::uint64_t> numbers_of(const Value* list) {
  std::vector<std::uint64_t> out;
  const auto* items = list == nullptr ? nullptr : list->as<Value::Array>();
  if (items == nullptr) return out;
  for (const Value& item : *items) {
    const auto* n = item.as<std::uint64_t>();
    out.push_back(n == nullptr ? 0 : *n);
  }
  return out;
}

// `{le, counts, sum}` in one row; nullopt = it is none, or nothing to show.
std::optional<std::string> histogram_text(const Value& value) {
  const auto bounds = numbers_of(value.find("le")), counts = numbers_of(value.find("counts"));
  const Value* sum = value.find("sum");
  const auto* total = sum == nullptr ? nullptr : sum->as<std::uint64_t>();
  if (bounds.empty() || counts.size() != bounds.size() + 1 || total == nullptr) return std::nullopt;
  const std::uint64_t n = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (n == 0) return "none yet";
  const auto share = [&](double part) {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      below += counts[i];
      if (static_cast<double>(below) >= part * static_cast<double>(n))
        return fmt::format("at most {}", bounds[i]);
    }
    return fmt::format("above {}", bounds.back());
  };
  return fmt::format("{} times; mean {}, half {}, 99 % {}", n, *total / n, share(0.5), share(0.99));
}

// Maps become names joined by dots, a histogram and everything else one row.
void add_rows(Table& table, const std::string& name, const Value& value) {
  if (const auto text = histogram_text(value)) return table.row({name, *text});
  const auto* members = value.as<Value::Map>();
  if (members == nullptr || members->empty()) {
    const auto* text = value.as<std::string>();
    table.row({name, text != nullptr ? printable(*text) : to_json(value)});
    return;
  }
  for (const auto& member : *members) {
    const auto* part = member.key.as<std::string>();
    const std::string shown = printable(part != nullptr ? *part : to_json(member.key));
    add_rows(table, name.empty() ? shown : name + "." + shown, member.value);
  }
}

Outcome<void> status(Invocation& in) {
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto answer = session->wait(session->publisher().status(session->read()), "status");
  if (!answer) return tl::unexpected<Failure>(answer.error());
  Value reply = stored_value(answer->value);
  hex_names(reply);
  if (auto* members = reply.as<Value::Map>()) {
    std::erase_if(*members, [](const Value::Member& m) { return m.key == Value::text("id"); });
  }
  if (in.globals.json) {
    print_json(in.terminal, reply);
    return {};
  }
  if (auto* members = reply.as<Value::Map>()) {
    std::erase_if(*members, [](const Value::Member& m) { return m.key == Value::text("ok"); });
  }
  Table table({"FIGURE", "VALUE"});
  add_rows(table, "", reply);
  table.print(in.terminal);
  return {};
}

}  // namespace

void add_status(Command top) {
  Command sub = top.command("status", "Print the broker's figures");
  sub.footer(
      "What each figure means is in proto/PROTOCOL.md, section 9.\n\n"
      "Examples:\n"
      "  prismbus status\n"
      "  prismbus status --broker tcp://10.0.0.7:7400 --timeout 1   # exit code 3 when it is away\n"
      "  prismbus status --json | jq .rev\n");
  sub.action([](Invocation& in) { return status(in); });
}

}  // namespace prismbus::command
