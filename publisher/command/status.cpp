// prismbus status: the broker's figures.
#include <fmt/format.h>

#include "proto/json/json_value.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

// Maps become names joined by dots, everything else one row.
void add_rows(Table& table, const std::string& name, const Value& value) {
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
      "What each figure means is in broker/DESIGN.md.\n\n"
      "Examples:\n"
      "  prismbus status\n"
      "  prismbus status --broker tcp://10.0.0.7:7400 --timeout 1   # exit code 3 when it is away\n"
      "  prismbus status --json | jq .rev\n");
  sub.action([](Invocation& in) { return status(in); });
}

}  // namespace prismbus::command
