#include "broker/store/fold_order.hpp"

#include <algorithm>

#include "broker/store/disk_keys.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

std::uint64_t number_of(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    number = number << 8 | (i < bytes.size() ? static_cast<std::uint8_t>(bytes[i]) : 0U);
  }
  return number;
}

std::size_t common_bytes(std::string_view a, std::string_view b) {
  const auto end = a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return static_cast<std::size_t>(std::mismatch(a.begin(), end, b.begin()).first - a.begin());
}

}  // namespace

FoldOrder::FoldOrder(std::span<const TransactionPtr> batch) {
  gather(batch);
  fill_prefixes();
  std::sort(keys_.begin(), keys_.end(), [this](const Key& a, const Key& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    if (const int by_key = head_key(a).compare(head_key(b)); by_key != 0) return by_key < 0;
    return a.index < b.index;
  });
}

void FoldOrder::gather(std::span<const TransactionPtr> batch) {
  std::size_t count = 0;
  for (const TransactionPtr& txn : batch) count += txn->change_count();
  PRISMBUS_ASSERT(count <= UINT32_MAX, "a fold is bounded");
  changes_.reserve(count);
  keys_.reserve(count);
  for (const TransactionPtr& txn : batch) {
    for (const auto& set : txn->sets) {
      const auto begin = static_cast<std::ptrdiff_t>(changes_.size());
      for (const StoredChange& change : set->changes) changes_.push_back({txn.get(), set.get(), &change, {}});
      if (set->changes.size() > 1) {
        std::sort(changes_.begin() + begin, changes_.end(),
                  [](const FoldChange& a, const FoldChange& b) { return a.change->key < b.change->key; });
      }
    }
  }
  DiskKey disk_key;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const std::string_view key = disk_key.head(changes_[i].set->ns, changes_[i].change->key);
    keys_.push_back({0, static_cast<std::uint32_t>(arena_.size()), static_cast<std::uint32_t>(key.size()),
                     static_cast<std::uint32_t>(i)});
    arena_.append(key);
    PRISMBUS_ASSERT(arena_.size() <= UINT32_MAX, "a fold is bounded");
  }
}

void FoldOrder::fill_prefixes() {
  if (keys_.empty()) return;
  const std::string_view first = head_key(keys_[0]);
  std::size_t common = first.size();
  for (const Key& key : keys_) common = std::min(common, common_bytes(first, head_key(key)));
  for (Key& key : keys_) key.prefix = number_of(head_key(key).substr(common));
}

}  // namespace prismbus
