// prismbus get: reads one value.
#include <fmt/format.h>

#include <memory>

#include "proto/json/json_value.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/moment.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, key;
  std::optional<std::uint64_t> min_rev;
  std::optional<std::string> at;
  bool raw = false, meta = false, reveal = false;
};

Outcome<void> print_raw(const Options& o, const Value& value, Terminal& terminal) {
  const auto* text = value.as<std::string>();
  const auto* binary = value.as<Binary>();
  if (text == nullptr && binary == nullptr) {
    return misused("--raw", fmt::format("{} {} is neither a string nor binary", o.ns, o.key));
  }
  terminal.out << (text != nullptr ? *text : binary->bytes);
  return {};
}

void print_meta(const Entry& e, Terminal& terminal) {
  const auto row = [&terminal](std::string_view name, const std::string& text) {
    terminal.out << terminal.painted(fmt::format("{:<10}", name), Colour::dim) << printable(text) << '\n';
  };
  row("namespace", e.ns);
  row("key", e.key);
  row("rev", fmt::format("{}", e.rev.value()));
  row("version", fmt::format("{}", e.version));
  row("created", fmt::format("{}", e.created.value()));
  row("time", time_text(e.time));
  row("by", e.by);
}

Outcome<void> get(const Options& o, Invocation& in) {
  if (o.at && o.min_rev) return misused("--at", "not with --min-rev");
  const auto at = o.at ? parse_moment(*o.at, "--at") : Outcome<Moment>(Moment{});
  if (!at) return tl::unexpected<Failure>(at.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const Revision needed = at->rev.value_or(Revision(o.min_rev.value_or(0)));
  if (auto reached = session->await_revision(needed, o.ns, o.key); !reached) return reached;
  ReadCall call = session->read();
  call.at = at->rev;
  call.at_time = at->time;
  if (o.min_rev) call.min_rev = Revision(*o.min_rev);
  const auto answer = session->wait(session->publisher().get(o.ns, o.key, std::move(call)),
                                    fmt::format("get {} {}", o.ns, o.key));
  if (!answer) return tl::unexpected<Failure>(answer.error());
  const Entry& entry = answer->value;
  const Shown shown = SecretValues(*session, {"get", o.ns, o.reveal}, in.terminal).shown(o.ns);
  if (in.globals.json) {
    Fields reply = ok_reply(answer->epoch, answer->rev);
    if (answer->at) reply.field("at", answer->at->value());
    print_json(in.terminal, reply.field("entry", entry_value(entry, shown)).take());
    return {};
  }
  const Value value = stored_value(entry.value);
  const bool masked = shown == Shown::masked;
  if (o.raw && !masked) return print_raw(o, value, in.terminal);
  if (o.meta) print_meta(entry, in.terminal);
  in.terminal.out << (masked ? std::string(kMask) : to_json(value, JsonLayout::indented))
                  << (o.raw ? "" : "\n");
  return {};
}

}  // namespace

void add_get(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("get", "Print one value");
  sub.option("NS", o->ns, "Namespace").required();
  sub.option("KEY", o->key, "Key").required();
  sub.option("--min-rev", o->min_rev, "Wait (2 s at most) until the broker has applied this revision")
      .type_name("REV")
      .whole_number();
  sub.option("--at", o->at, "The value as of this moment").type_name("WHEN");
  const Option raw =
      sub.flag("--raw", o->raw, "A string or binary value as its bytes, without quotes or line feed");
  sub.flag("--meta", o->meta, "Revision, version, time and author too").excludes(raw);
  add_reveal(sub, o->reveal);
  sub.footer(
      "The value is printed as JSON. Exit code 4 when there is no such key, 11 when --at lies in history the "
      "broker has trimmed.\n" +
      std::string(kMomentHelp) + std::string(kRevealHelp) +
      "\n"
      "Examples:\n"
      "  prismbus get md.okx api/timeout\n"
      "  prismbus get md.okx api/timeout --meta\n"
      "  prismbus get md.okx api/timeout --at 2\n"
      "  prismbus get md.okx api/timeout --reveal\n"
      "  prismbus get md.okx tls/certificate --raw > okx.pem\n"
      "  prismbus get md.okx api/timeout --json | jq .entry.rev\n");
  sub.action([o](Invocation& in) { return get(*o, in); });
}

}  // namespace prismbus::command
