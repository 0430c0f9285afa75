#include "subscriber/view/view_store.hpp"

#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {

ViewStore::ViewStore() : root_(new ViewRoot) {}

ViewStore::~ViewStore() {
  PRISMBUS_ASSERT(reclaimer_.pins().oldest() == EpochPins::kNone, "a View outlived its Subscriber");
  const ViewRoot* root = root_.load();
  Garbage rest;
  root->namespaces.for_each([&](const NamespaceLeaf& leaf) {
    Hamt<EntryLeaf> entries = leaf.entries;
    entries.retire(rest);
    Hamt<KeptLeaf> kept = leaf.kept;
    kept.retire(rest);
  });
  Hamt<NamespaceLeaf> namespaces = root->namespaces;
  namespaces.retire(rest);
  rest.add(root, &ViewRoot::release);
  replaced_roots_.release_all();
  rest.release_all();
}

View ViewStore::view() const {
  EpochPins& pins = reclaimer_.pins();
  const std::size_t slot = pins.pin();
  return {&pins, slot, root_.load(std::memory_order_seq_cst)};
}

void ViewStore::publish(const ViewRoot* root) {
  const ViewRoot* before = root_.exchange(root, std::memory_order_seq_cst);
  replaced_roots_.add(before, &ViewRoot::release);
}

void ViewStore::retire(Garbage&& garbage) {
  for (const Garbage::Item& item : replaced_roots_.items()) garbage.add(item.block, item.release);
  replaced_roots_.items().clear();
  reclaimer_.retire(std::move(garbage));
}

}  // namespace prismbus
