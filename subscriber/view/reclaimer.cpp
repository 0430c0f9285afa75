#include "subscriber/view/reclaimer.hpp"

#include <utility>

namespace prismbus {

Reclaimer::~Reclaimer() {
  for (Batch& batch : batches_) batch.garbage.release_all();
}

void Reclaimer::retire(Garbage&& garbage) {
  if (!garbage.empty()) {
    waiting_ += garbage.items().size();
    batches_.push_back({pins_.advance(), std::move(garbage)});
  }
  if (batches_.empty()) return;
  const std::uint64_t oldest = pins_.oldest();
  while (!batches_.empty() && batches_.front().epoch < oldest) {
    waiting_ -= batches_.front().garbage.items().size();
    batches_.front().garbage.release_all();
    batches_.pop_front();
  }
}

}  // namespace prismbus
