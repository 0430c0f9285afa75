#include "broker/core/applied_waits.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/wire/codec/acknowledgement.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kComeBackAfterMs = 100;

}  // namespace

AppliedWaits::Standing AppliedWaits::standing_of(const Follower& follower, const Wait& wait) {
  if (follower.reached(wait.ns) < wait.seq) return Standing::silent;
  return follower.find_rejection(wait.ns, wait.seq) != nullptr ? Standing::rejected : Standing::applied;
}

void AppliedWaits::wait(const Asked& asked, const WaitAppliedRequest& request) {
  Wait wait{.to = asked.from,
            .message = asked.id(),
            .ns = std::string(request.ns),
            .seq = request.seq,
            .order = table_.last_order(),
            .enough = request.count,
            .deadline = asked.now.steady + std::chrono::milliseconds(request.timeout_ms)};
  for (const auto& [connection, follower] : table_.rows()) {
    if (!follower.follows(wait.ns)) continue;
    const Standing standing = standing_of(follower, wait);
    wait.open += standing == Standing::silent ? 1 : 0;
    wait.reached += standing == Standing::applied ? 1 : 0;
  }
  if (wait.over() || request.timeout_ms == 0) return answer(wait);
  const auto refuse = [&](const Error& error) { replier_.refuse(asked.from, asked.id(), error); };
  if (waits_.size() >= kWaitsMax)
    return refuse(overloaded("too many wait for what is applied", kComeBackAfterMs));
  if (auto room = in_flight_.hold(asked.from.connection); !room) return refuse(room.error());
  wait.id = ++last_id_;
  by_ns_[wait.ns].push_back(wait.id);
  by_deadline_.emplace(wait.deadline, wait.id);
  waits_.emplace(wait.id, std::move(wait));
}

void AppliedWaits::on_progress(const Follower& follower, std::string_view ns, Seq before, Seq after) {
  const auto here = by_ns_.find(ns);
  if (here == by_ns_.end()) return;
  const std::vector<std::uint64_t> ids = here->second;  // answering one removes it there
  for (const std::uint64_t id : ids) {
    Wait& wait = waits_.find(id)->second;
    if (follower.order > wait.order || before >= wait.seq || after < wait.seq) continue;
    PRISMBUS_ASSERT(wait.open > 0, "who passes the seq was waited for");
    --wait.open;
    if (follower.find_rejection(ns, wait.seq) == nullptr) ++wait.reached;
    if (!wait.over()) continue;
    in_flight_.release(wait.to.connection);
    answer(wait);
    remove(id);
  }
}

void AppliedWaits::on_leaving(const Follower& follower) {
  if (waits_.empty()) return;
  const auto principal = std::make_shared<const std::string>(follower.principal);
  const auto instance = std::make_shared<const std::string>(follower.instance);
  std::vector<std::uint64_t> over;
  for (auto& [id, wait] : waits_) {
    if (follower.order > wait.order || !follower.follows(wait.ns)) continue;
    const Standing standing = standing_of(follower, wait);
    const Rejection* why =
        wait.left.size() < limits::kRejectionsTold ? follower.find_rejection(wait.ns, wait.seq) : nullptr;
    wait.left.push_back({principal, instance, standing, why != nullptr ? why->key : std::string(),
                         why != nullptr ? why->reason : std::string()});
    if (standing == Standing::silent) --wait.open;
    if (wait.over()) over.push_back(id);
  }
  for (const std::uint64_t id : over) {
    const Wait& wait = waits_.find(id)->second;
    in_flight_.release(wait.to.connection);
    answer(wait);
    remove(id);
  }
}

// Connections of one instance count as one: the best of them speaks for it, since an old one may still be
// half open.
void AppliedWaits::collect(const Wait& wait, WaitAppliedReply& reply) const {
  struct Best {
    Standing standing;
    std::string key, reason;
  };
  std::map<std::pair<std::string_view, std::string_view>, Best> instances;
  const auto note = [&](std::string_view principal, std::string_view instance, Standing standing,
                        std::string_view key, std::string_view reason) {
    Best best{standing, std::string(key), std::string(reason)};
    const auto [it, fresh] = instances.emplace(std::pair(principal, instance), best);
    if (!fresh && standing < it->second.standing) it->second = std::move(best);
  };
  for (const auto& [connection, follower] : table_.rows()) {
    if (!follower.follows(wait.ns)) continue;
    const Standing standing = standing_of(follower, wait);
    // Who came after the wait began is told of only where it has something to say.
    if (follower.order > wait.order && standing == Standing::silent) continue;
    const Rejection* why = follower.find_rejection(wait.ns, wait.seq);
    note(follower.principal, follower.instance, standing, why != nullptr ? why->key : std::string_view(),
         why != nullptr ? why->reason : std::string_view());
  }
  for (const Left& left : wait.left)
    note(*left.principal, *left.instance, left.standing, left.key, left.reason);
  for (auto& [who, best] : instances) {
    auto& list = best.standing == Standing::applied    ? reply.applied
                 : best.standing == Standing::rejected ? reply.rejected
                                                       : reply.silent;
    if (list.size() < limits::kFollowersListed) list.emplace_back(who.second);
    if (best.standing == Standing::rejected && !best.key.empty() &&
        reply.reasons.size() < limits::kRejectionsTold)
      reply.reasons.push_back({std::string(who.second), best.key, best.reason});
  }
}

void AppliedWaits::answer(const Wait& wait) {
  WaitAppliedReply reply;
  collect(wait, reply);
  replier_.send(wait.to, codec::encode_wait_applied_reply(replier_.head(wait.message), reply));
}

void AppliedWaits::remove(std::uint64_t id) {
  const auto it = waits_.find(id);
  const auto here = by_ns_.find(std::string_view(it->second.ns));
  std::erase(here->second, id);
  if (here->second.empty()) by_ns_.erase(here);
  const auto [first, last] = by_deadline_.equal_range(it->second.deadline);
  by_deadline_.erase(std::find_if(first, last, [id](const auto& due) { return due.second == id; }));
  waits_.erase(it);
}

std::size_t AppliedWaits::step(Steady now, bool ending) {
  std::size_t done = 0;
  while (!by_deadline_.empty() && (ending || by_deadline_.begin()->first <= now)) {
    const std::uint64_t id = by_deadline_.begin()->second;
    const Wait& wait = waits_.find(id)->second;
    in_flight_.release(wait.to.connection);
    if (ending) {
      replier_.refuse(wait.to, wait.message, error_of(ErrorCode::unavailable, "the broker is stopping"));
    } else {
      answer(wait);
    }
    remove(id);
    ++done;
  }
  return done;
}

Steady AppliedWaits::next_deadline(Steady otherwise) const {
  return by_deadline_.empty() ? otherwise : std::min(otherwise, by_deadline_.begin()->first);
}

}  // namespace prismbus
