#include "broker/core/applied_waits.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/wire/codec/acknowledgement.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kComeBackAfterMs = 100;

template <class Map>
void erase_from(Map& map, typename Map::iterator it, std::uint64_t id) {
  std::erase(it->second, id);
  if (it->second.empty()) map.erase(it);
}

}  // namespace

AppliedWaits::Standing AppliedWaits::standing_of(const Follower& follower, const Wait& wait) {
  if (follower.reached(wait.ns) < wait.seq) return Standing::silent;
  return follower.refused(wait.ns, wait.seq) ? Standing::rejected : Standing::applied;
}

AppliedWaits::Others AppliedWaits::others_of(const Follower& follower, const Wait& wait) const {
  Others others;
  for (const ConnectionId connection : follower.peers->connections) {
    if (connection == follower.connection) continue;
    const Follower& other = table_.rows().find(connection)->second;
    if (!other.follows(wait.ns)) continue;
    others.best = std::min(others.best, standing_of(other, wait));
    others.awaited |= other.order <= wait.order;
  }
  if (const auto it = wait.left.find(follower.peers->identity); it != wait.left.end())
    others.best = std::min(others.best, it->second.standing);
  return others;
}

void AppliedWaits::wait(const Asked& asked, const WaitAppliedRequest& request) {
  const ConnectionId connection = asked.from.connection;
  const auto refuse = [&](const Error& error) { replier_.refuse(asked.from, asked.id(), error); };
  auto own = by_connection_.find(connection);
  if (own != by_connection_.end()) {
    for (const std::uint64_t id : own->second) {
      const Wait& other = waits_.find(id)->second;
      if (other.message == asked.id() && other.ns == request.ns && other.seq == request.seq &&
          other.enough == request.count) {
        return;
      }
    }
    if (own->second.size() >= kConnectionWaitsMax)
      return refuse(overloaded("this connection waits for too much of what is applied", kComeBackAfterMs));
  }
  if (waits_.size() >= kWaitsMax)
    return refuse(overloaded("too many wait for what is applied", kComeBackAfterMs));
  const auto place = in_flight_.hold(asked);
  if (!place) return refuse(place.error());
  Wait wait{.id = ++last_id_,
            .to = asked.from,
            .message = asked.id(),
            .place = *place,
            .principal = asked.principal,
            .ns = std::string(request.ns),
            .seq = request.seq,
            .enough = request.count,
            .deadline = asked.now.steady + std::chrono::milliseconds(request.timeout_ms)};
  by_connection_[connection].push_back(wait.id);
  by_deadline_.emplace(wait.deadline, wait.id);
  due_.push_back(wait.id);
  waits_.emplace(wait.id, std::move(wait));
}

// Each instance is counted at the first of its connections that follows.
void AppliedWaits::begin(Wait& wait) {
  wait.phase = Phase::open;
  wait.order = table_.last_order();
  by_ns_[wait.ns].push_back(wait.id);
  for (const auto& [connection, follower] : table_.rows()) {
    if (!follower.follows(wait.ns)) continue;
    Standing best = Standing::silent;
    bool first = true;
    for (const ConnectionId peer : follower.peers->connections) {
      const Follower& row = peer == connection ? follower : table_.rows().find(peer)->second;
      if (!row.follows(wait.ns)) continue;
      first &= !(peer < connection);
      best = std::min(best, standing_of(row, wait));
    }
    if (!first) continue;
    wait.open += best == Standing::silent ? 1 : 0;
    wait.reached += best == Standing::applied ? 1 : 0;
  }
}

void AppliedWaits::settle(Wait& wait) {
  if (wait.phase == Phase::open && wait.satisfied()) end(wait);
}

void AppliedWaits::end(Wait& wait) {
  wait.phase = Phase::over;
  due_.push_back(wait.id);
}

void AppliedWaits::on_progress(const Follower& follower, std::string_view ns, Seq before, Seq after) {
  const auto here = by_ns_.find(ns);
  if (here == by_ns_.end()) return;
  for (const std::uint64_t id : here->second) {
    Wait& wait = waits_.find(id)->second;
    if (before >= wait.seq || after < wait.seq) continue;
    const Others others = others_of(follower, wait);
    if (follower.order > wait.order && !others.awaited) continue;
    const Standing now = standing_of(follower, wait);
    if (now >= others.best) continue;
    if (others.best == Standing::silent) {
      PRISMBUS_ASSERT(wait.open > 0, "who passes the seq first of its instance was waited for");
      --wait.open;
    }
    if (now == Standing::applied) ++wait.reached;
    settle(wait);
  }
}

void AppliedWaits::on_leaving(const Follower& follower) {
  for (auto& [id, wait] : waits_) {
    if (wait.phase == Phase::to_begin || !follower.follows(wait.ns)) continue;
    const Others others = others_of(follower, wait);
    if (follower.order > wait.order && !others.awaited) continue;
    const Standing standing = standing_of(follower, wait);
    const auto [it, fresh] = wait.left.try_emplace(follower.peers->identity);
    left_ += fresh ? 1 : 0;
    if (fresh || standing < it->second.standing) {
      it->second = {follower.principal, follower.instance, standing, {}, {}};
      if (const Rejection* why = follower.find_rejection(wait.ns, wait.seq);
          why != nullptr && wait.left.size() <= limits::kRejectionsTold) {
        it->second.key = why->key;
        it->second.reason = why->reason;
      }
    }
    if (wait.phase == Phase::open && standing == Standing::silent && others.best == Standing::silent &&
        !others.awaited) {
      --wait.open;
    }
    settle(wait);
    if (wait.phase == Phase::open && left_ > kLeftMax) end(wait);
  }
}

void AppliedWaits::on_gone(ConnectionId connection) {
  const auto own = by_connection_.find(connection);
  if (own == by_connection_.end()) return;
  const std::vector<std::uint64_t> ids = own->second;  // removing takes them out there
  for (const std::uint64_t id : ids) remove(id);
}

// The best of an instance speaks for it.
void AppliedWaits::collect(const Wait& wait, WaitAppliedReply& reply) const {
  struct Best {
    Standing standing;
    std::string_view key, reason;
  };
  std::map<std::pair<std::string_view, std::string_view>, Best> instances;
  const auto note = [&](std::string_view principal, std::string_view instance, const Best& best) {
    const auto [it, fresh] = instances.emplace(std::pair(principal, instance), best);
    if (!fresh && best.standing < it->second.standing) it->second = best;
  };
  for (const auto& [connection, follower] : table_.rows()) {
    if (!follower.follows(wait.ns)) continue;
    const Standing standing = standing_of(follower, wait);
    // Who came after the wait began is told of only where it has something to say.
    if (follower.order > wait.order && standing == Standing::silent) continue;
    Best best{standing, {}, {}};
    if (const Rejection* why = follower.find_rejection(wait.ns, wait.seq)) {
      best.key = why->key;
      best.reason = why->reason;
    }
    note(follower.principal, follower.instance, best);
  }
  for (const auto& [identity, left] : wait.left)
    note(left.principal, left.instance, {left.standing, left.key, left.reason});
  std::size_t listed = 0;
  for (const auto& [who, best] : instances) {
    if (++listed > limits::kFollowersListed) break;
    auto& list = best.standing == Standing::applied    ? reply.applied
                 : best.standing == Standing::rejected ? reply.rejected
                                                       : reply.silent;
    list.emplace_back(who.second);
    if (best.standing == Standing::rejected && !best.key.empty() &&
        reply.reasons.size() < limits::kRejectionsTold)
      reply.reasons.push_back({std::string(who.second), std::string(best.key), std::string(best.reason)});
  }
}

void AppliedWaits::answer(const Wait& wait, Wall now) {
  const AccessRules& rules = *rules_.rules();
  auto allowed = wait.principal.check_token(*rules.revoked, now);
  if (allowed) allowed = wait.principal.access->under(rules.policy)->authorise(Right::read, wait.ns);
  if (!allowed) return replier_.refuse(wait.to, wait.message, allowed.error());
  WaitAppliedReply reply;
  collect(wait, reply);
  replier_.send(wait.to, codec::encode_wait_applied_reply(replier_.head(wait.message), reply));
}

void AppliedWaits::remove(std::uint64_t id) {
  const auto it = waits_.find(id);
  const Wait& wait = it->second;
  in_flight_.release(wait.place);
  if (const auto here = by_ns_.find(std::string_view(wait.ns)); here != by_ns_.end())
    erase_from(by_ns_, here, id);
  erase_from(by_connection_, by_connection_.find(wait.to.connection), id);
  const auto [first, last] = by_deadline_.equal_range(wait.deadline);
  by_deadline_.erase(std::find_if(first, last, [id](const auto& due) { return due.second == id; }));
  left_ -= wait.left.size();
  waits_.erase(it);
}

std::size_t AppliedWaits::step(Now now, bool ending) {
  std::size_t done = 0;
  while (ending && !waits_.empty()) {
    const Wait& wait = waits_.begin()->second;
    replier_.refuse(wait.to, wait.message, error_of(ErrorCode::unavailable, "the broker is stopping"));
    remove(wait.id);
    ++done;
  }
  for (auto it = by_deadline_.begin(); it != by_deadline_.end() && it->first <= now.steady; ++it) {
    if (Wait& wait = waits_.find(it->second)->second; wait.phase == Phase::open) end(wait);
  }
  for (std::size_t looked = 0; !due_.empty() && (looked == 0 || looked + table_.size() <= kRowsAStep);) {
    const std::uint64_t id = due_.front();
    due_.pop_front();
    const auto it = waits_.find(id);
    if (it == waits_.end()) continue;
    looked += table_.size() + 1;
    ++done;
    Wait& wait = it->second;
    if (wait.phase == Phase::to_begin) {
      begin(wait);
      if (wait.satisfied() || wait.deadline <= now.steady) end(wait);
      continue;
    }
    answer(wait, now.wall);
    remove(id);
  }
  return done;
}

Steady AppliedWaits::next_deadline(Steady otherwise) const {
  if (!due_.empty()) return Steady();
  return by_deadline_.empty() ? otherwise : std::min(otherwise, by_deadline_.begin()->first);
}

}  // namespace prismbus
