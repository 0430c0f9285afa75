// The ZeroMQ context: the I/O threads every socket of one process part runs on. Create it before the sockets
// and destroy it after them. Opening sockets from any thread is fine; a socket then belongs to the thread
// that uses it.
#pragma once

namespace prismbus {

class Context {
 public:
  // Seeds libc's rand() from the kernel first (libzmq names connections with it), then raises MAX_SOCKETS as
  // far as libzmq goes. Aborts if libzmq cannot start: nothing can run without it.
  explicit Context(int io_threads = 1);
  // Waits for the sockets' bounded LINGER; a socket that is still open would make it wait for ever.
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] void* handle() const { return context_; }  // for zmq_* calls

 private:
  void* context_;
};

}  // namespace prismbus
