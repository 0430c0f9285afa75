#include "subscriber/view_store.hpp"

#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {

ViewStore::ViewStore() : root_(new ViewRoot) {}

ViewStore::~ViewStore() {
  PRISMBUS_ASSERT(pins_.oldest() == EpochPins::kNone, "a View outlived its Subscriber");
  const ViewRoot* root = root_.load();
  Garbage rest;
  root->namespaces.for_each([&](const NamespaceLeaf& leaf) {
    Hamt<EntryLeaf> entries = leaf.entries;
    entries.retire(rest);
  });
  Hamt<NamespaceLeaf> namespaces = root->namespaces;
  namespaces.retire(rest);
  rest.add(root, &ViewRoot::release);
  for (Batch& batch : batches_) batch.garbage.release_all();
  replaced_roots_.release_all();
  rest.release_all();
}

View ViewStore::view() const {
  const std::size_t slot = pins_.pin();
  return {&pins_, slot, root_.load(std::memory_order_seq_cst)};
}

void ViewStore::publish(const ViewRoot* root) {
  const ViewRoot* before = root_.exchange(root, std::memory_order_seq_cst);
  replaced_roots_.add(before, &ViewRoot::release);
}

void ViewStore::retire(Garbage&& garbage) {
  for (const Garbage::Item& item : replaced_roots_.items()) garbage.add(item.block, item.release);
  replaced_roots_.items().clear();
  if (!garbage.empty()) {
    waiting_ += garbage.items().size();
    batches_.push_back({pins_.advance(), std::move(garbage)});
  }
  reclaim();
}

void ViewStore::reclaim() {
  if (batches_.empty()) return;
  const std::uint64_t oldest = pins_.oldest();
  while (!batches_.empty() && batches_.front().epoch < oldest) {
    waiting_ -= batches_.front().garbage.items().size();
    batches_.front().garbage.release_all();
    batches_.pop_front();
  }
}

}  // namespace prismbus
