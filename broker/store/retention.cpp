#include "broker/store/retention.hpp"

#include <algorithm>

#include "broker/store/key_history.hpp"

namespace prismbus {
namespace {

constexpr std::chrono::seconds kLookEvery{1};
constexpr std::uint64_t kStrides = 16;

}  // namespace

Retention::Retention(RetentionSettings settings, State& state)
    : settings_(settings), state_(state), reader_(state) {}

Revision Retention::wanted(Wall now) {
  const StateMeta& meta = state_.meta();
  const std::uint64_t keep = std::max<std::uint64_t>(settings_.revisions, 1);
  const std::uint64_t least = meta.floor.value() + std::max<std::uint64_t>(keep / kStrides, 1);
  if (meta.folded.value() < keep || meta.folded.value() - keep < least) return meta.floor;
  const Wall since = now - std::max(settings_.age, settings_.age_min);
  reader_.renew();
  // A row that cannot be read keeps what is behind it.
  const auto may_go = [&](std::uint64_t rev) {
    const auto written = time_of(reader_, Revision(rev));
    return written && *written && **written <= since;
  };
  std::uint64_t low = meta.floor.value(), high = meta.folded.value() - keep + 1;
  if (may_go(least)) low = least;
  while (low >= least && high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (may_go(middle) ? low : high) = middle;
  }
  reader_.release();  // an old snapshot would keep freed pages from being used again
  return Revision(low);
}

Result<bool, FoldFailure> Retention::step(Now now) {
  if (wanted_ <= state_.meta().floor) {
    if (now.steady < look_at_) return false;
    look_at_ = now.steady + kLookEvery;
    wanted_ = wanted(now.wall);
    if (wanted_ <= state_.meta().floor) return false;
  }
  if (const auto moved = state_.advance_floor(wanted_, {}); !moved)
    return unexpected<FoldFailure>(moved.error());
  return true;
}

}  // namespace prismbus
