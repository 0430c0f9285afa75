#include "broker/core/ack_desk.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/core/cursor_token.hpp"
#include "broker/core/subscriber_rows.hpp"
#include "proto/wire/codec/acknowledgement.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kForgottenAStep = 64;
constexpr std::uint64_t kComeBackAfterMs = 5000;  // to a table that is full

}  // namespace

void AckDesk::greet(const Asked& asked, const HelloRequest& hello) {
  const ConnectionId connection = asked.from.connection;
  bool was_there = false;
  if (Follower* const row = table_.find(connection)) {
    // A client that asks whether we are there says the same again: nothing of what it told is forgotten.
    if (row->greeting == FollowerTable::digest_of(hello, asked.principal))
      return table_.touch(*row, asked.now);
    remove(*row);
    was_there = true;
  }
  no_room_.erase(connection);
  if (hello.follow_ns.empty() && hello.follow_under.empty()) return;
  Follower* const row = table_.add(connection, hello, asked.principal, asked.now);
  if (row == nullptr)
    return void(no_room_.emplace(connection, FollowerTable::identity_of(connection, hello, asked.principal)));
  row->looked = board_.latest();
  if (!was_there) tell(*row, Notice::What::joined, asked.now.wall);
}

void AckDesk::gone(ConnectionId connection, Wall time) {
  waits_.on_gone(connection);
  no_room_.erase(connection);
  const Follower* const row = table_.find(connection);
  if (row == nullptr) return;
  tell(*row, Notice::What::left, time, {.reason = "closed"});
  remove(*row);
}

void AckDesk::tell(const Follower& follower, Notice::What what, Wall time, Notice notice) const {
  if (tap_ == nullptr) return;
  notice.what = what, notice.time = time;
  notice.principal = follower.principal, notice.instance = follower.instance, notice.name = follower.name;
  tap_->on_notice(std::move(notice));
}

void AckDesk::remove(const Follower& follower) {
  waits_.on_leaving(follower);
  table_.remove(follower.connection);
  if (table_.size() == 0) board_.clear();
}

bool AckDesk::answer(const Asked& asked) {
  const RequestBody& body = asked.request.body;
  if (const auto* request = std::get_if<AckRequest>(&body)) return ack(asked, *request), true;
  if (const auto* request = std::get_if<SubscribersRequest>(&body)) return subscribers(asked, *request), true;
  if (const auto* request = std::get_if<WaitAppliedRequest>(&body))
    return wait_applied(asked, *request), true;
  return false;
}

void AckDesk::ack(const Asked& asked, const AckRequest& request) {
  ++acks_;
  const auto refuse = [&](const Error& error) { replier_.refuse(asked.from, asked.id(), error); };
  Follower* const row = table_.find(asked.from.connection);
  const auto outside = no_room_.find(asked.from.connection);
  if (row == nullptr && outside != no_room_.end() && !table_.has_room_for_row(outside->second)) {
    return refuse(overloaded("as many follow as this broker keeps track of", kComeBackAfterMs));
  }
  if (row == nullptr)
    return refuse(error_of(ErrorCode::unauthenticated, "this connection has to say `hello` with `follow`"));
  const auto is_new = [&](const auto& name) { return !row->applied.contains(name.first); };
  const auto more = std::count_if(request.applied.begin(), request.applied.end(), is_new);
  if (!table_.has_room_for(static_cast<std::size_t>(more)))
    return refuse(overloaded("more namespaces are acknowledged than there is room for", kComeBackAfterMs));
  note(*row, asked, request);
  AckReply reply;
  reply.ack_ms = static_cast<std::uint64_t>(next_ack_in(asked.now.steady).count());
  Comparison with{asked.principal, reply};
  if (!row->compared) compare_all(*row, with);
  compare_latest(*row, with);
  measure(*row, with, asked.now.steady);
  note_pace(*row, asked.now);
  replier_.send(asked.from, codec::encode_ack_reply(replier_.head(asked.id()), reply));
}

// By one change set that it still lacks: somebody who keeps up with steady writes is behind at each ack.
void AckDesk::note_pace(Follower& row, Now now) {
  const bool lags = row.lacked.seq != Seq{} && now.steady - row.lacked.since >= kLaggingAfter;
  if (std::exchange(row.lagging, lags) == lags) return;
  if (!lags) return tell(row, Notice::What::caught_up, now.wall);
  tell(row, Notice::What::lagging, now.wall, {.ns = row.lacked.ns, .seq = row.lacked.seq});
}

std::chrono::milliseconds AckDesk::next_ack_in(Steady now) const {
  const auto interval = table_.ack_interval();
  const auto due = std::chrono::floor<std::chrono::milliseconds>((now + interval).time_since_epoch());
  return interval - due % kGather;
}

void AckDesk::note(Follower& row, const Asked& asked, const AckRequest& request) {
  table_.touch(row, asked.now);
  if (request.state) row.state = std::string(*request.state);
  for (const std::uint64_t sample : request.latency_us) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();  // more than an hour
    row.latency[row.latencies++ % row.latency.size()] = static_cast<std::uint32_t>(std::min(sample, most));
    lags_.apply.record(std::min(sample, most));
  }
  // Refusals first: who waits for a seq learns of them with it.
  for (const auto& rejection : request.rejected) {
    if (row.follows(rejection.ns) && asked.principal.may_read(rejection.ns)) {
      const std::uint64_t before = row.rejections;
      table_.keep(row, {std::string(rejection.ns), rejection.seq, std::string(rejection.key),
                        std::string(rejection.reason)});
      if (row.rejections == before) continue;  // it told of it before
      tell(row, Notice::What::rejected, asked.now.wall,
           {.ns = std::string(rejection.ns),
            .key = std::string(rejection.key),
            .reason = std::string(rejection.reason),
            .seq = rejection.seq});
    }
  }
  for (const auto& [ns, seq] : request.applied) {
    if (!row.follows(ns) || !asked.principal.may_read(ns)) continue;
    auto it = row.applied.find(ns);
    if (it == row.applied.end()) {
      it = row.applied.emplace(ns, Seq{}).first;
      table_.count_names(1);
    }
    if (seq <= it->second) continue;
    const Seq before = std::exchange(it->second, seq);
    waits_.on_progress(row, ns, before, seq);
  }
}

// True when there is no room for more in this answer.
bool AckDesk::add_behind(std::string_view ns, const Principal& principal, AckReply& reply) {
  const auto is_told = [ns](const auto& told) { return told.first == ns; };
  if (std::any_of(reply.behind.begin(), reply.behind.end(), is_told) || !principal.may_read(ns)) return false;
  if (const auto head = heads_.head_of(ns)) reply.behind.emplace_back(ns, *head);
  return reply.behind.size() >= kBehindMax;
}

// After its `hello`: every name it told of, against the heads as they are, round after round until all are
// reached. What changes meanwhile is on the board.
void AckDesk::compare_all(Follower& row, Comparison& with) {
  auto it = row.applied.lower_bound(row.compare_next);
  for (std::size_t visits = 0; it != row.applied.end() && visits < kHeadVisitsMax; ++visits, ++it) {
    const auto head = heads_.head_of(it->first);
    if (!head || head->seq <= it->second || !with.principal.may_read(it->first)) continue;
    row.found_behind = true;
    if (!board_.find(it->first)) with.lacks(it->first, it->second, head->seq);
    with.reply.behind.emplace_back(it->first, *head);
    if (with.reply.behind.size() >= kBehindMax) break;
  }
  if (it != row.applied.end()) return void(row.compare_next = it->first);
  row.compare_next.clear();
  row.compared = !std::exchange(row.found_behind, false);
}

void AckDesk::compare_latest(Follower& row, Comparison& with) {
  if (row.under.empty() && row.applied.size() <= kDirectNames) {
    for (const auto& [ns, seq] : row.applied) {
      const auto latest = board_.find(ns);
      if (!latest || *latest <= seq) continue;
      with.lacks(ns, seq, *latest);
      if (add_behind(ns, with.principal, with.reply)) return;
    }
    return;
  }
  std::size_t visits = 0;
  bool cut = false;
  board_.since(row.looked, [&](std::uint64_t order, std::string_view ns, Seq seq) {
    cut = ++visits > kBoardVisitsMax || with.reply.behind.size() >= kBehindMax;
    if (cut) return false;
    row.looked = order;
    if (!row.follows(ns)) return true;
    const Seq reached = row.reached(ns);
    if (reached >= seq) return true;
    if (row.first_behind == 0) row.first_behind = order;
    with.lacks(ns, reached, seq);
    (void)add_behind(ns, with.principal, with.reply);
    return true;
  });
  if (cut) return;
  // A round is over: the next one begins in front of the first that was not reached.
  row.looked = row.first_behind != 0 ? row.first_behind - 1 : board_.latest();
  row.first_behind = 0;
}

void AckDesk::measure(Follower& row, const Comparison& found, Steady now) {
  Follower::Lacked& lacked = row.lacked;
  // What may not be read any more is not lacked either.
  if (lacked.seq != Seq{} && (row.reached(lacked.ns) >= lacked.seq || !found.principal.may_read(lacked.ns)))
    lacked = {};
  if (lacked.seq == Seq{} && found.lacking > 0) lacked = {std::string(found.ns), found.seq, now};
  const auto since = lacked.seq == Seq{} ? std::chrono::nanoseconds(0) : now - lacked.since;
  lags_.change_sets.record(found.lacking);
  lags_.lacking.record(static_cast<std::uint64_t>(since.count()) / 1000);
}

void AckDesk::subscribers(const Asked& asked, const SubscribersRequest& request) {
  const auto refuse = [&](const Error& error) { replier_.refuse(asked.from, asked.id(), error); };
  const codec::ReplyHead head = replier_.head(asked.id());
  ConnectionId after;
  if (request.page.after) {
    const auto cursor = decode_cursor(*request.page.after, CursorKind::subscribers, head.epoch, head.rev);
    if (!cursor) return refuse(cursor.error());
    after = ConnectionId(cursor->n);
  }
  RowPage page = list_subscribers({table_, heads_, door_}, asked.principal, request, after, asked.now.steady);
  if (page.last) {
    page.reply.after =
        encode_cursor({CursorKind::subscribers, head.epoch, head.rev, page.last->value(), {}, {}});
  }
  replier_.send(asked.from, codec::encode_subscribers_reply(head, page.reply));
}

void AckDesk::wait_applied(const Asked& asked, const WaitAppliedRequest& request) {
  waits_.wait(asked, request);
}

std::size_t AckDesk::step(Now now, bool ending) {
  std::size_t done = waits_.step(now, ending);
  for (std::size_t n = 0; n < kForgottenAStep; ++n, ++done) {
    const Follower* const silent = table_.overdue(now.steady);
    if (silent == nullptr) break;
    tell(*silent, Notice::What::left, now.wall, {.reason = "silent"});
    remove(*silent);
  }
  return done;
}

Steady AckDesk::next_deadline(Steady otherwise) const {
  const auto overdue = table_.next_overdue();
  return waits_.next_deadline(overdue ? std::min(otherwise, *overdue) : otherwise);
}

}  // namespace prismbus
