// The latest transactions, as every socket reads them: each change set once as JSON text, shared by all that
// are told of it. A subscription that is not far behind catches up here without asking the core. Gateway
// thread.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/store/transaction.hpp"
#include "proto/json/value.hpp"

namespace prismbus {

using SharedText = std::shared_ptr<const std::string>;

// A change set of a namespace, with its text as soon as somebody wants it.
class LiveSet {
 public:
  // `text_bytes`: of all sets of the log; outlives this.
  LiveSet(const StoredSet& set, std::size_t& text_bytes) : set_(&set), text_bytes_(&text_bytes) {}
  [[nodiscard]] const StoredSet& set() const { return *set_; }
  // From `"ns":` to the closing brace; with the changes that match only. Null: none of them does. An empty
  // glob matches everything.
  [[nodiscard]] SharedText text(const std::string& glob) const;
  [[nodiscard]] std::size_t kept_bytes() const;  // of text that the next one who wants it gets

 private:
  const StoredSet* set_;
  std::size_t* text_bytes_;
  mutable SharedText whole_;
  mutable std::vector<std::pair<std::string, SharedText>> parts_;  // by glob
};

class LiveLog {
 public:
  static constexpr std::size_t kTransactionsMax = 4096;
  static constexpr std::size_t kBytesMax = 64u << 20;  // of transactions
  // Of their text: above it the oldest ones go with the next that comes, and no part for a glob is kept.
  static constexpr std::size_t kTextBytesMax = 128u << 20;

  struct Item {
    TransactionPtr txn;
    std::size_t bytes = 0;
    std::vector<LiveSet> sets;
  };

  LiveLog() = default;
  LiveLog(const LiveLog&) = delete;  // its sets count into it
  LiveLog& operator=(const LiveLog&) = delete;

  // The next one. Forgets what was before when transactions are missing in between.
  const Item& add(TransactionPtr txn);
  // Whatever was up to there is missing.
  void miss(Revision up_to);
  void clear();

  // Whether everything behind `behind` that was fetched is here.
  [[nodiscard]] bool covers(Revision behind) const { return !base_ || behind >= *base_; }
  // The first one behind `behind`, null when there is none; only where covers(behind).
  [[nodiscard]] const Item* next(Revision behind) const;
  // Up to where everything was fetched; nullopt: nothing was yet.
  [[nodiscard]] std::optional<Revision> last() const;
  [[nodiscard]] std::size_t text_bytes() const { return text_bytes_; }

 private:
  [[nodiscard]] bool is_full() const;
  void drop_oldest();

  std::deque<Item> items_;  // revisions without a gap
  std::size_t bytes_ = 0, text_bytes_ = 0;
  std::optional<Revision> base_;  // everything behind it is in items_
};

// The text of a change set as a reply of `changes` has it ({ns} + change set, `changes` among it), from
// `"ns":` on, with the changes that match only; nullopt: none does.
[[nodiscard]] std::optional<std::string> change_text(Value& set, const std::string& glob);

}  // namespace prismbus
