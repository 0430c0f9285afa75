#include "broker/core/recent_feed.hpp"

#include <algorithm>
#include <iterator>

namespace prismbus {
namespace {

constexpr std::uint64_t kForgottenAStep = 1024;  // revisions; keeps a step under a millisecond

}  // namespace

RecentFeed::RecentFeed(BoundedQueue<JournalBatch>& to_fold, BoundedQueue<FoldOutcome>& from_fold,
                       BoundedQueue<Revision>& to_trim, Recent& recent, StateReader& state,
                       const LogSink& log)
    : to_fold_(to_fold),
      from_fold_(from_fold),
      to_trim_(to_trim),
      recent_(recent),
      state_(state),
      log_(log),
      folded_(state.folded()),
      forgotten_(folded_),
      floor_(state.floor()) {}

void RecentFeed::send(JournalBatch applied) {
  if (!applied.empty()) {
    const StoredTransaction& first = *applied.front();
    if (marks_.empty() || first.time - marks_.back().time >= kMarkEvery)
      marks_.push_back({first.rev, first.time});
    last_sent_ = applied.back()->rev;
  }
  if (unsent_.empty()) {
    unsent_ = std::move(applied);
  } else {
    unsent_.insert(unsent_.end(), std::make_move_iterator(applied.begin()),
                   std::make_move_iterator(applied.end()));
  }
  push();
}

void RecentFeed::push() {
  if (!unsent_.empty() && to_fold_.try_push(std::move(unsent_))) unsent_.clear();
}

std::size_t RecentFeed::step() {
  push();
  outcomes_.clear();
  from_fold_.drain(outcomes_);
  for (const FoldOutcome& outcome : outcomes_) take(outcome);
  if (Revision floor = floor_; floor > told_floor_ && to_trim_.try_push(std::move(floor)))
    told_floor_ = floor_;
  if (forgotten_ == folded_) return outcomes_.size() + (recent_.tidy() ? 1 : 0);
  // The state holds everything up to `folded_` and our transaction on it sees that.
  forgotten_ = std::min(folded_, Revision(forgotten_.value() + kForgottenAStep));
  recent_.drop_folded(forgotten_);
  return outcomes_.size() + 1;
}

std::chrono::microseconds RecentFeed::lag(Wall now) const {
  if (marks_.empty() || last_sent_ <= folded_) return {};
  return std::max(now - marks_.front().time, std::chrono::microseconds(0));
}

void RecentFeed::take(const FoldOutcome& outcome) {
  if (!outcome.failure) {
    folded_ = outcome.folded;
    if (outcome.changes > 0) took_.record(static_cast<std::uint64_t>(outcome.took.count()) / 1'000'000);
    while (marks_.size() > 1 && marks_[1].rev <= folded_) marks_.pop_front();
    if (last_sent_ <= folded_) marks_.clear();
    floor_ = outcome.floor;
    state_.renew();
    if (waits_for_space_)
      log_(LogLevel::info, LogLine("fold_resumes").with("folded", folded_.value()).text());
    waits_for_space_ = false;
    return;
  }
  failed_ = *outcome.failure == FoldFailure::io || *outcome.failure == FoldFailure::unknown;
  if (!failed_ && waits_for_space_) return;
  waits_for_space_ = !failed_;
  const std::string_view reason = failed_                                     ? "io"
                                  : *outcome.failure == FoldFailure::map_full ? "map_full"
                                                                              : "no_space";
  log_(failed_ ? LogLevel::error : LogLevel::warn,
       LogLine("fold_stops").with("reason", reason).with("folded", folded_.value()).text());
}

}  // namespace prismbus
