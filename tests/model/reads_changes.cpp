// `changes`, since seqs and under a subtree.
#include <algorithm>
#include <set>

#include "tests/model/reads.hpp"
#include "tests/model/stream_check.hpp"
#include "tests/model/writes.hpp"

namespace prismbus::model {

struct Reads::Since {
  std::map<std::string, std::uint64_t> asked;  // as it stands in every page's request
  std::map<std::string, std::uint64_t> at;     // what is known of each name by now
  std::set<std::string> done;                  // names whose head came, or that failed
  std::optional<std::uint64_t> limit;
  std::optional<std::string> cursor;
};
struct Reads::Under {
  std::string under;
  std::uint64_t asked = 0, since = 0;  // as asked; the last revision given whole by now
  std::optional<std::uint64_t> limit;
  std::optional<std::string> cursor;
};

namespace {

struct SetName {
  std::string ns;
  std::uint64_t seq = 0, rev = 0;
};

// Demands that what came begins `expected`, in order.
void demand_begins(const World& world, const ChangesReply& reply, const std::vector<SetName>& expected) {
  demand(reply.sets.size() <= expected.size(), "no set that is not asked for");
  for (std::size_t i = 0; i < reply.sets.size(); ++i) {
    const auto& [ns, set] = reply.sets[i];
    demand(ns == expected[i].ns && set.seq.value() == expected[i].seq, "sets in order, none left out");
    demand(set.epoch == world.epoch && set.rev.value() == expected[i].rev, "a set's revision");
    const Set& wanted = *world.model.set(ns, expected[i].seq);
    demand(set.note == wanted.note && set.changes.size() == wanted.changes.size(), "a set's changes");
    for (std::size_t n = 0; n < set.changes.size(); ++n) {
      demand(
          set.changes[n].key == wanted.changes[n].key && set.changes[n].version == wanted.changes[n].version,
          "a set's changes in `do` order");
      demand(set.changes[n].value == (wanted.changes[n].put ? wanted.changes[n].value : std::string()),
             "a value byte for byte");
    }
  }
}

}  // namespace

std::uint64_t Reads::seq_at(const std::string& ns, std::uint64_t rev) const {
  const auto head = world_.model.head(ns, rev);
  return head ? head->seq : 0;
}

bool Reads::is_gone_after(const std::string& ns, std::uint64_t seq) const {
  const Set* next = world_.model.set(ns, seq + 1);
  return next != nullptr && world_.may_be_gone(next->rev);
}

void Reads::start_since() {
  auto since = std::make_shared<Since>();
  for (std::uint64_t n = 1 + world_.pick(3); n > 0; --n) {
    const std::string ns = random_namespace(world_);
    since->asked[ns] = world_.pick(world_.model.head_seq(ns) + 1);
    if (world_.chance(20)) since->asked[ns] = world_.model.head_seq(ns) + 1 + world_.pick(3);
  }
  since->at = since->asked;
  since->limit = random_limit();
  send_since(std::move(since));
}

void Reads::send_since(std::shared_ptr<Since> since) {
  Ask ask;
  ask.what = "changes since";
  ask.check = [this, since](const Ask&, const ReplyHeader& header) {
    if (header.error) {
      const ErrorCode code = header.error->code;
      if ((code != ErrorCode::other_history && code != ErrorCode::compacted) || !header.error->ns) return;
      for (const auto& [ns, seq] : since->asked) {
        demand(seq > seq_at(ns, header.rev.value()) || is_gone_after(ns, seq),
               "changes fails when every name fails");
      }
      return;
    }
    ++pages_;
    const auto reply = codec::decode_changes_reply(header);
    demand(reply.has_value(), "changes are well-formed");
    check_since(*since, *reply, header.rev.value());
    go_on(since, *reply, &Reads::send_since);
  };
  ChangesRequest request;
  for (const auto& [ns, seq] : since->asked) request.since.emplace_back(ns, Seq(seq));
  if (since->cursor) request.page.after = *since->cursor;
  request.page.limit = since->limit;
  world_.send({{}, {}, {}, std::move(request)}, std::move(ask));
}

void Reads::check_since(Since& since, const ChangesReply& reply, std::uint64_t rev) {
  std::vector<SetName> expected;
  for (const auto& [ns, at] : since.at) {
    const bool failed = std::any_of(reply.failed.begin(), reply.failed.end(),
                                    [&name = ns](const auto& row) { return row.first == name; });
    if (since.done.count(ns) != 0 || failed) continue;
    for (std::uint64_t seq = at + 1; seq <= seq_at(ns, rev); ++seq) {
      expected.push_back({ns, seq, world_.model.set(ns, seq)->rev});
    }
  }
  demand_begins(world_, reply, expected);
  if (reply.more && since.limit) demand(reply.sets.size() == *since.limit, "a page is full before it ends");
  for (const auto& [ns, set] : reply.sets) since.at[ns] = set.seq.value();
  for (const auto& [ns, head] : reply.heads) {
    demand(since.at.count(ns) != 0 && since.done.insert(ns).second, "a name's head comes once");
    demand(since.at[ns] == head.seq.value(), "a name's head comes with its last set");
    demand_head(head, world_.model.head(ns, rev).value_or(HeadAt{}));
  }
  for (const auto& [ns, error] : reply.failed) {
    demand(since.at.count(ns) != 0 && since.done.insert(ns).second, "a name fails once");
    if (error.code == ErrorCode::compacted) {
      const std::uint64_t floor = error.floor.value_or(0);
      demand(since.at[ns] < floor && floor <= seq_at(ns, rev) && is_gone_after(ns, floor - 1),
             "compacted names the smallest `since`, which retention may have reached");
      continue;
    }
    demand(error.code == ErrorCode::other_history && since.at[ns] > seq_at(ns, rev),
           "a name fails when it is asked for what never was");
  }
  if (!reply.more) demand(since.done.size() == since.at.size(), "every name gets its head");
}

void Reads::start_under() {
  auto under = std::make_shared<Under>();
  if (world_.chance(2)) under->under = random_namespace(world_);
  under->asked = under->since = world_.pick(world_.model.last() + 2);
  under->limit = random_limit();
  send_under(std::move(under));
}

void Reads::send_under(std::shared_ptr<Under> under) {
  Ask ask = ask_for("changes under", [this, under](const Ask&, const ReplyHeader& header) {
    const auto reply = codec::decode_changes_reply(header);
    demand(reply.has_value(), "changes are well-formed");
    check_under(*under, *reply, header.rev.value());
    go_on(under, *reply, &Reads::send_under);
  });
  ChangesRequest request;
  request.under = under->under;
  request.since_rev = Revision(under->asked);
  ask.waits_for = under->asked;
  if (under->cursor) request.page.after = *under->cursor;
  request.page.limit = under->limit;
  world_.send({{}, {}, {}, std::move(request)}, std::move(ask));
}

void Reads::check_under(Under& under, const ChangesReply& reply, std::uint64_t rev) {
  std::vector<SetName> expected;
  for (std::uint64_t r = under.since + 1; r <= rev; ++r) {
    for (const auto& [ns, seq] : world_.model.outcome(r).seqs) {
      if (covers(under.under, ns)) expected.push_back({ns, seq, r});
    }
  }
  demand_begins(world_, reply, expected);
  const std::size_t given = reply.sets.size();
  if (!reply.more) demand(given == expected.size(), "the last page ends with the last set");
  if (reply.more && under.limit) demand(given >= *under.limit, "a page is full before it ends");
  if (given > 0 && given < expected.size()) {
    demand(expected[given].rev != expected[given - 1].rev, "I11: a page ends between transactions");
  }
  std::set<std::string> named;
  for (const auto& [ns, set] : reply.sets) named.insert(ns);
  demand(reply.heads.size() == named.size(), "the heads of the namespaces in the page");
  for (const auto& [ns, head] : reply.heads) {
    demand(named.count(ns) != 0, "the heads of the namespaces in the page");
    demand_head(head, *world_.model.head(ns, rev));
  }
  if (given > 0) under.since = expected[given - 1].rev;
}

}  // namespace prismbus::model
