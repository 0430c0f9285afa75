// The broker's side of `ack` in a sync_state trial (sync_model_world.hpp), and
// what an ack may say.
#include <fmt/format.h>

#include "tests/model/sync_model_world.hpp"

namespace prismbus::sync_model {

// The request connection was made anew: whoever acks has to say hello first.
void World::forget_connection() {
  follower_ = {};
}

// PROTOCOL section 4: `behind` is what this connection follows and has not told
// of; it may be cut to fit.
Answered World::answer_ack(const Asked& asked) {
  Answered out;
  out.epoch = broker().epoch();
  out.rev = Revision(broker().rev());
  if (!acks_) {
    out.error = fail(ErrorCode::unsupported, "ack").value();
  } else if (!follower_.greeted) {
    out.error = fail(ErrorCode::unauthenticated, "no hello on this connection").value();
    follower_.greeted = true;  // the connection says it by itself, and the next
                               // ack comes after it
  } else if (asked.epoch != broker().epoch()) {
    out.error = fail(ErrorCode::other_history, "another epoch").value();
  }
  if (out.error) return out;
  ++summary_.acks;
  for (const auto& [ns, seq] : asked.since) follower_.applied[ns] = seq;
  follower_.rejected.insert(asked.rejected.begin(), asked.rejected.end());
  out.ack.ack_ms = 200 + random_.below(1800);
  std::size_t room = calm_ ? 1 + random_.below(3) : random_.below(4);
  for (const auto& [ns, n] : broker().namespaces()) {
    if (!followed(ns) || follower_.applied[ns] >= n.seq) continue;
    if (room-- == 0) break;
    out.ack.behind.emplace_back(ns, broker().head_of(ns));
  }
  return out;
}

// What is acknowledged is what readers see, or saw.
void World::check_ack(const Asked& asked) {
  const View view = store_.view();
  for (const auto& [ns, seq] : asked.since) {
    if (!followed(ns)) wrong(ns + " is acknowledged and not followed");
    const auto shown = view.seq(ns);
    const auto told = told_seq_.find(ns);
    const std::uint64_t reached = shown ? shown->value() : told == told_seq_.end() ? 0 : told->second.second;
    // An ack may leave within a step, before its picture is taken.
    if (history_->epoch == asked.epoch && seq > history_->seqs[ns]) {
      wrong(fmt::format("{} is acknowledged at {}, the broker's head is {}", ns, seq, history_->seqs[ns]));
    }
    if (seq < reached && history_->epoch == asked.epoch && view.epoch() == asked.epoch &&
        told != told_seq_.end() && told->second.first == asked.epoch) {
      wrong(fmt::format("{} is acknowledged at {}, {} is shown", ns, seq, reached));
    }
  }
}

}  // namespace prismbus::sync_model
