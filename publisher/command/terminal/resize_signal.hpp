// WINCH as a descriptor: the terminal's size has changed. Made before any thread is, so that every thread has
// it blocked.
#pragma once

namespace prismbus::command {

class ResizeSignal {
 public:
  ResizeSignal();
  ~ResizeSignal();
  ResizeSignal(const ResizeSignal&) = delete;
  ResizeSignal& operator=(const ResizeSignal&) = delete;
  [[nodiscard]] int fd() const { return fd_; }  // readable when one has come
  // Whether one has come since it was asked last. Does not wait.
  [[nodiscard]] bool take() const;

 private:
  int fd_ = -1;
};

}  // namespace prismbus::command
