// prismbus rollback: writes the values of an earlier moment anew.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "publisher/command/change_pages.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/difference_lines.hpp"
#include "publisher/command/namespace_picture.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, key, to, note;
  bool dry_run = false, reveal = false;
};

// What `diff` says from then to now, the other way round.
Outcome<void> show(const Options& o, bool has_key, Revision to, Session& session, Invocation& in) {
  auto answer = read_diff(session, o.ns, to, Revision(0));
  if (!answer) return tl::unexpected<Failure>(answer.error());
  if (answer->changes.empty()) {
    if (auto written = require_written(session, o.ns, "rollback"); !written) return written;
  }
  if (has_key) std::erase_if(answer->changes, [&o](const KeyDifference& d) { return d.key != o.key; });
  const Shown shown = answer->changes.empty()
                          ? Shown::masked
                          : SecretValues(session, {"rollback", o.ns, o.reveal}, in.terminal).shown(o.ns);
  std::vector<Difference> differences;
  Value::Array changes;
  for (KeyDifference& d : answer->changes) {
    std::swap(d.before, d.after);
    differences.push_back(to_difference(d));
    changes.push_back(key_difference_value(d, shown));
  }
  if (in.globals.json) {
    Fields reply = ok_reply(answer->epoch, answer->rev);
    print_json(in.terminal,
               reply.field("dry_run", true).field("changes", Value::array(std::move(changes))).take());
    return {};
  }
  print_differences(differences, shown, in.terminal);
  in.terminal.out << fmt::format("{} {} would change back to rev {}; nothing written (--dry-run)\n",
                                 differences.size(), differences.size() == 1 ? "key" : "keys", to.value());
  return {};
}

Outcome<void> rollback(const Options& o, bool has_key, Invocation& in) {
  const auto moment = parse_moment(o.to, "--to");
  if (!moment) return tl::unexpected<Failure>(moment.error());
  if (moment->is_now()) return misused("--to", "a moment before now is needed");
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto to = revision_reached_at(*session, o.ns, *moment, "--to");
  if (!to) return tl::unexpected<Failure>(to.error());
  if (auto reached = session->await_revision(*to, o.ns, has_key ? o.key : "-"); !reached) return reached;
  if (o.dry_run) return show(o, has_key, *to, *session, in);
  WriteCall call = session->write();
  if (!o.note.empty()) call.note = o.note;
  std::optional<std::string> key;
  if (has_key) key = o.key;
  const auto done = session->wait(session->publisher().rollback(o.ns, std::move(key), *to, std::move(call)),
                                  "rollback " + o.ns);
  if (!done) return tl::unexpected<Failure>(done.error());
  if (done->changes == 0) {
    if (auto written = require_written(*session, o.ns, "rollback"); !written) return written;
  }
  if (in.globals.json) {
    Fields reply = ok_reply(done->epoch, done->rev);
    reply.field("seq", done->seq.value()).field("changes", done->changes);
    if (done->duplicate) reply.field("duplicate", true);
    print_json(in.terminal, reply.take());
  } else if (done->changes == 0) {
    in.terminal.out << fmt::format("nothing differs from rev {}; nothing written\n", to->value());
  } else {
    in.terminal.out << fmt::format("{} {} back to rev {}; rev {}  seq {}\n", done->changes,
                                   done->changes == 1 ? "key" : "keys", to->value(), done->rev.value(),
                                   done->seq.value());
  }
  return {};
}

}  // namespace

void add_rollback(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("rollback", "Restore the values of an earlier moment");
  sub.option("NS", o->ns, "Namespace").required();
  const Option key = sub.option("KEY", o->key, "Only this key; else the whole namespace");
  sub.option("--to", o->to, "The moment to go back to").type_name("WHEN").required();
  const Option dry = sub.flag("-n,--dry-run", o->dry_run, "Show what would change; write nothing");
  add_reveal(sub, o->reveal).needs(dry);
  sub.option("--note", o->note, "A note to keep with the revision, up to 1 KiB").type_name("TEXT");
  sub.footer(
      "One new transaction: history is kept, and a rollback can be rolled back. Keys that came later are "
      "deleted.\nWhat is equal is not written; when nothing differs there is no new revision. Exit code 4 "
      "when NS was "
      "never written.\n" +
      std::string(kMomentHelp) + std::string(kRevealHelp) +
      "\nExamples:\n"
      "  prismbus rollback md.okx --to 2 --dry-run\n"
      "  prismbus rollback md.okx --to 2 --dry-run --reveal\n"
      "  prismbus rollback md.okx --to 2 --note 'undo the release'\n"
      "  prismbus rollback md.okx api/timeout --to 4\n");
  sub.action([o, key](Invocation& in) { return rollback(*o, key.given(), in); });
}

}  // namespace prismbus::command
