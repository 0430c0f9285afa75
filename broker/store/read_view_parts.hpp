// What ReadView's two source files share: its parts, and rows of the state as a cursor gives them. Private to
// the store.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/store/read_view.hpp"
#include "broker/store/recent_run.hpp"
#include "broker/store/secret_values.hpp"
#include "broker/store/write_failure.hpp"

namespace prismbus {

[[nodiscard]] inline ValuePlace place_of(const EntryView& entry) {
  return {entry.ns, entry.key, entry.rev};
}

// Between a scan and who asked for it: opens the values that are lent for one call.
class OpeningEach {
 public:
  OpeningEach(const ValueVault* vault, const ReadView::EachEntry& each) : vault_(vault), each_(each) {}

  bool operator()(std::string_view ns, std::string_view key, const EntryView* entry) {
    if (entry == nullptr || !is_sealed_value(entry->value)) return each_(ns, key, entry);
    const auto value = open_value(vault_, place_of(*entry), entry->value, buffer_);
    if (!value) {
      outcome_ = unexpected<Error>(value.error());
      return false;
    }
    EntryView open = *entry;
    open.value = *value;
    return each_(ns, key, &open);
  }
  // What became of a scan that ended as `scanned`.
  [[nodiscard]] Result<void> outcome(const Result<void>& scanned) const {
    return scanned ? outcome_ : scanned;
  }

 private:
  const ValueVault* vault_;
  const ReadView::EachEntry& each_;
  std::string buffer_;
  Result<void> outcome_;
};

struct ReadView::Impl {
  RecentSnapshotPtr recent;
  StateReader& state;
  JournalReader& journal;
  Revision folded;
  std::vector<RecentRunPtr> runs;  // oldest first; what recent had not sorted yet is the last one
  TransactionPtr held;             // keeps what change_set lends
  bool without_express = false;
  TransactionCache* cache = nullptr;
  std::deque<std::string> opened{};  // secret values that were lent

  // With its value open, which is lent as long as the view is there.
  [[nodiscard]] Result<std::optional<EntryView>> open(Result<std::optional<EntryView>> found) {
    if (!found || !*found || !is_sealed_value((*found)->value)) return found;
    const auto value = open_value(state.vault(), place_of(**found), (*found)->value, opened.emplace_back());
    if (!value) return unexpected<Error>(value.error());
    (*found)->value = *value;
    return found;
  }

  // From the journal, or as it was read from there before.
  [[nodiscard]] Result<TransactionPtr> journaled(Revision rev) const {
    const bool keeps = cache != nullptr && rev > journal.floor();
    if (TransactionPtr txn = keeps ? cache->find(rev) : nullptr) return txn;
    auto txn = journal.read(rev);
    if (txn && keeps) cache->put(*txn);
    return txn;
  }

  [[nodiscard]] TransactionPtr recent_transaction(Revision rev) const {
    const auto run =
        std::find_if(runs.begin(), runs.end(), [rev](const auto& r) { return rev <= r->last(); });
    return run == runs.end() || rev < (*run)->first() ? nullptr : (*run)->find_transaction(rev);
  }
  [[nodiscard]] RecentHead served(RecentHead head) const {
    if (without_express) head.head.lane = Lane::changes;
    return head;
  }
  // The live entries of the state's heads under `over`, which hides them: scan's work.
  [[nodiscard]] Result<void> scan_heads(const std::vector<RecentRunPtr>& over, std::string_view from_ns,
                                        std::string_view from_key, const ReadView::EachEntry& each) const;
};

[[nodiscard]] inline EntryView entry_of(const RecentSnapshot::Run::Item& item) {
  return {item.ns,
          item.key,
          item.change->value,
          item.txn->rev,
          item.change->created,
          item.change->version,
          item.txn->time,
          item.txn->by};
}

[[nodiscard]] inline Error compacted_below(std::uint64_t floor) {
  Error error = error_of(ErrorCode::compacted, "that part of the history is gone");
  error.floor = floor;
  return error;
}

// A state cursor as a source of rows; the error ends a scan.
class Rows {
 public:
  static Result<Rows> open(StateReader& state, lmdb::Dbi table, std::string_view from) {
    const auto txn = state.snapshot();
    if (!txn) return unexpected<Error>(txn.error());
    auto cursor = lmdb::Cursor::open(*txn, table);
    if (!cursor) return unexpected<Error>(read_error("state", cursor.error()));
    Rows rows(std::move(*cursor));
    rows.at_ = rows.cursor_.seek(from);
    return rows;
  }
  [[nodiscard]] Result<void> check() const {
    if (!at_) return unexpected<Error>(read_error("state", at_.error()));
    return {};
  }
  [[nodiscard]] bool end() const { return !at_ || !*at_; }
  [[nodiscard]] const lmdb::Cursor::Pair& row() const { return **at_; }
  void next() { at_ = cursor_.next(); }

 private:
  explicit Rows(lmdb::Cursor cursor) : cursor_(std::move(cursor)) {}
  lmdb::Cursor cursor_;
  lmdb::Outcome<std::optional<lmdb::Cursor::Pair>> at_;
};

}  // namespace prismbus
