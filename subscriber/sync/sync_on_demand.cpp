// SyncState, syncs that the application asks for. Each namespace of one is done when a request that was sent
// after the call is answered and everything up to that answer is shown: so what was committed before the call
// is, too. A namespace that is busy (joining, closing a gap) is asked for when it has ended.
#include <algorithm>
#include <utility>

#include "subscriber/sync/sync_state.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRunsMax = 16;          // at once
constexpr auto kLookAgain = 100ms;            // at what no answer tells of
constexpr std::uint64_t kFullJitterMs = 250;  // a herd that is told to sync fully does not ask at once

bool idle(const FollowedNamespace& n) {
  return n.job == 0 && n.need == Need::nothing && !n.next && !n.building;
}

}  // namespace

Result<std::uint64_t> SyncState::begin_sync(SyncKind kind, const std::vector<std::string>& names,
                                            std::chrono::milliseconds at_most, Now now) {
  if (kind == SyncKind::selective && names.empty()) return fail_field("namespaces", "at least one namespace");
  for (const std::string& ns : names) {
    if (!follow_.covers(ns))
      return fail_field("namespaces", "'" + ns + "' is not followed by this subscriber");
  }
  const bool full = kind == SyncKind::full;
  Steady& not_before = full ? full_sync_at_ : sync_at_;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(not_before - now.steady);
  if (wait > 0ms) {
    return unexpected<Error>(overloaded(std::string(name_of(kind)) + " was called a moment ago",
                                        static_cast<std::uint64_t>(wait.count())));
  }
  if (runs_.size() >= kRunsMax) return unexpected<Error>(overloaded("too many syncs are under way", 100));
  not_before = now.steady + (full ? options_.full_sync_interval : options_.sync_interval);
  SyncRun& run = runs_.emplace_back();
  run.id = ++last_run_;
  run.kind = kind;
  run.began = now;
  run.deadline = now.steady + at_most;
  run.begin_at =
      std::min(run.deadline, now.steady + std::chrono::milliseconds(full ? below(kFullJitterMs) : 0));
  run.after_tag = last_tag_;
  if (kind == SyncKind::selective) {
    for (const std::string& ns : names) add_to_run(run, ns);
  } else {
    for (auto& [name, n] : namespaces_) add_to_run(run, *n);
    for (std::size_t i = 0; i < subtrees_.size(); ++i) run.subtrees.push_back({i, true, false});
  }
  actions_->log(LogLevel::info,
                LogLine(name_of(kind)).with("namespaces", run.items.size()).with("run", run.id));
  runs_at_ = now.steady;
  return run.id;
}

void SyncState::add_to_run(SyncRun& run, FollowedNamespace& n) {
  if (!run.has.insert(&n).second) return;
  SyncRun::Item item;
  item.n = &n;
  item.totals = n.totals;
  item.sync.ns = *n.name;
  item.sync.before = n.shown ? n.copy.seq : Seq();
  run.items.push_back(std::move(item));
}

void SyncState::add_to_run(SyncRun& run, const std::string& ns) {
  if (FollowedNamespace* n = find(ns); n != nullptr && !n->gone) return add_to_run(run, *n);
  const auto there = [&](const SyncRun::Item& item) { return item.sync.ns == ns; };
  if (std::any_of(run.items.begin(), run.items.end(), there)) return;
  run.items.emplace_back().sync.ns = ns;
  const std::size_t index = *follow_.subtree_of(ns);  // an exact one is always known
  const auto same = [&](const SyncRun::Subtree& s) { return s.index == index; };
  if (std::none_of(run.subtrees.begin(), run.subtrees.end(), same))
    run.subtrees.push_back({index, false, false});
}

void SyncState::wake_runs(Now now) {
  if (!runs_.empty()) runs_at_ = std::min(runs_at_, now.steady);
}

void SyncState::step_runs(Now now) {
  if (now.steady < runs_at_) return;
  runs_at_ = Steady::max();
  std::erase_if(runs_, [&](SyncRun& run) {
    const bool late = now.steady >= run.deadline;
    if (now.steady >= run.begin_at && !late) {
      for (SyncRun::Subtree& s : run.subtrees) s.done = s.done || step_run(run, s, now);
      for (SyncRun::Item& item : run.items) step_run(run, item, now);
    }
    const bool done =
        std::all_of(run.subtrees.begin(), run.subtrees.end(), [](const auto& s) { return s.done; }) &&
        std::all_of(run.items.begin(), run.items.end(), [](const auto& item) { return item.done; });
    if (done || late) {
      finish_run(run, now);
      return true;
    }
    runs_at_ = std::min(runs_at_, std::min(run.deadline, std::max(run.begin_at, now.steady + kLookAgain)));
    return false;
  });
}

// True when the broker was asked, after the call, what there is below it.
bool SyncState::step_run(SyncRun& run, const SyncRun::Subtree& item, Now now) {
  FollowedSubtree& s = subtrees_[item.index];
  if (!greeted_ || s.job != 0 || s.need != Need::nothing) return false;
  const bool full = run.kind == SyncKind::full;
  const std::uint64_t by = full ? s.snapshot_by : std::max(s.snapshot_by, s.survey_by);
  if (!s.revealed || by <= run.after_tag) {
    s.need = full || !s.synced ? Need::snapshot : !s.revealed ? Need::changes : Need::survey;
    s.need_at = next_work_ = now.steady;
    if (full) s.resync_reason = ResyncReason::asked;
    for (auto& [name, n] : namespaces_) {
      if (full && n->subtree == item.index) expect_snapshot(*n);
    }
    return false;
  }
  for (SyncRun::Item& named : run.items) {
    if (named.n != nullptr || follow_.subtree_of(named.sync.ns) != item.index) continue;
    named.n = find(named.sync.ns);
    if (named.n == nullptr) end_item(run, named, now);  // there is no such namespace
  }
  for (auto& [name, n] : namespaces_) {
    if (!item.all || n->subtree != item.index || run.has.contains(n.get())) continue;
    add_to_run(run, *n);  // nothing was known of it when the sync was called
    run.items.back().totals = {};
    run.items.back().sync.before = Seq();
  }
  return true;
}

void SyncState::step_run(const SyncRun& run, SyncRun::Item& item, Now now) {
  if (item.done || item.n == nullptr) return;
  FollowedNamespace& n = *item.n;
  if (n.stopped) {
    return end_item(run, item, now, error_of(ErrorCode::unavailable, n.why ? *n.why : "it stopped"));
  }
  if (!idle(n)) return;
  const bool full = run.kind == SyncKind::full;
  if ((full ? n.snapshot_by : n.settled_by) > run.after_tag) return end_item(run, item, now);
  if (!greeted_) return;  // the join asks, and what is still missing then is wanted then
  if (n.gone && !full) {  // its subtree's survey would name it, were it there
    const FollowedSubtree& s = subtrees_[*n.subtree];
    if (std::max(s.survey_by, s.snapshot_by) > run.after_tag) end_item(run, item, now);
    return;
  }
  if (n.denied && item.asked) {
    return end_item(run, item, now,
                    error_of(ErrorCode::permission_denied, n.why ? *n.why : "refused by the broker"));
  }
  if (n.subtree && (full || !n.can_apply())) return;   // comes with its subtree's snapshot
  if (std::exchange(n.denied, false)) n.fresh_in = 0;  // not current until it is answered
  item.asked = true;
  n.asked_by = name_of(run.kind);
  const bool snapshot = full || !n.can_apply();
  if (full) expect_snapshot(n);
  want(n, snapshot ? Need::snapshot : Need::changes, snapshot ? Cause::gap : Cause::check, now.steady);
  update_state(n, now);
}

void SyncState::expect_snapshot(FollowedNamespace& n) {
  n.asked_by = name_of(SyncKind::full);
  if (!n.shown) return;
  n.resync_reason = ResyncReason::asked;
  explain(n, "full_sync was called");
}

void SyncState::end_item(const SyncRun& run, SyncRun::Item& item, Now now, std::optional<Error> error) {
  item.done = true;
  if (item.n != nullptr) item.sync = measure(*item.n, item.sync.before, item.totals);
  item.sync.took = std::chrono::ceil<std::chrono::milliseconds>(now.steady - run.began.steady);
  item.sync.error = std::move(error);
}

void SyncState::finish_run(SyncRun& run, Now now) {
  SyncReport report;
  report.kind = run.kind;
  report.began = run.began.wall;
  report.took = std::chrono::ceil<std::chrono::milliseconds>(now.steady - run.began.steady);
  for (SyncRun::Item& item : run.items) {
    if (!item.done) {
      const std::string why = item.n != nullptr && item.n->why ? ": " + *item.n->why : std::string();
      end_item(run, item, now,
               greeted_ ? error_of(ErrorCode::timeout, "not ended in time" + why)
                        : error_of(ErrorCode::unavailable, "no broker in time" + why));
      // What is under way has its own record when it ends.
      if (item.n == nullptr || !item.n->record.open)
        remember({run.began.wall, std::string(name_of(run.kind)), item.sync});
    }
    report.namespaces.push_back(std::move(item.sync));
  }
  for (const SyncRun::Subtree& s : run.subtrees) {
    if (s.done) continue;
    NamespaceSync sync;
    sync.ns = subtrees_[s.index].under;
    sync.error = error_of(ErrorCode::timeout, "the subtree was not surveyed in time");
    report.namespaces.push_back(std::move(sync));
  }
  std::sort(report.namespaces.begin(), report.namespaces.end(),
            [](const NamespaceSync& a, const NamespaceSync& b) { return a.ns < b.ns; });
  actions_->log(LogLevel::info, LogLine("sync_ended")
                                    .with("run", run.id)
                                    .with("took_ms", report.took.count())
                                    .with("complete", report.complete()));
  reports_.emplace_back(run.id, std::move(report));
}

}  // namespace prismbus
