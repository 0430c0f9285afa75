// A binary heap for keys (there are many); a plain scan of the sources for namespaces (there are few).
#include "broker/store/run_merge.hpp"

#include <algorithm>

namespace prismbus {

KeyMerge::KeyMerge(const std::vector<RecentRunPtr>& runs, Revision folded, std::string_view from_ns,
                   std::string_view from_key)
    : folded_(folded) {
  for (std::size_t age = 0; age < runs.size(); ++age) {
    if (runs[age]->last() <= folded) continue;
    const Item* at = runs[age]->lower_bound(from_ns, from_key);
    if (at != runs[age]->items_end()) heap_.push_back({at, runs[age]->items_end(), age});
  }
  std::make_heap(heap_.begin(), heap_.end(), after);
}

bool KeyMerge::after(const Source& a, const Source& b) {
  const int order = compare_names(a.at->ns, a.at->key, b.at->ns, b.at->key);
  return order != 0 ? order > 0 : a.age < b.age;
}

const KeyMerge::Item* KeyMerge::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), after);
  Source& source = heap_.back();
  const Item* item = source.at++;
  if (source.at == source.end) {
    heap_.pop_back();
  } else {
    std::push_heap(heap_.begin(), heap_.end(), after);
  }
  return item;
}

const KeyMerge::Item* KeyMerge::next() {
  while (!heap_.empty()) {
    const Item* newest = pop();
    while (!heap_.empty() &&
           compare_names(heap_.front().at->ns, heap_.front().at->key, newest->ns, newest->key) == 0) {
      pop();  // the same key of an older run
    }
    if (newest->txn->rev > folded_) return newest;
  }
  return nullptr;
}

NamespaceMerge::NamespaceMerge(const std::vector<RecentRunPtr>& runs, Revision folded, std::string_view from)
    : folded_(folded) {
  for (const RecentRunPtr& run : runs) {
    if (run->last() > folded) sources_.push_back({run.get(), run->sets_from(from)});
  }
}

const NamespaceMerge::Set* NamespaceMerge::next() {
  for (;;) {
    const Set* smallest = nullptr;
    for (const Source& source : sources_) {
      if (source.at != source.run->sets_end() && (smallest == nullptr || source.at->ns < smallest->ns)) {
        smallest = source.at;
      }
    }
    if (smallest == nullptr) return nullptr;
    const std::string_view ns = smallest->ns;
    const Set* newest = nullptr;
    for (Source& source : sources_) {
      if (source.at == source.run->sets_end() || source.at->ns != ns) continue;
      newest = source.run->newest_of(source.at);  // a later source is newer
      source.at = newest + 1;
    }
    if (newest->txn->rev > folded_) return newest;
  }
}

}  // namespace prismbus
