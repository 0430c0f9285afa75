// prismbus outbox: what waits in a publisher's outbox, and what became of the rest. Reads the directory
// itself, beside the process that holds it; asks no broker, so that it never knows which values are secret:
// they are masked unless --reveal.
#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <set>

#include "proto/json/json_value.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"
#include "publisher/outbox/outbox_directory.hpp"
#include "publisher/outbox/outbox_store.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string directory;
  std::vector<std::uint64_t> acknowledge;
  bool all = false, reveal = false;
};

std::string_view word_of(OutboxOutcome::Kind kind) {
  switch (kind) {
    case OutboxOutcome::Kind::applied:
      return "applied";
    case OutboxOutcome::Kind::merged:
      return "merged";
    case OutboxOutcome::Kind::superseded:
      return "superseded";
    case OutboxOutcome::Kind::rejected:
      break;
  }
  return "rejected";
}

Value changes_value(const std::vector<OutboxOutcome::Change>& changes, Shown shown) {
  Value::Array out;
  for (const auto& change : changes) {
    Fields fields;
    fields.field("op", change.op == ChangeOp::put ? "put" : "delete");
    fields.field("ns", change.ns).field("key", change.key);
    if (!change.value.empty()) fields.value(change.value, shown);
    out.push_back(fields.take());
  }
  return Value::array(std::move(out));
}

Value pending_value(const PendingWrite& write, Shown shown) {
  return Fields()
      .field("id", write.id)
      .field("queued", to_micros(write.queued_at))
      .field("attempted", write.attempted)
      .field("changes", changes_value(write.changes, shown))
      .take();
}

Value outcome_value(const OutboxOutcome& outcome, Shown shown) {
  Fields out;
  out.field("id", outcome.id).field("outcome", word_of(outcome.kind));
  out.field("conflict", outcome.conflict).field("other_history", outcome.other_history);
  out.field("duplicate", outcome.duplicate).hex("epoch", outcome.epoch.value());
  out.field("rev", outcome.rev.value());
  if (outcome.kind == OutboxOutcome::Kind::rejected) out.field("code", error_row(outcome.code).name);
  if (!outcome.message.empty()) out.field("message", outcome.message);
  out.field("queued", to_micros(outcome.queued_at)).field("settled", to_micros(outcome.settled_at));
  return out.field("changes", changes_value(outcome.changes, shown)).take();
}

std::string changed(const std::vector<OutboxOutcome::Change>& changes) {
  if (changes.empty()) return "(damaged)";
  const auto& first = changes.front();
  std::string out = printable(first.ns + " " + first.key);
  if (changes.size() > 1) out += fmt::format(" and {} more", changes.size() - 1);
  return out;
}

std::string value_shown(const std::vector<OutboxOutcome::Change>& changes, Shown shown) {
  if (changes.empty()) return "";
  const auto& first = changes.front();
  if (first.op == ChangeOp::del) return "(delete)";
  return first.value.empty() ? "" : shown_text(first.value, shown);
}

void print_tables(const OutboxListing& listing, Shown shown, Terminal& terminal) {
  if (listing.pending.empty() && listing.outcomes.empty()) {
    terminal.out << "nothing is waiting, and there are no outcomes\n";
    return;
  }
  if (!listing.pending.empty()) {
    Table table({"PENDING", "QUEUED", "SENT", "KEY", "VALUE"});
    table.align_right(0);
    for (const auto& write : listing.pending) {
      table.row({fmt::format("{}", write.id), time_text(write.queued_at), write.attempted ? "perhaps" : "no",
                 changed(write.changes), value_shown(write.changes, shown)});
    }
    table.print(terminal);
  }
  if (!listing.outcomes.empty()) {
    Table table({"OUTCOME", "BECAME", "REV", "KEY", "WHY", "VALUE"});
    table.align_right(0);
    table.align_right(2);
    for (const auto& outcome : listing.outcomes) {
      std::string why = outcome.kind == OutboxOutcome::Kind::rejected
                            ? fmt::format("{}: {}", error_row(outcome.code).name, outcome.message)
                            : outcome.message;
      if (outcome.other_history) why.insert(0, "another history; ");
      table.row({fmt::format("{}", outcome.id), std::string(word_of(outcome.kind)),
                 fmt::format("{}", outcome.rev.value()), changed(outcome.changes), printable(why),
                 value_shown(outcome.changes, shown)});
    }
    table.print(terminal);
  }
}

Outcome<void> acknowledge(const Options& o) {
  const OutboxOptions usual;
  auto store = OutboxStore::open(o.directory, {usual.entries_max, usual.bytes_max, nullptr});
  if (!store) return failed(store.error(), "outbox");
  std::vector<std::uint64_t> ids = o.acknowledge;
  const auto listing = (*store)->list();
  if (!listing) return failed(listing.error(), "outbox");
  std::set<std::uint64_t> there;
  for (const auto& outcome : listing->outcomes) there.insert(outcome.id);
  if (o.all) ids.assign(there.begin(), there.end());
  for (const std::uint64_t id : ids) {
    if (there.contains(id)) continue;
    Failure none =
        misused("--acknowledge", fmt::format("{} is not an outcome; nothing was forgotten", id)).value();
    none.exit = Exit::not_found;
    return tl::unexpected<Failure>(std::move(none));
  }
  if (const auto done = (*store)->acknowledge(ids); !done) return failed(done.error(), "outbox");
  return {};
}

Outcome<void> outbox(const Options& o, Invocation& in) {
  // Before anything is opened: acknowledging makes no outbox where there is none; reading says so.
  if (const int why = look_for_outbox(o.directory); why != 0 && why != ENOENT) {
    return file_failure(o.directory, "read", why);
  } else if (why == ENOENT) {
    return failed(error_of(ErrorCode::not_found, "no outbox in " + o.directory), "outbox");
  }
  if (o.all || !o.acknowledge.empty()) {
    if (auto done = acknowledge(o); !done) return done;
  }
  const auto listing = OutboxStore::read(o.directory);
  if (!listing) return failed(listing.error(), "outbox");
  const Shown shown = o.reveal ? Shown::as_it_is : Shown::masked;
  if (!in.globals.json) {
    print_tables(*listing, shown, in.terminal);
    return {};
  }
  Value::Array pending, outcomes;
  for (const auto& write : listing->pending) pending.push_back(pending_value(write, shown));
  for (const auto& outcome : listing->outcomes) outcomes.push_back(outcome_value(outcome, shown));
  print_json(in.terminal, Fields()
                              .field("ok", true)
                              .field("pending", Value::array(std::move(pending)))
                              .field("outcomes", Value::array(std::move(outcomes)))
                              .take());
  return {};
}

}  // namespace

void add_outbox(Command top) {
  auto o = std::make_shared<Options>();
  Command sub =
      top.command("outbox", "Print what waits in a publisher's outbox, and what became of the rest");
  sub.option("DIR", o->directory, "The outbox's directory").required();
  const Option some = sub.option("--acknowledge", o->acknowledge, "Forget the outcome of this id; repeatable")
                          .type_name("ID")
                          .whole_number(1)
                          .repeatable();
  sub.flag("--acknowledge-all", o->all, "Forget every outcome").excludes(some);
  sub.flag("--reveal", o->reveal, "Show the values too");
  sub.footer(
      "Reads the directory, also while its publisher runs; no broker is asked. Acknowledging needs the "
      "publisher stopped:\n"
      "exit code 9 while it runs. With --reveal what was superseded or rejected is printed with the value "
      "that "
      "was not applied;\nwithout, all values are ********, with \"masked\": true in JSON: which are secret "
      "only a broker could "
      "say. Exit code 4:\nno outbox there.\n\n"
      "Examples:\n"
      "  prismbus outbox outbox\n"
      "  prismbus outbox outbox --reveal\n"
      "  prismbus outbox outbox --json | jq '.pending[] | {id, changes}'\n"
      "  prismbus outbox outbox --json | jq '.outcomes[] | select(.outcome == \"rejected\")'\n"
      "  prismbus outbox outbox --acknowledge 1 --acknowledge 2   # exit code 4 if one is not an outcome; "
      "none "
      "is "
      "forgotten\n"
      "  prismbus outbox outbox --acknowledge-all\n");
  sub.action([o](Invocation& in) { return outbox(*o, in); });
}

}  // namespace prismbus::command
