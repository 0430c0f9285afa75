// Calls the application's callbacks with what a step made visible. Runs on the subscriber's background
// thread; an exception of a callback stops here.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/log.hpp"
#include "subscriber/subscriber.hpp"
#include "subscriber/sync_update.hpp"

namespace prismbus {

class EventTeller {
 public:
  EventTeller(SubscriberCallbacks callbacks, LogSink log)
      : callbacks_(std::move(callbacks)), log_(std::move(log)) {}

  void tell(const std::vector<SyncEvent>& events);
  [[nodiscard]] std::uint64_t exceptions() const { return exceptions_; }

 private:
  void tell_key(const SyncEvent& event);
  void tell_moved(const SyncEvent& event);
  void tell_state(const SyncEvent& event);
  template <class Callback, class Event>
  void guarded(const Callback& callback, const Event& event);

  SubscriberCallbacks callbacks_;
  LogSink log_;
  std::uint64_t exceptions_ = 0;
};

}  // namespace prismbus
