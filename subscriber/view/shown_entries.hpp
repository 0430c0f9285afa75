// What readers see of a namespace: the entries of its replica, but for the keys that are kept back. Lends
// both tries for as long as their picture lives. While nothing is kept back it costs one comparison.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "subscriber/view/leaves.hpp"

namespace prismbus {

class ShownEntries {
 public:
  explicit ShownEntries(const NamespaceLeaf& leaf) : ShownEntries(leaf.entries, leaf.kept) {}
  ShownEntries(const Hamt<EntryLeaf>& entries, const Hamt<KeptLeaf>& kept)
      : entries_(&entries), kept_(&kept) {}

  [[nodiscard]] const EntryLeaf* find(std::uint64_t hash, std::string_view key) const {
    if (kept_->size() != 0) {
      if (const KeptLeaf* kept = kept_->find(hash, key)) return kept->shown;
    }
    return entries_->find(hash, key);
  }

  // Looks at every key that is kept back.
  [[nodiscard]] std::size_t size() const {
    std::size_t more = 0, less = 0;
    kept_->for_each([&](const KeptLeaf& kept) {
      if (kept.shown != nullptr) ++more;
      if (entries_->find(kept.hash, kept.key()) != nullptr) ++less;
    });
    return entries_->size() + more - less;
  }

  template <class Visit>
  void for_each(Visit&& visit) const {
    if (kept_->size() == 0) return entries_->for_each(visit);
    entries_->for_each([&](const EntryLeaf& entry) {
      if (kept_->find(entry.hash, entry.key()) == nullptr) visit(entry);
    });
    kept_->for_each([&](const KeptLeaf& kept) {
      if (kept.shown != nullptr) visit(*kept.shown);
    });
  }

  // As Hamt::visit_after. Allocates for what is kept back.
  template <class Visit>
  void visit_after(const std::uint64_t* after, Visit&& visit) const {
    if (kept_->size() == 0) return entries_->visit_after(after, visit);
    std::vector<const EntryLeaf*> waiting;  // the first one last
    kept_->visit_after(after, [&](const KeptLeaf& kept) {
      if (kept.shown != nullptr) waiting.push_back(kept.shown);
      return true;
    });
    std::reverse(waiting.begin(), waiting.end());
    bool on = true;
    const auto visit_waiting = [&](const EntryLeaf* before) {
      const auto comes = [&] {
        return before == nullptr || before->hash == waiting.back()->hash ||
               Hamt<EntryLeaf>::comes_before(waiting.back()->hash, before->hash);
      };
      while (on && !waiting.empty() && comes()) {
        on = visit(*waiting.back());
        waiting.pop_back();
      }
    };
    entries_->visit_after(after, [&](const EntryLeaf& entry) {
      visit_waiting(&entry);
      if (on && kept_->find(entry.hash, entry.key()) == nullptr) on = visit(entry);
      return on;
    });
    visit_waiting(nullptr);
  }

 private:
  const Hamt<EntryLeaf>* entries_;
  const Hamt<KeptLeaf>* kept_;
};

}  // namespace prismbus
