#include "proto/transport/context.hpp"

#include <zmq.h>

#include "proto/base/assert.hpp"
#include "proto/base/random.hpp"

namespace prismbus {

Context::Context(int io_threads) {
  seed_libc_random();
  context_ = zmq_ctx_new();
  PRISMBUS_ASSERT(context_ != nullptr, "libzmq needs memory for its context");
  zmq_ctx_set(context_, ZMQ_IO_THREADS, io_threads);
  zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, zmq_ctx_get(context_, ZMQ_SOCKET_LIMIT));
}

Context::~Context() {
  while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
  }
}

}  // namespace prismbus
