// prismbus changes: the change sets after a point in history, up to now.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "publisher/command/change_pages.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/past_set.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"
#include "publisher/command/watch_lines.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, since;
  bool subtree = false, reveal = false;
};

Outcome<void> print_reply(ChangePages& pages, SecretValues& secrets, Terminal& terminal) {
  Value::Array sets;
  std::map<std::string, Head> heads;
  for (;;) {
    const auto page = pages.next();
    if (!page) return tl::unexpected<Failure>(page.error());
    if (!*page) break;
    for (const auto& [ns, set] : (*page)->sets) sets.push_back(set_value(ns, set, secrets.shown(ns)));
    for (const auto& [ns, head] : (*page)->heads) heads.insert_or_assign(ns, head);
  }
  Fields reply = ok_reply(pages.epoch(), pages.rev());
  reply.field("sets", Value::array(std::move(sets)));
  print_json(terminal,
             reply.field("heads", heads_value({heads.begin(), heads.end()})).field("more", false).take());
  return {};
}

Outcome<void> print_lines(const Options& o, ChangePages& pages, SecretValues& secrets, Terminal& terminal) {
  WatchLook look;
  look.with_namespace = o.subtree;
  WatchLines lines(look, secrets, terminal);
  for (;;) {
    const auto page = pages.next();
    if (!page) return tl::unexpected<Failure>(page.error());
    if (!*page || !terminal.out) return {};
    for (const auto& [ns, set] : (*page)->sets) lines.print(past_set(ns, set), pages.epoch());
  }
}

Outcome<void> changes(const Options& o, Invocation& in) {
  const auto since = parse_since(o.since, "--since");
  if (!since) return tl::unexpected<Failure>(since.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  auto pages = ChangePages::open(*session, o.ns, o.subtree, *since);
  if (!pages) return tl::unexpected<Failure>(pages.error());
  SecretValues secrets(*session, {"changes", o.ns, o.reveal}, in.terminal);
  return in.globals.json ? print_reply(*pages, secrets, in.terminal)
                         : print_lines(o, *pages, secrets, in.terminal);
}

}  // namespace

void add_changes(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("changes", "Print the change sets after a point in history");
  sub.option("NS", o->ns, "Namespace; with --subtree \"\" is everything").required();
  sub.option("--since", o->since, "Change sets after this; 0 for all of them").type_name("SINCE").required();
  sub.flag("--subtree", o->subtree, "The namespaces below NS too");
  add_reveal(sub, o->reveal);
  sub.footer(
      "+ added, ~ changed, - deleted, as watch prints them. Exit code 11 when the broker has trimmed that "
      "history.\n" +
      std::string(kSinceHelp) + std::string(kRevealHelp) +
      "\nExamples:\n"
      "  prismbus changes md.okx --since 0\n"
      "  prismbus changes md.okx --since seq:2\n"
      "  prismbus changes md.okx --since 0 --reveal\n"
      "  prismbus changes md --subtree --since -2h\n"
      "  prismbus changes md.okx --since 1 --json | jq -c '.sets[] | {rev, by, note}'\n");
  sub.action([o](Invocation& in) { return changes(*o, in); });
}

}  // namespace prismbus::command
