// prismbus snapshot: everything in a namespace or a subtree, with the heads, at one revision.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "publisher/command/command.hpp"
#include "publisher/command/namespace_picture.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"
#include "publisher/command/snapshot_picture.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns;
  bool subtree = false, reveal = false;
};

void print_heads(const SnapshotPicture& picture, Terminal& terminal) {
  Table table({"NAMESPACE", "SEQ", "REV", "HASH", "TIME"});
  table.align_right(1);
  table.align_right(2);
  for (const auto& [ns, head] : picture.heads) {
    table.row({ns, fmt::format("{}", head.seq.value()), fmt::format("{}", head.rev.value()),
               hex_text(head.hash), head.seq.value() == 0 ? "" : time_text(head.time)});
  }
  table.print(terminal);
}

Outcome<void> snapshot(const Options& o, Invocation& in) {
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto picture = read_snapshot(*session, o.ns, o.subtree);
  if (!picture) return tl::unexpected<Failure>(picture.error());
  const bool written = std::any_of(picture->heads.begin(), picture->heads.end(),
                                   [](const auto& head) { return head.second.seq.value() > 0; });
  if (!written && !o.ns.empty()) return never_written(o.ns, "snapshot");
  SecretValues secrets(*session, {"snapshot", o.ns, o.reveal}, in.terminal);
  if (in.globals.json) {
    Value::Array entries;
    for (const auto& [at, e] : picture->entries) entries.push_back(entry_value(e, secrets.shown(e.ns)));
    Fields reply = ok_reply(picture->epoch, picture->rev);
    reply.field("entries", Value::array(std::move(entries)));
    reply.field("heads", heads_value({picture->heads.begin(), picture->heads.end()}));
    print_json(in.terminal, reply.field("more", false).take());
    return {};
  }
  print_heads(*picture, in.terminal);
  Table table({"NAMESPACE", "KEY", "REV", "VERSION", "VALUE"});
  table.align_right(2);
  table.align_right(3);
  for (const auto& [at, e] : picture->entries) {
    table.row({e.ns, printable(e.key), fmt::format("{}", e.rev.value()), fmt::format("{}", e.version),
               shown_text(e.value, secrets.shown(e.ns))});
  }
  if (table.empty()) return {};
  in.terminal.out << '\n';
  table.print(in.terminal);
  return {};
}

}  // namespace

void add_snapshot(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("snapshot", "Print all keys and heads at one revision");
  sub.option("NS", o->ns, "Namespace; with --subtree \"\" is everything").required();
  sub.flag("--subtree", o->subtree, "The namespaces below NS too");
  add_reveal(sub, o->reveal);
  sub.footer(
      std::string(
          "The head of a namespace is its last seq and revision and the hash over its keys: who holds equal "
          "heads "
          "holds equal\n"
          "state. Everything printed is of one revision, also when it came in many chunks while writes went "
          "on.\nExit code 4 when NS (with --subtree: and everything below it) was never written.\n") +
      std::string(kRevealHelp) +
      "\n"
      "Examples:\n"
      "  prismbus snapshot md.okx\n"
      "  prismbus snapshot md.okx --reveal\n"
      "  prismbus snapshot md --subtree --json | jq .heads\n");
  sub.action([o](Invocation& in) { return snapshot(*o, in); });
}

}  // namespace prismbus::command
