// A ROUTER on a free loopback port, spoken to by the client under test. Stepped by the test: receive, look,
// answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proto/transport/socket.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

class FakeRequestDoor {
 public:
  explicit FakeRequestDoor(Context& context, std::string bind_to = "tcp://127.0.0.1:*");

  struct Received {
    std::string peer;     // routing id
    std::string payload;  // as it came
    Request request;      // lends from payload
  };
  // The next request there is now; nullopt when there is none. The payload must decode.
  [[nodiscard]] std::unique_ptr<Received> receive();
  void reply(const Received& to, const std::string& payload);

  // Replies by kind. Head fields come from the members below.
  void reply_hello(const Received& to);
  void reply_put(const Received& to, std::uint64_t seq, std::uint64_t version, bool duplicate = false);
  void reply_error(const Received& to, ErrorCode code, std::optional<std::uint64_t> retry_after_ms = {});

  void* pollable() { return socket_->handle(); }
  const std::string& endpoint() const { return endpoint_; }
  void close() { socket_.reset(); }  // as a broker that died
  void open_again();                 // on the same port

  Epoch epoch{7};
  Run run{1};
  Revision rev{1};

 private:
  Context* context_;
  std::string endpoint_;
  std::optional<Socket> socket_;
};

}  // namespace prismbus
