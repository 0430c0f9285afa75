// DrainCase where somebody else wrote the key meanwhile: theirs, the base, the policy.
#include <algorithm>
#include <exception>
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/limits.hpp"
#include "publisher/outbox/drain_case.hpp"

namespace prismbus {

// ---- theirs, and whether it is a conflict

void DrainCase::read_theirs() {
  phase_ = Phase::theirs;
  at_ = 0;
  needs_attempt_ = true;
}

DrainCase::Next DrainCase::on_theirs(const ReplyHeader& reply) {
  if (reply.error) {
    if (reply.error->code != ErrorCode::not_found) return refuse(*reply.error);
    steps_[at_].theirs.reset();
  } else {
    auto entry = codec::decode_entry_reply(reply);
    if (!entry) return Next::later;
    steps_[at_].theirs = std::move(*entry);
  }
  if (++at_ == steps_.size()) judge();
  return Next::go_on;
}

void DrainCase::judge() {
  bool conflict = false, same = true;
  Revision newest;
  bool ours_is_newer = true;
  std::size_t conditions = conditions_of(record_);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    auto& s = steps_[i];
    const Revision rev = s.theirs ? s.theirs->rev : Revision(0);
    // What our own merged write left is a conflict only where it is not what was called.
    const bool differs = s.after_merged && s.theirs_value() != lent(s.called_before);
    s.conflict = s.base && (other_history_ || rev != *s.base || differs);
    s.expected.reset();
    if (s.base || conditions++ < limits::kTxnChanges) s.expected = rev;
    s.skip = false;
    s.write = ours(i) ? std::optional(std::string(*ours(i))) : std::nullopt;
    conflict = conflict || s.conflict;
    same = same && s.theirs_value() == ours(i);
    newest = std::max(newest, rev);
    if (s.conflict && s.theirs && s.theirs->time > record_.queued_at) ours_is_newer = false;
  }
  outcome_.conflict = conflict || other_history_;
  outcome_.rev = newest;
  if (other_history_ && !record_.guards.empty()) {
    return reject(ErrorCode::other_history, "a requirement on a revision of another history");
  }
  if (!conflict) return write_as_called();
  if (same) return settle(OutboxOutcome::Kind::superseded, "the broker holds the same already");
  switch (options_.policy) {
    case ConflictPolicy::server_wins:
      return settle(OutboxOutcome::Kind::superseded, "server_wins");
    case ConflictPolicy::client_wins:
      return write_resolved();
    case ConflictPolicy::newest_wins:
      if (ours_is_newer) return write_resolved();
      return settle(OutboxOutcome::Kind::superseded, "newest_wins: theirs is younger");
    case ConflictPolicy::merge:
    case ConflictPolicy::callback:
      at_ = 0;
      return seek_base();
  }
}

void DrainCase::write_as_called() {
  phase_ = Phase::write;
}

// Leaves out what is there already; nothing left = the broker's version stands.
void DrainCase::write_resolved() {
  bool any = false, merged = false;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    auto& s = steps_[i];
    const MaybeValue wanted = lent(s.write);
    s.skip = s.conflict && wanted == s.theirs_value();
    any = any || !s.skip;
    merged = merged || wanted != ours(i);
  }
  if (!any) return settle(OutboxOutcome::Kind::superseded, "the broker's version was kept");
  merged_ = merged;
  phase_ = Phase::write;
}

// ---- the base

void DrainCase::seek_base() {
  for (; at_ < steps_.size(); ++at_) {
    auto& s = steps_[at_];
    s.base_known = false;
    s.base_value.reset();
    if (!s.conflict || other_history_) continue;
    if (s.after_merged || *s.base == Revision(0)) {
      s.base_known = true;
      s.base_value = s.after_merged ? s.called_before : std::nullopt;
      continue;
    }
    phase_ = Phase::base;
    return;
  }
  resolve();
}

DrainCase::Next DrainCase::on_base(const ReplyHeader& reply) {
  auto& s = steps_[at_];
  if (!reply.error) {
    auto entry = codec::decode_entry_reply(reply);
    if (!entry) return Next::later;
    s.base_known = true;
    s.base_value = std::move(entry->value);
  } else {
    s.base_known = reply.error->code == ErrorCode::not_found;  // else it is trimmed, or not for us
  }
  ++at_;
  seek_base();
  return Next::go_on;
}

void DrainCase::resolve() {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].conflict && !resolve_step(i)) return;
  }
  write_resolved();
}

// False: settled already.
bool DrainCase::resolve_step(std::size_t i) {
  auto& s = steps_[i];
  const auto& step = record_.steps[i];
  const std::string where = step.ns + " " + step.key;
  const MaybeValue base = lent(s.base_value);
  try {
    if (options_.policy == ConflictPolicy::merge) {
      if (!s.base_known) {
        reject(ErrorCode::conflict, where + ": what it was made from is no longer known");
        return false;
      }
      Merged merged = three_way_merge(base, ours(i), s.theirs_value(), options_.on_leaf);
      if (!merged.unresolved.empty()) {
        reject(ErrorCode::conflict, where + ": both changed " +
                                        (merged.unresolved.front().empty() ? std::string("the value")
                                                                           : merged.unresolved.front()));
        return false;
      }
      s.write = std::move(merged.value);
      return true;
    }
    Resolution decided;
    if (options_.on_conflict) {
      decided = options_.on_conflict(
          {step.ns, step.key, other_history_, s.base_known, base, ours(i), s.theirs, record_.queued_at});
    }
    switch (decided.take) {
      case Resolution::Take::ours:
        return true;
      case Resolution::Take::theirs:
        s.write = s.theirs ? std::optional(s.theirs->value) : std::nullopt;
        return true;
      case Resolution::Take::value:
        s.write = std::move(decided.value);
        return true;
      case Resolution::Take::remove:
        s.write.reset();
        return true;
      case Resolution::Take::report:
        break;
    }
    reject(ErrorCode::conflict, where + ": changed by somebody else");
  } catch (const std::exception& e) {
    reject(ErrorCode::conflict, where + ": the application's callback threw: " + e.what());
  } catch (...) {  // the application's own type
    reject(ErrorCode::conflict, where + ": the application's callback threw");
  }
  return false;
}

}  // namespace prismbus
