#include "broker/store/space.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstring>

namespace prismbus {
namespace {

constexpr std::uint64_t kPage = 4096;
// A value is written three times (journal, head, history), and one over 2 KB fills whole pages each time:
// what a write takes altogether, and what its fold still takes.
constexpr std::uint64_t kWritePerByte = 4, kFoldPerByte = 3;
constexpr std::uint64_t kComeBackAfterMs = 200;  // after the next look

std::uint64_t file_bytes(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// LMDB keeps the numbers of free pages in its table 0: each record is a count and as many numbers.
std::optional<std::uint64_t> reusable_bytes(lmdb::ReadTxn& txn) {
  constexpr lmdb::Dbi kFreePages = 0;
  if (!txn.renew()) return std::nullopt;
  std::uint64_t pages = 0;
  {
    auto cursor = lmdb::Cursor::open(txn.get(), kFreePages);
    auto at = cursor ? cursor->seek({}) : lmdb::Outcome<std::optional<lmdb::Cursor::Pair>>();
    for (; at && *at; at = cursor->next()) {
      std::size_t count = 0;
      if ((*at)->value.size() >= sizeof count) std::memcpy(&count, (*at)->value.data(), sizeof count);
      pages += count;
    }
  }
  txn.release();
  return pages * kPage;
}

std::string mebibytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1u << 20));
}

}  // namespace

std::optional<SpaceReading> read_space(const lmdb::Env& journal, lmdb::ReadTxn& journal_txn,
                                       const lmdb::Env& state, lmdb::ReadTxn& state_txn) {
  int journal_fd = -1, state_fd = -1;
  struct statvfs fs {};
  if (mdb_env_get_fd(journal.get(), &journal_fd) != 0 || mdb_env_get_fd(state.get(), &state_fd) != 0 ||
      ::fstatvfs(journal_fd, &fs) != 0) {
    return std::nullopt;
  }
  const auto journal_reusable = reusable_bytes(journal_txn), state_reusable = reusable_bytes(state_txn);
  if (!journal_reusable || !state_reusable) return std::nullopt;
  SpaceReading reading;
  reading.free = std::uint64_t{fs.f_bavail} * fs.f_frsize;
  reading.journal_file = file_bytes(journal_fd);
  reading.state_file = file_bytes(state_fd);
  // The file may have been read a commit earlier than its free pages.
  reading.journal_reusable = std::min(*journal_reusable, reading.journal_file);
  reading.state_reusable = std::min(*state_reusable, reading.state_file);
  return reading;
}

SpaceAgent::SpaceAgent(std::shared_ptr<lmdb::Env> journal, std::shared_ptr<lmdb::Env> state,
                       BoundedQueue<SpaceReading>& out)
    : journal_(std::move(journal)),
      state_(std::move(state)),
      journal_txn_(journal_),
      state_txn_(state_),
      out_(out) {}

std::size_t SpaceAgent::step(Now now) {
  if (now.steady < next_) return 0;
  next_ = now.steady + kInterval;
  if (auto reading = read_space(*journal_, journal_txn_, *state_, state_txn_)) {
    // A bus that is behind with readings gets the next one.
    [[maybe_unused]] const bool told = out_.try_push(std::move(*reading));
  }
  return 1;
}

void SpaceGate::take(const SpaceReading& reading) {
  reading_ = reading;
  // It was taken after the one before it came: what was let in until then it has seen, the rest perhaps not.
  spent_before_ = std::exchange(spent_, 0);
}

void SpaceGate::spend(std::uint64_t bytes) {
  spent_ += kWritePerByte * bytes;
}

// A fold writes each value twice (head and history) and copies the pages of the keys it meets before it gives
// the old ones back: at most all that the state has.
std::uint64_t SpaceGate::reserve(Unfolded unfolded) const {
  const std::uint64_t state_used = reading_->state_file - reading_->state_reusable;
  return kFoldPerByte * unfolded.bytes + std::min(unfolded.changes * kPage, state_used);
}

std::optional<std::string> SpaceGate::lack_of_room(std::uint64_t needs) const {
  if (!reading_) return std::nullopt;
  if (settings_.quota != 0 && reading_->used() + needs > settings_.quota) {
    return fmt::format(
        "the store is full: {} in use and {} kept free for folds and deletes, of a quota of {} "
        "(--store-quota)",
        mebibytes(reading_->used()), mebibytes(needs), mebibytes(settings_.quota));
  }
  const std::uint64_t reusable = reading_->journal_reusable + reading_->state_reusable;
  if (reading_->free + reusable < settings_.floor + needs) {
    return fmt::format(
        "the disk is full: {} free and {} reusable in the store, of which {} "
        "(--free-space-floor) and {} for folds and deletes are kept",
        mebibytes(reading_->free), mebibytes(reusable), mebibytes(settings_.floor), mebibytes(needs));
  }
  return std::nullopt;
}

Result<void> SpaceGate::admit(std::uint64_t bytes, bool deletes_only, Unfolded unfolded) const {
  if (!reading_) return {};
  const std::uint64_t keep = deletes_only ? kLeastKeep : kForValues, own = kWritePerByte * bytes;
  if (auto lack = lack_of_room(keep + own)) return fail(ErrorCode::read_only, std::move(*lack));
  if (lack_of_room(keep + own + spent_ + spent_before_ + reserve(unfolded))) {
    return tl::unexpected(overloaded(
        "the store is nearly full: what was written last is being folded and measured", kComeBackAfterMs));
  }
  return {};
}

}  // namespace prismbus
