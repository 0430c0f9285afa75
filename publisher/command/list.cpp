// prismbus list: the keys of a namespace, or of a subtree.
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
  std::string ns;
  std::optional<std::string> prefix, glob, at;
  bool subtree = false, keys_only = false, long_rows = false, reveal = false;
};

void print_keys(const Options& o, const std::vector<Entry>& entries, Terminal& terminal) {
  for (const Entry& e : entries) {
    if (o.subtree) terminal.out << e.ns << '\t';
    terminal.out << printable(e.key) << '\n';
  }
}

void print_table(const Options& o, const std::vector<Entry>& entries, SecretValues& secrets,
                 Terminal& terminal) {
  std::vector<std::string> header;
  if (o.subtree) header.emplace_back("NAMESPACE");
  header.emplace_back("KEY");
  header.emplace_back("REV");
  if (o.long_rows) header.insert(header.end(), {"VERSION", "TIME", "BY"});
  header.emplace_back("VALUE");
  Table table(header);
  table.align_right(o.subtree ? 2 : 1);
  if (o.long_rows) table.align_right(o.subtree ? 3 : 2);
  for (const Entry& e : entries) {
    std::vector<std::string> cells;
    if (o.subtree) cells.push_back(e.ns);
    cells.push_back(printable(e.key));
    cells.push_back(fmt::format("{}", e.rev.value()));
    if (o.long_rows)
      cells.insert(cells.end(), {fmt::format("{}", e.version), time_text(e.time), printable(e.by)});
    cells.push_back(shown_text(e.value, secrets.shown(e.ns)));
    table.row(std::move(cells));
  }
  table.print(terminal);
}

Outcome<void> list(const Options& o, Invocation& in) {
  const auto at = o.at ? parse_moment(*o.at, "--at") : Outcome<Moment>(Moment{});
  if (!at) return tl::unexpected<Failure>(at.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const std::string any_name = o.ns.empty() ? "-" : o.ns;
  if (auto reached = session->await_revision(at->rev.value_or(Revision(0)), any_name, "-"); !reached)
    return reached;
  ListCall call;
  call.ns = o.ns;
  call.subtree = o.subtree;
  call.values = !o.keys_only;
  call.prefix = o.prefix;
  call.glob = o.glob;
  call.read = session->read();
  call.read.at = at->rev;
  call.read.at_time = at->time;
  const auto answer = session->wait(session->publisher().list(std::move(call)), "list");
  if (!answer) return tl::unexpected<Failure>(answer.error());
  SecretValues secrets(*session, {"list", o.ns, o.reveal}, in.terminal);
  if (in.globals.json) {
    Value::Array entries;
    for (const Entry& e : answer->value) {
      const Shown shown = o.keys_only ? Shown::masked : secrets.shown(e.ns);
      entries.push_back(entry_value(e, shown, !o.keys_only));
    }
    Fields reply = ok_reply(answer->epoch, answer->rev);
    if (answer->at) reply.field("at", answer->at->value());
    print_json(in.terminal,
               reply.field("entries", Value::array(std::move(entries))).field("more", false).take());
  } else if (o.keys_only) {
    print_keys(o, answer->value, in.terminal);
  } else if (!answer->value.empty()) {
    print_table(o, answer->value, secrets, in.terminal);
  }
  return {};
}

}  // namespace

void add_list(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("list", "Print the keys of a namespace");
  sub.option("NS", o->ns, "Namespace").required();
  sub.option("--prefix", o->prefix, "Only keys that begin with this").type_name("TEXT");
  sub.option("--glob", o->glob, "Only keys that match: ? one character, * a run without /, ** any run")
      .type_name("GLOB");
  sub.flag("--subtree", o->subtree, "The namespaces below NS too");
  sub.option("--at", o->at, "The keys as they were at this moment").type_name("WHEN");
  const Option keys =
      sub.flag("--keys-only", o->keys_only, "One key a line, nothing else (with --subtree: NS, tab, key)");
  sub.flag("-l,--long", o->long_rows, "Version, time and author too").excludes(keys);
  add_reveal(sub, o->reveal);
  sub.footer(
      "In the order of the key's bytes. Nothing to list is no error. On a terminal long values are cut to "
      "its width. Exit code 11 when --at lies in history the broker has trimmed.\n" +
      std::string(kMomentHelp) + std::string(kRevealHelp) +
      "\n"
      "Examples:\n"
      "  prismbus list md.okx\n"
      "  prismbus list md.okx --prefix api/ --long\n"
      "  prismbus list md.okx --at -2h\n"
      "  prismbus list md.okx --reveal\n"
      "  prismbus list md --subtree --glob '**/timeout'\n"
      "  prismbus list md.okx --keys-only | wc -l\n"
      "  prismbus list md.okx --json | jq '.entries[] | {key, value}'\n");
  sub.action([o](Invocation& in) { return list(*o, in); });
}

}  // namespace prismbus::command
