// SyncState, what is asked: needs of namespaces and subtrees become requests, a bounded number at a time, and
// again later when they fail.
#include <algorithm>
#include <utility>

#include "subscriber/sync/sync_state.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kJobsMax = 8;         // requests of one subscriber in flight
constexpr std::size_t kNamesPerAsk = 1000;  // in one `since`
constexpr std::uint64_t kAgainMinMs = 200, kAgainJitterMs = 400;

}  // namespace

void SyncState::enqueue(FollowedNamespace& n) {
  if (n.job != 0) return;  // its end enqueues
  if (n.need == Need::snapshot && !std::exchange(n.snapshot_queued, true)) snapshots_wanted_.push_back(&n);
  if (n.need == Need::changes && !std::exchange(n.changes_queued, true)) changes_wanted_.push_back(&n);
}

void SyncState::want(FollowedNamespace& n, Need need, Cause cause, Steady at) {
  if (n.stopped || (n.need == Need::snapshot && need == Need::changes)) return;
  if (n.need == need) {  // the stricter cause, the earlier time
    if (cause <= n.cause) n.cause = cause;
    n.need_at = std::min(n.need_at, at);
  } else {
    n.need = need;
    n.cause = cause;
    n.need_at = at;
  }
  enqueue(n);
  next_work_ = std::min(next_work_, n.need_at);
  if (n.behind()) mark_dirty(n);  // how far is told
}

void SyncState::pump(Now now) {
  if (!greeted_ || now.steady < next_work_) return;
  next_work_ = Steady::max();
  for (std::size_t i = 0; i < subtrees_.size(); ++i) {
    FollowedSubtree& s = subtrees_[i];
    if (s.need == Need::nothing || s.job != 0 || (s.need != Need::snapshot && !in_force())) continue;
    if (now.steady < s.need_at || jobs_.size() >= kJobsMax) {
      next_work_ = std::min(next_work_, std::max(s.need_at, now.steady + 1ms));
      continue;
    }
    Job job;
    job.kind = s.need == Need::snapshot  ? Job::Kind::snapshot
               : s.need == Need::changes ? Job::Kind::subtree_changes
                                         : Job::Kind::survey;
    job.subtree = i;
    s.need = Need::nothing;
    begin(std::move(job), now);
  }
  for (std::size_t left = snapshots_wanted_.size(); left > 0 && jobs_.size() < kJobsMax; --left) {
    FollowedNamespace& n = *snapshots_wanted_.front();
    snapshots_wanted_.pop_front();
    n.snapshot_queued = false;
    if (n.need != Need::snapshot || n.job != 0) continue;
    if (now.steady < n.need_at) {
      enqueue(n);
      next_work_ = std::min(next_work_, n.need_at);
      continue;
    }
    Job job;
    job.ns = *n.name;
    n.need = Need::nothing;
    n.building = true;
    begin(std::move(job), now);
  }
  pump_changes(now);
}

void SyncState::pump_changes(Now now) {
  const bool force = in_force();
  std::vector<FollowedNamespace*> later;
  Job job;
  job.kind = Job::Kind::changes;
  for (FollowedNamespace* n : changes_wanted_) {
    if (n->need != Need::changes || n->job != 0) {
      n->changes_queued = false;
    } else if ((n->cause != Cause::gap && !force) || now.steady < n->need_at || jobs_.size() >= kJobsMax) {
      if (now.steady < n->need_at) next_work_ = std::min(next_work_, n->need_at);
      later.push_back(n);
    } else {
      n->changes_queued = false;
      n->need = Need::nothing;
      n->seen_at_ask = n->seen;
      job.since.emplace_back(n, n->work().seq);
      if (job.since.size() < kNamesPerAsk) continue;
      begin(std::exchange(job, Job{}), now);
      job.kind = Job::Kind::changes;
    }
  }
  changes_wanted_ = std::move(later);
  if (!job.since.empty()) begin(std::move(job), now);
}

void SyncState::begin(Job job, Now now) {
  const std::uint64_t tag = ++last_tag_;
  job.join = join_;
  job.after_barriers = in_force();
  job.tag = tag;
  job.asked = now;
  if (job.subtree) {
    subtrees_[*job.subtree].job = tag;
  } else if (job.kind == Job::Kind::snapshot) {
    find(job.ns)->job = tag;
    open_record(*find(job.ns), now);
  } else {
    for (auto& [n, seq] : job.since) {
      n->job = tag;
      open_record(*n, now);
      update_state(*n, now);
    }
  }
  const Job& kept = jobs_.emplace(tag, std::move(job)).first->second;
  send(tag, kept);
}

void SyncState::send(std::uint64_t tag, const Job& job) {
  const auto after = job.after ? std::optional<std::string_view>(*job.after) : std::nullopt;
  const std::string_view under =
      job.subtree ? std::string_view(subtrees_[*job.subtree].under) : std::string_view();
  switch (job.kind) {
    case Job::Kind::snapshot: {
      SnapshotRequest request;
      if (job.subtree) {
        request.under = under;
      } else {
        request.ns = job.ns;
      }
      request.after = after;
      return actions_->ask(tag, request);
    }
    case Job::Kind::changes: {
      ChangesRequest request;
      for (const auto& [n, seq] : job.since) request.since.emplace_back(*n->name, seq);
      request.page.after = after;
      return actions_->ask(tag, request);
    }
    case Job::Kind::subtree_changes: {
      ChangesRequest request;
      request.under = under;
      request.since_rev = subtrees_[*job.subtree].first_rev;
      request.page.after = after;
      return actions_->ask(tag, request);
    }
    case Job::Kind::survey: {
      NamespacesRequest request;
      request.under = under;
      request.page.after = after;
      return actions_->ask(tag, request);
    }
  }
}

// ---- failures ----

// The same again, from its beginning.
void SyncState::requeue(std::uint64_t tag, Job& job, Steady at) {
  for (auto& [name, copy] : job.build) copy.entries.retire(garbage_);
  next_work_ = std::min(next_work_, at);
  if (job.subtree) {
    FollowedSubtree& s = subtrees_[*job.subtree];
    s.job = 0;
    s.need_at = at;
    if (s.need == Need::nothing) {
      s.need = !s.synced ? Need::snapshot : !s.revealed ? Need::changes : Need::survey;
    }
  } else if (job.kind == Job::Kind::snapshot) {
    FollowedNamespace& n = *find(job.ns);
    n.job = 0;
    n.building = false;
    want(n, Need::snapshot, Cause::join, at);
    enqueue(n);
  } else {
    for (auto& [n, seq] : job.since) {
      if (n->job != tag) continue;  // it failed on a page before, or a snapshot took its place
      n->job = 0;
      want(*n, Need::changes, n->cause, at);
      enqueue(*n);
    }
  }
}

void SyncState::on_failed(std::uint64_t tag, const Error& error, bool same_epoch, Now now) {
  auto extracted = jobs_.extract(tag);
  Job& job = extracted.mapped();
  ++metrics_.failures;
  const Steady again = now.steady + std::chrono::milliseconds(kAgainMinMs + below(kAgainJitterMs));
  actions_->log(LogLevel::warn, LogLine("request_failed")
                                    .with("code", error_row(error.code).name)
                                    .with("why", error.message)
                                    .with("of", job.subtree ? subtrees_[*job.subtree].under : job.ns));
  const bool lost_history = same_epoch && error.code == ErrorCode::other_history;
  if (job.subtree && (lost_history || error.code == ErrorCode::compacted)) {
    subtrees_[*job.subtree].synced = subtrees_[*job.subtree].revealed = false;
    subtrees_[*job.subtree].resync_reason =
        lost_history ? ResyncReason::unknown_seq : ResyncReason::compacted;
  }
  if (error.code == ErrorCode::other_history && !same_epoch)
    rejoin("the broker has another history", true, now);
  if (job.kind == Job::Kind::changes) return on_failed_changes(tag, job, error, again, now);
  if (job.kind == Job::Kind::snapshot && !job.subtree && error.code == ErrorCode::permission_denied) {
    FollowedNamespace& n = *find(job.ns);
    requeue(tag, job, again);
    n.need = Need::nothing;
    return on_failed_name(n, error, now);
  }
  requeue(tag, job, again);
}

// All names failed, or the request itself did. The error may name one.
void SyncState::on_failed_changes(std::uint64_t tag, Job& job, const Error& error, Steady again, Now now) {
  requeue(tag, job, again);
  const bool of_names = error.code == ErrorCode::compacted || error.code == ErrorCode::other_history ||
                        error.code == ErrorCode::permission_denied;
  if (!of_names) return;
  for (auto& [n, seq] : job.since) {
    const bool named = job.since.size() == 1 || error.ns == *n->name;
    if (named && n->need == Need::changes && n->job == 0) on_failed_name(*n, error, now);
  }
}

void SyncState::on_failed_name(FollowedNamespace& n, const Error& error, Now now) {
  switch (error.code) {
    case ErrorCode::permission_denied:
      n.denied = true;
      n.need = Need::nothing;
      explain(n, "the broker refuses it: " + error.message);
      close_record(n, now, error);
      break;
    case ErrorCode::compacted:
      resync(n, ResyncReason::compacted, "the changes since its seq are compacted", now);
      break;
    case ErrorCode::other_history:
      resync(n, ResyncReason::unknown_seq, "the broker does not know its seq", now);
      break;
    default:
      want(n, Need::changes, n.cause,
           now.steady + std::chrono::milliseconds(kAgainMinMs + below(kAgainJitterMs)));
  }
  update_state(n, now);
}

}  // namespace prismbus
