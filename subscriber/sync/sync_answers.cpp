// SyncState, what came: snapshot chunks, pages of changes, surveys of heads (PROTOCOL section 6, steps 2 to
// 4).
#include <algorithm>
#include <utility>

#include "subscriber/sync/sync_state.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kBehindWait =
    100ms;  // a broker that answered an older revision than the snapshot's last chunk
constexpr auto kCheckPatience = 1000ms;  // a head seen by a check may still be on its way on the stream

}  // namespace

void SyncState::on_answer(std::uint64_t tag, SyncAnswer answer, Now now) {
  if (acks_.waits_for(tag)) return on_ack(answer, now);
  const auto found = jobs_.find(tag);
  if (found == jobs_.end()) return;  // of a history that was forgotten
  Job& job = found->second;
  const bool same_epoch = answer.epoch == epoch_;
  if (!answer.reply) {
    on_failed(tag, answer.reply.error(), same_epoch, now);
  } else if (!same_epoch) {
    on_failed(tag, fail(ErrorCode::other_history, "answered in another epoch").value(), false, now);
  } else if (auto* snapshot = std::get_if<SnapshotReply>(&*answer.reply)) {
    on_snapshot(tag, job, *snapshot, answer.rev, now);
  } else if (auto* changes = std::get_if<ChangesReply>(&*answer.reply)) {
    on_changes(tag, job, *changes, answer.rev, now);
  } else {
    on_survey(tag, job, std::get<NamespacesReply>(*answer.reply), now);
  }
  next_work_ = now.steady;  // a place for another request is free
  wake_runs(now);
  step_runs(now);
  pump(now);
}

// ---- snapshots ----

void SyncState::on_snapshot(std::uint64_t tag, Job& job, SnapshotReply& reply, Revision rev, Now now) {
  if (!std::exchange(job.begun, true)) job.first_rev = rev;
  job.last_rev = rev;
  const auto covered = [&](const std::string& ns) {
    return job.subtree ? follow_.subtree_of(ns) == job.subtree : ns == job.ns;
  };
  for (const auto& entry : reply.entries) {
    if (!covered(entry.ns)) continue;
    job.build[entry.ns].insert(entry, garbage_);
    job.bytes[entry.ns] += entry.key.size() + entry.value.size();
  }
  for (const auto& [ns, head] : reply.heads) {
    if (!covered(ns)) continue;
    NamespaceCopy& copy = job.build[ns];
    copy.seq = head.seq;
    copy.rev = head.rev;
    copy.time = head.time;
    job.lanes[ns] = head.lane;
  }
  if (reply.more && !reply.after) {
    return on_failed(tag, fail(ErrorCode::internal, "a chunk that is not the last has no cursor").value(),
                     true, now);
  }
  if (reply.more) {
    job.after = std::move(reply.after);
    return send(tag, job);
  }
  auto extracted = jobs_.extract(tag);
  finish_snapshot(extracted.mapped(), now);
}

void SyncState::finish_snapshot(Job& job, Now now) {
  if (!job.subtree) {
    FollowedNamespace& n = *find(job.ns);
    n.job = 0;
    return install(n, std::move(job.build[job.ns]), job, now);
  }
  FollowedSubtree& s = subtrees_[*job.subtree];
  s.job = 0;
  s.synced = true;
  s.revealed = false;
  s.snapshot_by = job.tag;
  s.first_rev = job.first_rev;
  s.last_rev = job.last_rev;
  s.need = Need::changes;
  s.need_at = now.steady;
  for (auto& [ns, copy] : job.build) (void)find_or_follow(ns);
  for (auto& [name, n] : namespaces_) {
    if (n->subtree != job.subtree) continue;
    abandon(*n);  // this snapshot is newer than what is asked for it alone
    n->resync_reason = s.resync_reason;
    const auto built = job.build.find(name);
    // Not named: gone, or born since, which the changes since the snapshot's beginning tell.
    if (built == job.build.end() && n->held.empty()) n->seen = Seq();
    install(*n, built == job.build.end() ? NamespaceCopy{} : std::move(built->second), job, now);
  }
}

// What is under way for `n` will not be used. Changes may be asked for others with it: those keep their
// request.
void SyncState::abandon(FollowedNamespace& n) {
  const auto found = jobs_.find(std::exchange(n.job, 0));
  if (found == jobs_.end() || found->second.kind != Job::Kind::snapshot) return;
  for (auto& [name, copy] : found->second.build) copy.entries.retire(garbage_);
  jobs_.erase(found);
}

// A finished snapshot of one namespace. Shown once everything up to the last chunk's revision was applied.
void SyncState::install(FollowedNamespace& n, NamespaceCopy&& copy, const Job& job, Now now) {
  if (n.next) n.next->entries.retire(garbage_);
  n.next = std::move(copy);
  n.snapshot_by = job.tag;
  open_record(n, job.asked);
  const auto bytes = job.bytes.find(*n.name);
  n.totals.answer_bytes += bytes == job.bytes.end() ? 0 : bytes->second;
  metrics_.snapshot_bytes += bytes == job.bytes.end() ? 0 : bytes->second;
  n.reveal_rev = job.last_rev;
  n.building = n.denied = false;
  n.fresh_in = 0;
  n.need = Need::nothing;
  n.seen = std::max(n.seen, n.next->seq);
  apply_held(n);
  if (!job.subtree) want(n, Need::changes, Cause::join, now.steady);
  if (const auto lane = job.lanes.find(*n.name); lane != job.lanes.end()) learn_lane(n, lane->second, now);
  update_state(n, now);
}

// ---- changes ----

void SyncState::on_changes(std::uint64_t tag, Job& job, ChangesReply& reply, Revision rev, Now now) {
  if (reply.more && !reply.after) {
    return on_failed(tag, fail(ErrorCode::internal, "a page that is not the last has no cursor").value(),
                     true, now);
  }
  for (auto& [ns, set] : reply.sets) {
    FollowedNamespace* n = job.subtree ? find_or_follow(ns) : find(ns);
    if (n == nullptr || set.epoch != epoch_ || set.is_marker()) continue;
    const std::size_t bytes = content_bytes(set);
    n->totals.answer_bytes += bytes;
    metrics_.change_bytes += bytes;
    on_set(*n, std::move(set), now);
  }
  for (const auto& [ns, error] : reply.failed) {
    FollowedNamespace* n = find(ns);
    if (n == nullptr || n->job != tag) continue;
    n->job = 0;
    on_failed_name(*n, error, now);
  }
  if (reply.more) {
    job.after = std::move(reply.after);
    on_heads(reply.heads, now);
    return send(tag, job);
  }
  auto extracted = jobs_.extract(tag);
  Job& done = extracted.mapped();
  if (done.subtree) {
    finish_subtree_changes(done, rev, now);
  } else {
    for (auto& [n, seq] : done.since) {
      if (n->job != tag) continue;  // failed, or replaced meanwhile
      n->job = 0;
      settle(*n, done, rev, now);
    }
  }
  on_heads(reply.heads, now);
}

void SyncState::on_heads(const std::vector<std::pair<std::string, Head>>& heads, Now now) {
  for (const auto& [ns, head] : heads) {
    FollowedNamespace* n = find(ns);
    if (n == nullptr || n->stopped) continue;
    learn_lane(*n, head.lane, now);
    n->seen = std::max(n->seen, head.seq);
    if (!n->can_apply()) continue;
    if (head.seq > n->work().seq) {
      resync(*n, ResyncReason::incomplete, "the broker's changes left out some up to its head", now);
    } else {
      compare_hash(*n, head.seq, head.hash, now);
    }
  }
}

void SyncState::finish_subtree_changes(Job& job, Revision rev, Now now) {
  FollowedSubtree& s = subtrees_[*job.subtree];
  s.job = 0;
  if (rev < s.last_rev || job.join != join_) {
    s.need = Need::changes;
    s.need_at = now.steady + kBehindWait;
    next_work_ = std::min(next_work_, s.need_at);
    return;
  }
  s.revealed = true;
  s.fresh_in = join_;
  for (auto& [name, n] : namespaces_) {
    if (n->subtree == job.subtree && n->job == 0) settle(*n, job, rev, now);
  }
}

// A final answer about `n`, complete up to `rev`.
void SyncState::settle(FollowedNamespace& n, const Job& job, Revision rev, Now now) {
  const bool after_barriers = job.join == join_ && job.after_barriers;
  n.settled_by = job.tag;
  if (n.building || n.stopped || n.need == Need::snapshot) {
    enqueue(n);
    return update_state(n, now);
  }
  // Nor does what is shown go back because a broker that is behind the one before was asked for a snapshot.
  const bool of_history =
      n.resync_reason == ResyncReason::asked || n.resync_reason == ResyncReason::compacted;
  const bool older =
      n.next && n.shown && n.epoch == epoch_ && of_history && n.next->seq > Seq() && n.next->seq < n.copy.seq;
  if (n.next && (rev < n.reveal_rev || older)) {
    want(n, Need::changes, Cause::join, now.steady + kBehindWait);
    enqueue(n);
    return update_state(n, now);
  }
  if (n.next) reveal(n);
  if (n.behind() && n.seen <= n.seen_at_ask) {
    // Told of before the broker was asked, and the broker has no such thing: not of this history.
    ++counters_.bogus;
    drop_held(n);
    n.seen = n.work().seq;
  } else if (n.behind()) {
    want(n, Need::changes, Cause::gap, now.steady);
  }
  if (after_barriers) {
    n.fresh_in = join_;
  } else if (n.fresh_in != join_) {
    want(n, Need::changes, Cause::join, now.steady);
  }
  if (n.need == Need::nothing) close_record(n, now);
  enqueue(n);
  update_state(n, now);
}

// ---- surveys ----

void SyncState::on_survey(std::uint64_t tag, Job& job, NamespacesReply& reply, Now now) {
  if (reply.more && !reply.after) {
    return on_failed(tag, fail(ErrorCode::internal, "a page that is not the last has no cursor").value(),
                     true, now);
  }
  for (const NamespaceRow& row : reply.namespaces) {
    FollowedNamespace* n = find_or_follow(row.ns);
    if (n == nullptr || n->subtree != job.subtree) continue;
    n->named_in = tag;
    n->denied = false;
    learn_lane(*n, row.head.lane, now);
    if (n->stopped || !n->can_apply()) continue;
    if (row.head.seq <= n->work().seq) {
      compare_hash(*n, row.head.seq, row.head.hash, now);
      // What disk or seed told may be ahead of this broker; `changes` says whether it is of its history.
      if (subtrees_[*job.subtree].restored && row.head.seq < n->work().seq && n->job == 0)
        want(*n, Need::changes, Cause::join, now.steady);
      continue;
    }
    n->seen = std::max(n->seen, row.head.seq);
    if (n->job != 0) continue;
    const bool joined = n->fresh_in == join_;
    want(*n, Need::changes, joined ? Cause::gap : Cause::join, now.steady + (joined ? kCheckPatience : 0ms));
  }
  if (reply.more) {
    job.after = std::move(reply.after);
    return send(tag, job);
  }
  auto extracted = jobs_.extract(tag);
  finish_survey(tag, extracted.mapped(), now);
}

void SyncState::finish_survey(std::uint64_t tag, Job& job, Now now) {
  FollowedSubtree& s = subtrees_[*job.subtree];
  s.job = 0;
  if (job.join != join_) {
    s.need = Need::survey;
    s.need_at = now.steady;
    return;
  }
  s.fresh_in = join_;
  s.survey_by = tag;
  for (auto& [name, n] : namespaces_) {
    if (n->subtree != job.subtree) continue;
    if (n->named_in != tag && n->shown && n->copy.seq > Seq() && n->known) {
      n->denied = true;
      explain(*n, "the broker does not tell of it any more");
    }
    if (n->can_apply() && !n->next && n->job == 0) {
      if (n->need == Need::nothing && !n->behind()) n->fresh_in = join_;
      if (n->need == Need::nothing && n->behind()) want(*n, Need::changes, Cause::join, now.steady);
    }
    if (s.restored && !n->can_apply() && n->job == 0) want(*n, Need::snapshot, Cause::join, now.steady);
    update_state(*n, now);
  }
  s.restored = false;
}

}  // namespace prismbus
