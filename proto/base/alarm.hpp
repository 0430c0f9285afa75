// A file descriptor that becomes readable at a moment, for an agent that sleeps by poll, whose own limit
// counts in milliseconds. Owns a timerfd on the steady clock. One thread.
#pragma once

#include "proto/base/clock.hpp"

namespace prismbus {

class Alarm {
 public:
  Alarm();  // aborts if the process has no descriptor left: nothing can run without it
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  [[nodiscard]] int fd() const { return fd_; }  // poll it for reading
  void set(Steady at);                          // replaces the former moment; one that is past counts as now
  void clear();                                 // after it went off: not readable until set() again

 private:
  int fd_;
  Steady at_{};  // Steady{} = not set
};

}  // namespace prismbus
