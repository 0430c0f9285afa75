#include "broker/core/head_board.hpp"

namespace prismbus {

void HeadBoard::apply(const StoredTransaction& txn) {
  for (const auto& set : txn.sets) {
    auto it = by_ns_.find(std::string_view(set->ns));
    if (it == by_ns_.end()) {
      if (by_ns_.size() >= kNamespacesMax) {
        const auto oldest = by_order_.begin();
        by_ns_.erase(by_ns_.find(std::string_view(oldest->second->first)));
        by_order_.erase(oldest);
      }
      it = by_ns_.emplace(std::string(set->ns), Row{}).first;
    } else {
      by_order_.erase(it->second.order);
    }
    it->second = {++latest_, set->seq};
    by_order_.emplace_hint(by_order_.end(), latest_, &*it);
  }
}

void HeadBoard::clear() {
  by_order_.clear();
  by_ns_.clear();
}

std::optional<Seq> HeadBoard::find(std::string_view ns) const {
  const auto it = by_ns_.find(ns);
  return it == by_ns_.end() ? std::nullopt : std::optional(it->second.seq);
}

void HeadBoard::since(std::uint64_t order,
                      const std::function<bool(std::uint64_t, std::string_view, Seq)>& each) const {
  for (auto it = by_order_.upper_bound(order); it != by_order_.end(); ++it) {
    if (!each(it->first, it->second->first, it->second->second.seq)) return;
  }
}

}  // namespace prismbus
