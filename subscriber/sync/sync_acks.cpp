// SyncState, acknowledgement: what is told to the broker in `ack`, and what its `behind` tells us (PROTOCOL
// section 6, point 5).
#include <algorithm>
#include <utility>

#include "subscriber/sync/sync_state.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

// The first ack waits until all is caught up, so that it tells everything at once; something that is never
// caught up does not keep the rest from being told. In times of `ack_ms`.
constexpr int kFirstAckPatience = 5;
constexpr auto kBehindPatience = 1000ms;  // a head told by `behind` may still be on its way on the stream

}  // namespace

void SyncState::join_acks(Now now) {
  acks_.on_joined(first_ack_spread(), kFirstAckPatience * std::chrono::milliseconds(first_ack_spread()),
                  now.steady);
  first_ack_held_ = true;
  tell_all();
}

// `hello` was said: the broker knows nothing of what was told before.
void SyncState::tell_all() {
  for (auto& [name, n] : namespaces_) {
    if (n->known) acks_.touched(*n);
  }
  acks_.forget_rejections();
  retell_rejections();
}

// A crowd that joined in one moment does not ack in one.
std::uint64_t SyncState::first_ack_spread() const {
  return std::min<std::uint64_t>(greeting_.hello.ack_ms, 60'000);
}

void SyncState::step_acks(Now now) {
  if (first_ack_held_ && all_live()) {
    first_ack_held_ = false;
    acks_.hasten(now.steady + std::chrono::milliseconds(below(first_ack_spread() + 1)));
  }
  if (!greeted_ || rejoin_at_ || !acks_.due(now.steady)) return;
  const std::uint64_t tag = ++last_tag_;
  AckRequest ack = acks_.make(tag, now.steady);
  ack.state = all_live() ? "live" : "catching_up";
  actions_->ask(tag, ack);
}

void SyncState::on_ack(const SyncAnswer& answer, Now now) {
  if (!answer.reply) {
    const Error& error = answer.reply.error();
    if (error.code == ErrorCode::unsupported) return acks_.on_unsupported();
    acks_.on_failed(now.steady);
    // A connection made anew may hide behind it. `applied` comes back by `behind`, rejections by nothing.
    if (error.code != ErrorCode::overloaded) retell_rejections();
    if (error.code == ErrorCode::unauthenticated) tell_all();
    if (error.code == ErrorCode::other_history && answer.epoch != epoch_) {
      rejoin("the broker has another history", true, now);
    }
    return;
  }
  if (answer.epoch != epoch_) return acks_.on_failed(now.steady);
  const AckReply& reply = std::get<AckReply>(*answer.reply);
  acks_.on_answered(reply.ack_ms);
  acked_at_ = now.steady;
  for (const auto& [ns, head] : reply.behind) {
    if (FollowedNamespace* n = find_or_follow(ns)) on_behind(*n, head, now);
  }
  pump(now);
}

// The broker says that we have not told it of `head`.
void SyncState::on_behind(FollowedNamespace& n, const Head& head, Now now) {
  if (n.known) acks_.touched(n);
  if (n.stopped) return;
  if (std::exchange(n.denied, false)) {  // it may be read again
    n.fresh_in = 0;                      // not current until it is answered
    want(n, n.can_apply() ? Need::changes : Need::snapshot, Cause::check, now.steady);
    return update_state(n, now);
  }
  learn_lane(n, head.lane, now);
  if (!n.can_apply()) return;
  if (head.seq <= n.work().seq) return compare_hash(n, head.seq, head.hash, now);
  n.seen = std::max(n.seen, head.seq);
  if (n.job != 0) return;
  const bool joined = n.fresh_in == join_;
  if (joined && n.need == Need::nothing) ++counters_.behind;
  want(n, Need::changes, joined ? Cause::gap : Cause::join, now.steady + (joined ? kBehindPatience : 0ms));
}

}  // namespace prismbus
