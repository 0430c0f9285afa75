// prismbus policy: rules for namespaces, which the broker keeps under _system.policy: a pattern, and a map of
// fields. The broker says which fields it knows and refuses the others.
#include <fmt/format.h>

#include <memory>

#include "proto/json/json_value.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/value_argument.hpp"

namespace prismbus::command {
namespace {

constexpr const char* kPolicy = "_system.policy";

struct Options {
  std::string pattern, note;
  std::vector<std::string> fields;
};

Outcome<void> list_rules(Invocation& in) {
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  ListCall call;
  call.ns = kPolicy;
  call.read = session->read();
  const auto answer = session->wait(session->publisher().list(std::move(call)), "policy list");
  if (!answer) return tl::unexpected<Failure>(answer.error());
  if (in.globals.json) {
    Value::Array entries;
    for (const Entry& e : answer->value) entries.push_back(entry_value(e, Shown::as_it_is));
    Fields reply = ok_reply(answer->epoch, answer->rev);
    print_json(in.terminal,
               reply.field("entries", Value::array(std::move(entries))).field("more", false).take());
    return {};
  }
  Table table({"PATTERN", "REV", "RULE"});
  table.align_right(1);
  for (const Entry& e : answer->value) {
    table.row({printable(e.key), fmt::format("{}", e.rev.value()), to_json(stored_value(e.value))});
  }
  if (!table.empty()) table.print(in.terminal);
  return {};
}

Outcome<Value> rule_of(const Options& o) {
  Value::Map rule;
  for (const std::string& field : o.fields) {
    const std::size_t sign = field.find('=');
    if (sign == 0 || sign == std::string::npos)
      return misused("FIELD=VALUE", json_quoted(field) + " is none");
    auto value =
        parse_value_argument(std::string_view(field).substr(sign + 1), "text is written '\"...\"' here");
    if (!value) return tl::unexpected<Failure>(value.error());
    rule.push_back({Value::text(field.substr(0, sign)), std::move(*value)});
  }
  return Value::map(std::move(rule));
}

Outcome<void> report(const Outcome<WriteOutcome>& done, Invocation& in) {
  if (!done) return tl::unexpected<Failure>(done.error());
  if (in.globals.json) {
    Fields reply = ok_reply(done->epoch, done->rev);
    print_json(in.terminal, reply.field("seq", done->seq.value()).take());
  } else {
    in.terminal.out << fmt::format("rev {}  seq {}\n", done->rev.value(), done->seq.value());
  }
  return {};
}

WriteCall write_call(const Options& o, Session& session) {
  WriteCall call = session.write();
  if (!o.note.empty()) call.note = o.note;
  return call;
}

Outcome<void> set_rule(const Options& o, Invocation& in) {
  const auto rule = rule_of(o);
  if (!rule) return tl::unexpected<Failure>(rule.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  return report(
      session->wait(session->publisher().put(kPolicy, o.pattern, EncodedValue{to_message_pack(*rule)},
                                             write_call(o, *session)),
                    "policy set " + o.pattern),
      in);
}

Outcome<void> delete_rule(const Options& o, Invocation& in) {
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  return report(session->wait(session->publisher().remove(kPolicy, o.pattern, write_call(o, *session)),
                              "policy delete " + o.pattern),
                in);
}

void add_pattern_and_note(Command sub, Options& o) {
  sub.option("PATTERN", o.pattern, "A namespace, a.b.** (a.b and everything below), or **").required();
  sub.option("--note", o.note, "A note to keep with the revision, up to 1 KiB").type_name("TEXT");
}

}  // namespace

void add_policy(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("policy", "Rules for namespaces: list, set, delete");
  sub.require_command();
  Command list = sub.command("list", "Print the rules");
  Command set = sub.command("set", "Write the whole rule of a pattern");
  add_pattern_and_note(set, *o);
  set.option("FIELDS", o->fields, "FIELD=VALUE, one or more; VALUE as in put").required();
  Command remove = sub.command("delete", "Delete the rule of a pattern");
  add_pattern_and_note(remove, *o);
  sub.footer(
      "lane=express gives the changes of the namespaces a stream of their own that busy ones do not delay; "
      "lane=changes is\n"
      "what they have without a rule. secret=true seals what is written from then on on the disk of the "
      "broker, and makes the\n"
      "commands here mask it; it needs a broker with security on, and secret=false takes a part out again: "
      "the most\n"
      "specific pattern that says something wins. set writes all of a rule: name every field that is to "
      "stay. An unknown\n"
      "field or a bad pattern is rejected, exit code 8. A change takes effect for connected clients without "
      "a gap.\n\n"
      "Examples:\n"
      "  prismbus policy list\n"
      "  prismbus policy set 'risk.limits.**' lane=express --note 'limits must not wait'\n"
      "  prismbus policy set 'risk.accounts.**' secret=true lane=express   # exit code 8 at a broker without "
      "security\n"
      "  prismbus policy delete 'risk.limits.**'\n");
  list.action([](Invocation& in) { return list_rules(in); });
  set.action([o](Invocation& in) { return set_rule(*o, in); });
  remove.action([o](Invocation& in) { return delete_rule(*o, in); });
}

}  // namespace prismbus::command
