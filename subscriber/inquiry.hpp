// Questions to a broker, one at a time, on the caller's own thread: sends, waits, gives the reply. For
// readers that walk through pages (Replay) and have nothing else to do meanwhile. Repeats and moves between
// brokers are the connection's. Not for writes: it keeps no request ids.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "proto/transport/client_connection.hpp"
#include "proto/transport/context.hpp"

namespace prismbus {

class Inquiry final : private ClientConnection::Owner {
 public:
  // Waits until a broker answered `hello`. Errors: invalid_argument, unavailable (nobody answered in time);
  // at once, when no broker takes the token, what they say of it (unauthenticated).
  [[nodiscard]] static Result<std::unique_ptr<Inquiry>> open(ConnectionOptions options,
                                                             std::chrono::milliseconds timeout, LogSink log);

  [[nodiscard]] const Greeting& greeting() const { return connection_->greeting(); }
  // One request of the history of the first greeting; the reply as decode_reply takes it. Blocks for at most
  // the timeout. Errors: the broker's, `other_history` when it was restored meanwhile, `timeout`,
  // `unavailable`; a token that is refused meanwhile ends it at once, and the next call tries again.
  [[nodiscard]] Result<std::string> ask(const RequestBody& body);

 private:
  Inquiry(std::chrono::milliseconds timeout, LogSink log) : timeout_(timeout), log_(std::move(log)) {}
  void on_greeting(const Greeting&) override {}
  void on_lost(const Error&) override {}
  void on_refused(const Error& why) override { refused_ = why; }
  void on_reply(std::uint64_t tag, const ReplyHeader& reply) override;
  void on_expired(std::uint64_t tag, const Error& error) override;
  void wait(Now now);
  [[nodiscard]] Result<void> check_history() const;

  const std::chrono::milliseconds timeout_;
  const LogSink log_;
  Context context_;
  std::optional<ClientConnection> connection_;
  Epoch epoch_;
  std::uint64_t asked_ = 0;
  std::optional<Result<std::string>> answer_;  // of the question asked last
  std::optional<Error> refused_;               // why no broker takes `hello`, heard since the call began
};

}  // namespace prismbus
