// Where the writer leaves new pictures and readers find them. One writer (the subscriber's background
// thread), any number of readers. Owns everything a picture reaches and frees it when no View can see it.
#pragma once

#include <atomic>
#include <cstdint>

#include "subscriber/view/leaves.hpp"
#include "subscriber/view/reclaimer.hpp"
#include "subscriber/view/view.hpp"

namespace prismbus {

class ViewStore {
 public:
  ViewStore();
  ~ViewStore();  // no View may be left: asserted
  ViewStore(const ViewStore&) = delete;
  ViewStore& operator=(const ViewStore&) = delete;

  [[nodiscard]] View view() const;  // any thread
  // All a View sees; valid while it lives.
  [[nodiscard]] static const ViewRoot& root_of(const View& view) { return *view.root_; }

  // The writer. Takes `root`; Views taken from now on see it.
  void publish(const ViewRoot* root);
  // The writer, after publish(): `garbage` is not reachable from the newest picture.
  void retire(Garbage&& garbage);
  // Blocks waiting for a View to end.
  [[nodiscard]] std::size_t waiting() const { return reclaimer_.waiting(); }

 private:
  mutable Reclaimer reclaimer_;
  std::atomic<const ViewRoot*> root_;
  Garbage replaced_roots_;
};

}  // namespace prismbus
