// Reads of the past, histories and differences, held against the reference: at a revision, at a moment, page
// after page while writes go on.
#include <algorithm>

#include "tests/model/reads.hpp"
#include "tests/model/writes.hpp"

namespace prismbus::model {

struct Reads::History {
  std::string ns, key;
  std::optional<std::uint64_t> before, limit;
  std::optional<std::string> cursor;
  std::uint64_t last = 0;  // revision of the last version given; 0 = none yet
};
struct Reads::Diff {
  std::string ns;
  std::uint64_t from = 0, to = 0;
  std::optional<std::uint64_t> limit;
  std::optional<std::string> cursor;
  std::optional<std::uint64_t> used;  // what `to` 0 means: the first page's revision
  std::string last;                   // the last key given
};

Reads::Past Reads::random_past() {
  Past past;
  const std::uint64_t dice = world_.pick(6);
  if (dice == 0) past.at = world_.pick(world_.model.last() + (world_.chance(4) ? 3 : 1));
  if (dice == 1) {
    past.at_time = to_micros(world_.now.wall) - world_.pick(20'000'000);
    if (world_.chance(6)) *past.at_time += 25'000'000;  // a moment to come
  }
  return past;
}

void Reads::ask_of(const Past& past, ReadOptions& read, Ask& ask) {
  if (past.at) read.at = Revision(*past.at);
  read.at_time = past.at_time;
  ask.waits_for = std::max(ask.waits_for, past.at.value_or(0));
  // A moment that is over is answered when what was sequenced by then is applied; nobody outside knows which
  // revision that is, only that it comes or the broker says why not.
  ask.of_a_moment = past.at_time.has_value();
}

std::uint64_t Reads::revision_read(Past& past, const ReplyHeader& header) const {
  if (!past.at && !past.at_time) {
    demand(!header.at, "a read of now names no other revision");
    return header.rev.value();
  }
  demand(header.at.has_value(), "a read of the past says of which revision it is");
  const std::uint64_t at = header.at->value();
  demand(at <= header.rev.value(), "a read of the past is not of the future");
  if (past.at) demand(at == *past.at, "a read `at` a revision is of that one");
  if (past.used) {
    demand(at == *past.used, "all pages of a read of the past are of one revision");
  } else if (past.at_time) {
    demand(at == std::min(world_.model.last_at(*past.at_time), header.rev.value()),
           "`at_time` is after the last transaction that is not later");
  }
  past.used = at;
  return at;
}

void Reads::start_history() {
  auto history = std::make_shared<History>();
  history->ns = random_namespace(world_);
  history->key = random_key(world_);
  history->limit = random_limit();
  if (world_.chance(3)) history->before = 1 + world_.pick(world_.model.last() + 2);
  send_history(std::move(history));
}

void Reads::send_history(std::shared_ptr<History> history) {
  Ask ask = ask_for("history", [this, history](const Ask&, const ReplyHeader& header) {
    const auto reply = codec::decode_history_reply(header);
    demand(reply.has_value(), "a history is well-formed");
    check_history(*history, *reply, header.rev.value());
    go_on(history, *reply, &Reads::send_history);
  });
  HistoryRequest request{history->ns, history->key, {}, {}};
  if (history->before) request.before = Revision(*history->before);
  if (history->cursor) request.page.after = *history->cursor;
  request.page.limit = history->limit;
  world_.send({{}, {}, {}, request}, std::move(ask));
}

void Reads::check_history(History& history, const HistoryReply& reply, std::uint64_t rev) {
  std::uint64_t end = rev + 1;
  if (history.before) end = std::min(end, *history.before);
  if (history.last != 0) end = std::min(end, history.last);
  std::vector<Version> expected;
  if (const auto* versions = world_.model.versions(history.ns, history.key)) {
    for (const Version& version : *versions) {
      if (version.rev < end) expected.insert(expected.begin(), version);
    }
  }
  demand(reply.versions.size() <= expected.size(), "a history holds nothing that did not happen");
  // It ends with the first version, or with the newest that was there at the floor.
  if (!reply.more && reply.versions.size() < expected.size()) {
    demand(world_.may_be_gone(expected[reply.versions.size()].rev), "a history ends at its floor");
  }
  if (reply.more && history.limit)
    demand(reply.versions.size() == *history.limit, "a page is full before it ends");
  for (std::size_t i = 0; i < reply.versions.size(); ++i) {
    const KeyVersion& version = reply.versions[i];
    demand(version.rev.value() == expected[i].rev, "versions newest first");
    demand((version.op == ChangeOp::put) == expected[i].put && version.version == expected[i].version,
           "what a version did");
    demand(version.value == (expected[i].put ? expected[i].value : std::string()), "a value byte for byte");
    demand(to_micros(version.time) == expected[i].time && version.by == "anonymous",
           "a version tells when and by whom");
    demand(version.note == expected[i].note || (!version.note && world_.may_be_gone(expected[i].rev)),
           "a version carries its transaction's note while that is kept");
    history.last = expected[i].rev;
  }
}

void Reads::start_diff() {
  auto diff = std::make_shared<Diff>();
  diff->ns = random_namespace(world_);
  diff->limit = random_limit();
  diff->from = world_.pick(world_.model.last() + 1);
  if (world_.chance(2)) diff->to = world_.pick(world_.model.last() + (world_.chance(4) ? 3 : 1));
  send_diff(std::move(diff));
}

void Reads::send_diff(std::shared_ptr<Diff> diff) {
  Ask ask = ask_for("diff", [this, diff](const Ask&, const ReplyHeader& header) {
    const auto reply = codec::decode_diff_reply(header);
    demand(reply.has_value(), "a difference is well-formed");
    if (!diff->used) diff->used = diff->to != 0 ? diff->to : header.rev.value();
    check_diff(*diff, *reply);
    go_on(diff, *reply, &Reads::send_diff);
  });
  ask.waits_for = std::max(diff->from, diff->to);
  DiffRequest request{diff->ns, Revision(diff->from), Revision(diff->to), {}};
  if (diff->cursor) request.page.after = *diff->cursor;
  request.page.limit = diff->limit;
  world_.send({{}, {}, {}, request}, std::move(ask));
}

void Reads::check_diff(Diff& diff, const DiffReply& reply) {
  struct Pair {
    std::string key;
    const Version *before, *after;
  };
  std::vector<Pair> expected;
  for (const std::string& key : world_.model.keys_of(diff.ns)) {
    const Version* before = world_.model.find(diff.ns, key, diff.from);
    const Version* after = world_.model.find(diff.ns, key, *diff.used);
    if (key <= diff.last || (before == nullptr && after == nullptr)) continue;
    if (before == nullptr || after == nullptr || before->value != after->value)
      expected.push_back({key, before, after});
  }
  demand(reply.changes.size() <= expected.size(), "a difference holds nothing that is equal");
  if (!reply.more) demand(reply.changes.size() == expected.size(), "a difference ends with the last key");
  for (std::size_t i = 0; i < reply.changes.size(); ++i) {
    const KeyDifference& found = reply.changes[i];
    demand(found.key == expected[i].key, "differences in key order");
    demand(found.before.has_value() == (expected[i].before != nullptr) &&
               found.after.has_value() == (expected[i].after != nullptr),
           "what came and what went");
    if (found.before) demand_entry(*found.before, {diff.ns, found.key, expected[i].before});
    if (found.after) demand_entry(*found.after, {diff.ns, found.key, expected[i].after});
    if (found.before) demand(found.before->value == expected[i].before->value, "a value byte for byte");
    if (found.after) demand(found.after->value == expected[i].after->value, "a value byte for byte");
    diff.last = found.key;
  }
}

}  // namespace prismbus::model
