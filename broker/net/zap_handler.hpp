// Admission (ZAP, RFC 27): libzmq asks it about every new connection of a bound socket. It admits everybody
// and gives each connection a number of its own as User-Id, which the peer cannot choose; while the process
// is short of descriptors it refuses, so that accept() never fails (an accept that fails spins the I/O
// thread). Owned by the ZAP thread after bind(). Does not judge credentials: that is security's.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>

#include "proto/base/waker.hpp"
#include "proto/transport/socket.hpp"

namespace prismbus {

class ZapHandler {
 public:
  // Binds inproc://zeromq.zap.01: before any socket that needs it. `descriptors_max`: the process's limit, of
  // which a margin is kept free. Errors: unavailable (somebody else is the handler of this context).
  [[nodiscard]] static Result<std::unique_ptr<ZapHandler>> bind(Context& context,
                                                                std::uint64_t descriptors_max);

  std::size_t step();  // answers what is queued; returns how many
  // Until a question comes, `stop` is woken, or the time is over.
  void wait(const Waker& stop, std::chrono::milliseconds at_most);

  [[nodiscard]] std::uint64_t admitted() const { return last_number_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  ZapHandler(Socket socket, std::uint64_t descriptors_max);
  bool answer_one();
  [[nodiscard]] bool is_short_of_descriptors() const;

  Socket socket_;
  const std::uint64_t first_refused_descriptor_;
  std::uint64_t last_number_ = 0, refused_ = 0;
};

}  // namespace prismbus
