// A file descriptor that other threads make readable, so that an agent which polls sockets also hears its
// queues. Many wakers, one sleeper; wakes collapse into one. Owns an eventfd.
#pragma once

#include <chrono>

namespace prismbus {

class Waker {
 public:
  Waker();  // aborts if the process has no descriptor left: nothing can run without it
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  [[nodiscard]] int fd() const { return fd_; }  // poll it for reading
  void wake();                                  // any thread; does not block
  void clear();  // the sleeper, after it woke and before it looks at its queues
  void sleep_for(std::chrono::milliseconds at_most);  // the sleeper: until woken or the time is over; clears

 private:
  int fd_;
};

}  // namespace prismbus
