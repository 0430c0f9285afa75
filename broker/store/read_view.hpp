// ReadView: everything a read of any door goes through (I9). A snapshot of recent and its watermark, taken
// FIRST, over a state read transaction opened after it; its revision is the greater of folded and watermark.
// One thread (the reader's); bytes it lends are valid until it is destroyed. Never held across a network
// wait.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/store/journal.hpp"
#include "broker/store/recent.hpp"
#include "broker/store/state.hpp"
#include "broker/store/transaction_cache.hpp"

namespace prismbus {

class ReadView {
 public:
  // `recent` was taken on the bus thread. Renews `state` and `journal`, which the view borrows for its life.
  ReadView(RecentSnapshotPtr recent, StateReader& state, JournalReader& journal);
  ~ReadView();
  ReadView(const ReadView&) = delete;
  ReadView& operator=(const ReadView&) = delete;

  [[nodiscard]] Revision rev() const;
  // Transactions of the journal are looked for there first; it outlives the view.
  void use(TransactionCache& cache);
  // From now on every head says `changes`: for a broker whose express lane is not bound.
  void without_express();

  // nullopt = not there at this revision. Errors: internal (a checksum failed; the record is named).
  [[nodiscard]] Result<std::optional<EntryView>> find(std::string_view ns, std::string_view key) const;
  [[nodiscard]] Result<std::optional<RecentHead>> find_head(std::string_view ns) const;

  // Live entries in (ns, key) order from the first >= (ns, key), as long as `each` answers true. Bytes are
  // lent for the call of `each` only. Entries of the state are merged with recent; deleted ones are left out
  // but count as visited: `each` is then called with nullptr, so that a caller can bound its work. Names that
  // are too long to be are invalid_argument here, and absent to the finds.
  using EachEntry = std::function<bool(std::string_view ns, std::string_view key, const EntryView*)>;
  [[nodiscard]] Result<void> scan(std::string_view from_ns, std::string_view from_key,
                                  const EachEntry& each) const;
  // Namespaces that ever had a transaction, in order, from the first >= `from`.
  [[nodiscard]] Result<void> scan_namespaces(
      std::string_view from, const std::function<bool(std::string_view ns, const RecentHead&)>& each) const;

  // The encoded change set of (ns, seq). not_found above the head; `compacted` when its record is gone, with
  // the smallest `since` of that namespace that is still answered as `floor`. Lent until the next call.
  [[nodiscard]] Result<std::string_view> change_set(std::string_view ns, Seq seq) const;
  // The whole transaction of a revision in (floor, rev()]; `compacted` below, not_found above.
  [[nodiscard]] Result<TransactionPtr> transaction(Revision rev) const;

  // ---- the past (read_view_history.cpp)

  // The lowest revision an as-of read may name: the greater of the state's and the journal's floor, both of
  // this view. 0 = all history is there.
  [[nodiscard]] Revision floor() const;
  // State after the last transaction whose time is not later than `time_us` (microseconds); 0 = before the
  // first. `compacted` when that lies below the floor.
  [[nodiscard]] Result<Revision> revision_at(std::uint64_t time_us) const;
  // As find and scan, as of revision `at` in [floor(), rev()]: `compacted` below, not_found above. A scan
  // also visits keys that are there now or were once, with nullptr.
  [[nodiscard]] Result<std::optional<EntryView>> find_at(Revision at, std::string_view ns,
                                                         std::string_view key) const;
  [[nodiscard]] Result<void> scan_at(Revision at, std::string_view from_ns, std::string_view from_key,
                                     const EachEntry& each) const;
  // The versions of a key older than `before` (0 = from the newest), deletes included, newest first, as long
  // as `each` answers true; lent for that call. With its request id, whoever asks. Ends with the newest one
  // at or below the floor.
  [[nodiscard]] Result<void> versions(std::string_view ns, std::string_view key, Revision before,
                                      const std::function<bool(const KeyVersionView&)>& each) const;

 private:
  [[nodiscard]] Error gone(std::string_view ns) const;  // `compacted` with the namespace's smallest `since`
  [[nodiscard]] Result<void> readable_at(Revision at) const;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus
