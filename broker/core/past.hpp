// Reads of the past: which revision a read with `at` or `at_time` reads, and the entries as they were at it.
// Reader thread; borrows the view. What lies below the floor is `compacted`, never something near it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "broker/core/cursor_token.hpp"
#include "broker/store/read_view.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {

[[nodiscard]] inline bool is_of_past(const ReadOptions& read) {
  return read.at || read.at_time;
}

// `compacted`, with the lowest revision that can still be read.
[[nodiscard]] Error below_floor(Revision floor);

// The revision a read of the past reads: `at`, or the last one not later than `at_time`. A later page reads
// what the first one did, whatever was written since: `cursor` says so. Errors: compacted; invalid_argument
// field `after` (a page of another revision).
[[nodiscard]] Result<Revision> revision_read(const ReadView& view, const ReadOptions& read,
                                             const std::optional<CursorToken>& cursor);

// What get, mget and list read through: the entries of a view now, or at one revision of it.
class EntriesAt {
 public:
  EntriesAt(const ReadView& view, std::optional<Revision> at) : view_(view), at_(at) {}
  // As ReadView's.
  [[nodiscard]] Result<std::optional<EntryView>> find(std::string_view ns, std::string_view key) const {
    return at_ ? view_.find_at(*at_, ns, key) : view_.find(ns, key);
  }
  [[nodiscard]] Result<void> scan(std::string_view from_ns, std::string_view from_key,
                                  const ReadView::EachEntry& each) const {
    return at_ ? view_.scan_at(*at_, from_ns, from_key, each) : view_.scan(from_ns, from_key, each);
  }

 private:
  const ReadView& view_;
  const std::optional<Revision> at_;
};

// Every key of `ns` from the first >= `from_key` on that is there or was once, in order, with what it held at
// two revisions, `lower` <= `higher`; null = nothing. As long as `each` answers true; bytes are lent for its
// call. An entry that did not change in between is given as the same one twice.
using EachPair = std::function<bool(std::string_view key, const EntryView* lower, const EntryView* higher)>;
[[nodiscard]] Result<void> scan_two(const ReadView& view, std::string_view ns, std::string_view from_key,
                                    Revision lower, Revision higher, const EachPair& each);

// How much of two entries has to be compared, and how much at most before a page ends.
constexpr std::size_t kComparedBytes = limits::kMessageBytes;
[[nodiscard]] inline std::size_t compared_bytes(const EntryView* a, const EntryView* b) {
  return a == nullptr || b == nullptr || a == b ? 0 : a->value.size();
}

// Whether two revisions hold different bytes under a key.
[[nodiscard]] inline bool differ(const EntryView* a, const EntryView* b) {
  if (a == nullptr || b == nullptr) return a != b;
  return a != b && a->value != b->value;
}

}  // namespace prismbus
