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

namespace prismbus {

class ReadView {
 public:
  // `recent` was taken on the bus thread. Renews `state` and `journal`, which the view borrows for its life.
  ReadView(RecentSnapshotPtr recent, StateReader& state, JournalReader& journal);
  ~ReadView();
  ReadView(const ReadView&) = delete;
  ReadView& operator=(const ReadView&) = delete;

  [[nodiscard]] Revision rev() const;

  // nullopt = not there at this revision. Errors: internal (a checksum failed; the record is named).
  [[nodiscard]] Result<std::optional<EntryView>> find(std::string_view ns, std::string_view key) const;
  [[nodiscard]] Result<std::optional<RecentHead>> find_head(std::string_view ns) const;

  // Live entries in (ns, key) order from the first >= (ns, key), as long as `each` answers true. Bytes are
  // lent for the call of `each` only. Entries of the state are merged with recent; deleted ones are left out
  // but count as visited: `each` is then called with nullptr, so that a caller can bound its work. Names that
  // are too long to be are invalid_argument here, and absent to the finds.
  [[nodiscard]] Result<void> scan(
      std::string_view from_ns, std::string_view from_key,
      const std::function<bool(std::string_view ns, std::string_view key, const EntryView*)>& each) const;
  // Namespaces that ever had a transaction, in order, from the first >= `from`.
  [[nodiscard]] Result<void> scan_namespaces(
      std::string_view from, const std::function<bool(std::string_view ns, const RecentHead&)>& each) const;

  // The encoded change set of (ns, seq). `compacted` when its record was trimmed; not_found above the head.
  // Lent until the next call.
  [[nodiscard]] Result<std::string_view> change_set(std::string_view ns, Seq seq) const;
  // The whole transaction of a revision in (floor, rev()]; `compacted` below, not_found above.
  [[nodiscard]] Result<TransactionPtr> transaction(Revision rev) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus
