// INT and TERM as a descriptor, for commands that go on until they are told to end. Made before any thread
// is, so that every thread has them blocked.
#pragma once

namespace prismbus::command {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  [[nodiscard]] int fd() const { return fd_; }  // readable when one has come
  // Waits so many milliseconds (-1: for ever) for a signal, or until `other` (-1: none) is readable. True
  // when a signal has come.
  [[nodiscard]] bool wait(int other, int milliseconds) const;

 private:
  int fd_ = -1;
};

}  // namespace prismbus::command
