// A libzmq DEALER to one broker: how applications ask, libzmq's own I/O thread and queues included. With
// credentials it speaks CURVE and has said `hello` with their token, so that what is asked afterwards is the
// very same bytes as without. One thread besides libzmq's; a lost connection shows as silence.
#pragma once

#include <zmq.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/base/result.hpp"
#include "proto/base/strong.hpp"
#include "proto/transport/credentials.hpp"

namespace prismbus::perf {

class ZmqAsker {
 public:
  static constexpr std::size_t kBatch = 64;  // replies handed out by one receive()

  // Without credentials the connection is made in the background; with them this blocks until `hello` was
  // answered, at most ten seconds. Errors: credentials that cannot be read or shown, no answer, a refusal.
  [[nodiscard]] static Result<ZmqAsker, std::string> connect(const std::string& endpoint,
                                                             const Credentials& credentials = {});
  ~ZmqAsker();
  ZmqAsker(ZmqAsker&& other) noexcept;
  ZmqAsker& operator=(ZmqAsker&&) = delete;

  // Queues [empty][payload]; never blocks, there is no mark.
  void send(std::string_view payload);

  enum class Wait : std::uint8_t { no, yes };
  // Calls each(payload) for at most kBatch replies; Wait::yes waits for the first of them, at most ten
  // seconds. Returns how many there were.
  template <class F>
  std::size_t receive(Wait wait, F&& each) {
    std::size_t n = 0;
    zmq_msg_t part;
    zmq_msg_init(&part);
    while (n < kBatch && zmq_msg_recv(&part, socket_, wait == Wait::yes && n == 0 ? 0 : ZMQ_DONTWAIT) >= 0) {
      while (zmq_msg_more(&part) != 0 && zmq_msg_recv(&part, socket_, 0) >= 0) {
      }
      each(std::string_view(static_cast<const char*>(zmq_msg_data(&part)), zmq_msg_size(&part)));
      ++n;
    }
    zmq_msg_close(&part);
    return n;
  }
  // The broker's history, as `hello` told; none without credentials.
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  // Readable when something came since receive() last gave 0; sending may take that word away, so receive
  // until 0 after each round of it.
  [[nodiscard]] int fd() const;

 private:
  ZmqAsker();
  [[nodiscard]] Result<void, std::string> secure(const Credentials& credentials);
  [[nodiscard]] Result<void, std::string> greet(const std::string& token);
  void* context_;
  void* socket_;
  Epoch epoch_;
};

}  // namespace prismbus::perf
