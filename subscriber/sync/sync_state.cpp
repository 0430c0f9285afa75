#include "subscriber/sync/sync_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kRejoinMin = 100ms, kRejoinMax = 5000ms;  // full jitter below a doubling limit
constexpr auto kCalm = 10s;                   // live for so long: the next re-join counts as the first
constexpr std::uint64_t kDeadBeforeMove = 3;  // re-joins in a row before another broker is tried
constexpr std::uint64_t kHeartbeatMaxMs = 30'000;

constexpr std::array<Lane, 2> kLanes{Lane::changes, Lane::express};

}  // namespace

SyncState::SyncState(FollowSet follow, SyncOptions options, SyncActions& actions)
    : follow_(std::move(follow)),
      options_(std::move(options)),
      validators_(std::move(options_.validators)),
      actions_(&actions),
      random_(options_.seed) {
  for (const std::string& under : follow_.subtrees()) {
    FollowedSubtree subtree;
    subtree.under = under;
    subtrees_.push_back(std::move(subtree));
  }
  for (const std::string& ns : follow_.namespaces()) (void)find_or_follow(ns);
}

SyncState::~SyncState() {
  PRISMBUS_ASSERT(dirty_.empty() && garbage_.empty(), "the last update is taken before the machine goes");
  for (auto& [name, n] : namespaces_) {
    if (n->next) n->next->entries.retire(garbage_);
    if (n->shown) continue;
    n->copy.entries.retire(garbage_);
    if (n->rejected) n->rejected->clear(garbage_);
  }
  for (auto& [tag, job] : jobs_) {
    for (auto& [name, copy] : job.build) copy.entries.retire(garbage_);
  }
  garbage_.release_all();
}

std::uint64_t SyncState::below(std::uint64_t bound) {
  return bound == 0 ? 0 : std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
}

std::string SyncState::fresh_barrier_topic() {
  std::string topic(kBarrierPrefix);
  for (std::size_t i = 0; i < limits::kNonceBytes; ++i) topic += static_cast<char>(below(256));
  return topic;
}

bool SyncState::in_force() const {
  return greeted_ && std::all_of(lanes_.begin(), lanes_.end(),
                                 [](const LaneWatch& w) { return !w.open() || w.in_force(); });
}

// ---- joining ----

void SyncState::on_greeting(const Greeting& greeting, Now now) {
  begin_join(greeting, now);
  pump(now);
}

void SyncState::begin_join(const Greeting& greeting, Now now) {
  const bool other_place = !has_epoch_ || greeting.requests != greeting_.requests ||
                           greeting.hello.changes != greeting_.hello.changes ||
                           greeting.hello.express != greeting_.hello.express;
  const bool other_epoch = !has_epoch_ || greeting.epoch != epoch_;
  const bool reopen = std::exchange(rejoin_reopens_, false) || other_place || other_epoch;
  if (other_epoch && has_epoch_) forget_history(now);
  greeting_ = greeting;
  broker_ = std::make_shared<const std::string>(greeting.requests.text());
  refused_.reset();
  epoch_ = greeting.epoch;
  run_ = greeting.hello.run;
  has_epoch_ = greeted_ = true;
  rejoin_at_.reset();
  ++join_;
  ++counters_.joins;
  actions_->log(LogLevel::info, LogLine("join").with("broker", greeting.requests.text()).with("join", join_));
  leave_express();
  for (const Lane lane : kLanes) {
    if (lane == Lane::changes || watch(lane).open()) join_lane(lane, reopen, now);
  }
  for (auto& [name, n] : namespaces_) {
    n->denied = false;
    if (!n->subtree && n->job == 0 && !n->stopped) {
      want(*n, n->known || n->next ? Need::changes : Need::snapshot, Cause::join, now.steady);
    }
  }
  for (FollowedSubtree& s : subtrees_) {
    s.need = !s.synced ? Need::snapshot : !s.revealed ? Need::changes : Need::survey;
    s.need_at = now.steady;
  }
  plan_check(now);
  join_acks(now);
  next_work_ = now.steady;
  update_all_states(now);
}

// Revisions and seqs of another epoch mean nothing: everything is read anew. What is shown stays until then.
void SyncState::forget_history(Now now) {
  for (auto& [tag, job] : jobs_) {
    for (auto& [name, copy] : job.build) copy.entries.retire(garbage_);
  }
  jobs_.clear();
  for (auto& [name, n] : namespaces_) {
    if (n->next) n->next->entries.retire(garbage_);
    n->next.reset();
    n->known = n->building = n->stopped = false;
    n->job = 0;
    n->seen = Seq();
    n->mismatch = {};
    n->need = Need::nothing;
    drop_held(*n);
    n->resync_reason = ResyncReason::other_history;
    n->snapshot_by = n->settled_by = 0;
    n->asked_by = {};
    n->record.open = false;
    if (n->shown) explain(*n, "another history: the broker's epoch changed");
  }
  for (FollowedSubtree& s : subtrees_) {
    s.synced = s.revealed = s.restored = false;
    s.job = s.snapshot_by = s.survey_by = 0;
    s.resync_reason = ResyncReason::other_history;
  }
  actions_->log(LogLevel::warn,
                LogLine("other_history").with("former_epoch", fmt::format("{:016x}", epoch_.value())));
  update_all_states(now);
}

void SyncState::join_lane(Lane lane, bool reopen, Now now) {
  LaneWatch& w = watch(lane);
  const auto& endpoints = lane == Lane::changes ? greeting_.hello.changes : greeting_.hello.express;
  if (endpoints.empty()) {
    w.close();
    return actions_->close_lane(lane);
  }
  if (reopen || !w.open()) {
    actions_->open_lane(lane, endpoints);
    actions_->subscribe(lane, std::string(kHeartbeatTopic));
    for (const std::string& topic : follow_.topics()) actions_->subscribe(lane, topic);
  } else {
    actions_->unsubscribe(lane, w.topic());
  }
  const auto heartbeat = std::chrono::milliseconds(std::min(greeting_.hello.heartbeat_ms, kHeartbeatMaxMs));
  w.join(fresh_barrier_topic(), heartbeat, now.steady, random_());
  actions_->subscribe(lane, w.topic());  // the last one: its frame proves all before it
}

// At a join, which asks for all changes anyway: a client is connected to express only for what goes there.
void SyncState::leave_express() {
  const bool used = std::any_of(namespaces_.begin(), namespaces_.end(),
                                [](const auto& entry) { return entry.second->lane == Lane::express; });
  if (used || !watch(Lane::express).open()) return;
  watch(Lane::express).close();
  actions_->close_lane(Lane::express);
}

void SyncState::learn_lane(FollowedNamespace& n, Lane lane, Now now) {
  const bool moved = std::exchange(n.lane, lane) != lane;
  if (lane != Lane::express || greeting_.hello.express.empty()) return;
  const LaneWatch& w = watch(lane);
  // Opened for another namespace a moment ago: what this one's sets said there meanwhile was not heard.
  if (w.open() && (!moved || w.in_force())) return;
  if (!w.open()) join_lane(lane, true, now);
  if (n.can_apply()) want(n, Need::changes, Cause::join, now.steady);
}

void SyncState::on_lost(const Error& why, Now now) {
  greeted_ = false;
  acks_.on_lost();
  rejoin_at_.reset();
  rejoin_reopens_ = true;
  for (auto& [name, n] : namespaces_) {
    if (n->shown) explain(*n, "no broker: " + why.message);
  }
  update_all_states(now);
}

void SyncState::on_refused(const Error& why) {
  if (refused_ == nullptr || *refused_ != why) refused_ = std::make_shared<const Error>(why);
}

void SyncState::rejoin(std::string_view why, bool reopen, Now now) {
  rejoin_reopens_ = rejoin_reopens_ || reopen;
  if (!greeted_ || rejoin_at_) return;
  if (told_.all_live && now.steady - calm_since_ > kCalm) rejoins_in_a_row_ = 0;
  const auto doublings = std::min<std::uint64_t>(rejoins_in_a_row_++, 6);
  const auto most = std::min<std::chrono::milliseconds>(kRejoinMin * (1 << doublings), kRejoinMax);
  rejoin_at_ = now.steady + std::chrono::milliseconds(below(static_cast<std::uint64_t>(most.count())));
  ++join_;  // nothing confirmed so far counts any more
  actions_->log(LogLevel::warn, LogLine("rejoin").with("why", why).with("in_a_row", rejoins_in_a_row_));
  for (auto& [name, n] : namespaces_) {
    if (n->state == NamespaceState::live) explain(*n, std::string(why));
  }
  update_all_states(now);
}

// ---- time ----

void SyncState::check_lane(Lane lane, Now now) {
  LaneWatch& w = watch(lane);
  if (!greeted_ || !w.open() || rejoin_at_) return;
  if (w.barrier_given_up(now.steady) || (w.dead(now.steady) && rejoins_in_a_row_ >= kDeadBeforeMove)) {
    return actions_->move_on(fail(ErrorCode::unavailable, "its change stream does not answer").value());
  }
  if (w.dead(now.steady)) return rejoin("the change stream fell silent", true, now);
  if (!w.barrier_late(now.steady)) return;
  ++counters_.barriers_late;
  actions_->unsubscribe(lane, w.topic());
  w.rejoin_barrier(fresh_barrier_topic(), now.steady, random_());
  actions_->subscribe(lane, w.topic());
}

void SyncState::plan_check(Now now) {
  check_at_ =
      now.steady + options_.check_interval * 3 / 4 +
      std::chrono::milliseconds(below(static_cast<std::uint64_t>(options_.check_interval.count() / 2)));
}

// Asks for heads although nothing seems wrong: a tail whose markers were lost too is found here. While acks
// are answered `behind` finds it, and only what the broker refuses, or what a snapshot did not make equal to
// it, is asked for.
void SyncState::begin_check(Now now, bool everything) {
  plan_check(now);
  std::vector<bool> wanted(subtrees_.size(), everything);
  for (auto& [name, n] : namespaces_) {
    if (!everything && !n->denied && !n->unequal()) continue;
    if (n->subtree) wanted[*n->subtree] = true;
    if (n->subtree || n->job != 0 || n->need != Need::nothing || n->stopped) continue;
    if (std::exchange(n->denied, false)) n->fresh_in = 0;  // not current until it is answered
    want(*n, n->can_apply() ? Need::changes : Need::snapshot, Cause::check, now.steady);
  }
  for (std::size_t i = 0; i < subtrees_.size(); ++i) {
    FollowedSubtree& s = subtrees_[i];
    if (!wanted[i] || s.job != 0 || s.need != Need::nothing) continue;
    s.need = Need::survey;
    s.need_at = now.steady;
  }
  next_work_ = now.steady;
}

void SyncState::on_stall(Now now) {
  if (!greeted_) return;
  actions_->log(LogLevel::warn, LogLine("stood_still"));
  begin_check(now, true);
}

void SyncState::tick(Now now) {
  if (rejoin_at_ && now.steady >= *rejoin_at_) {
    rejoin_at_ = now.steady + kRejoinMax;  // asked again should the answer never come
    actions_->say_hello();
  }
  check_staleness(now);
  step_runs(now);
  for (const Lane lane : kLanes) check_lane(lane, now);
  if (greeted_ && now.steady >= check_at_) begin_check(now, now.steady - acked_at_ > options_.check_interval);
  pump(now);
  step_acks(now);
}

Steady SyncState::next_deadline() const {
  if (!greeted_) return std::min(stale_at_, runs_at_);
  Steady at = std::min({check_at_, next_work_, stale_at_, runs_at_});
  if (rejoin_at_) return std::min(at, *rejoin_at_);
  at = std::min(at, acks_.next_deadline());
  for (const LaneWatch& w : lanes_) at = std::min(at, w.next_deadline());
  return at;
}

}  // namespace prismbus
