// The thread of BrokerReads, as an agent: takes reads from a bounded queue, sends them through a connection
// of its own, follows their pages, answers. offer() and wake() are for any thread, everything else for the
// owner's. I8: reads that are not answered yet, queued ones included, are at most `open_max`.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "proto/base/bounded_queue.hpp"
#include "proto/base/waker.hpp"
#include "proto/client/broker_read.hpp"
#include "proto/transport/client_connection.hpp"

namespace prismbus {

class ReadAgent final : public ClientConnection::Owner {
 public:
  // `context` outlives it. invalid_argument: those of ClientConnection::make, open_max 0 or above 65,536.
  [[nodiscard]] static Result<std::unique_ptr<ReadAgent>> make(Context& context, ConnectionOptions connection,
                                                               std::size_t open_max, LogSink log);
  ~ReadAgent() override;  // answers what is left

  // ---- any thread ----
  // False, and `read` untouched: open_max are open. Does not block. After close() it is answered here.
  [[nodiscard]] bool offer(std::unique_ptr<BrokerRead>& read, Steady deadline);
  void wake() { waker_.wake(); }
  [[nodiscard]] std::size_t open() const { return open_.load(std::memory_order_relaxed); }

  // ---- the owner's thread ----
  bool step(Now now);  // true: there is more to do at once
  void sleep(Now now);
  void close();  // answers everything open with `unavailable`, then and whatever comes later

  void on_greeting(const Greeting&) override {}
  void on_lost(const Error&) override {}
  void on_reply(std::uint64_t tag, const ReplyHeader& reply) override;
  void on_expired(std::uint64_t tag, const Error& error) override;

 private:
  struct OpenRead {
    std::unique_ptr<BrokerRead> read;
    Steady deadline{};
  };
  explicit ReadAgent(std::size_t open_max) : open_max_(open_max), queue_(open_max, &waker_) {}
  void take();
  void send_unsent(Now now);
  void give_up_unsent(Now now);
  void refuse_queued();
  void finish(std::uint64_t tag);

  const std::size_t open_max_;
  Waker waker_;
  BoundedQueue<OpenRead> queue_;
  std::atomic<std::size_t> open_{0};
  std::atomic<bool> closed_{false};
  std::optional<ClientConnection> connection_;
  std::unordered_map<std::uint64_t, OpenRead> reads_;  // by tag
  std::deque<std::uint64_t> unsent_;                   // tags: new ones, and those with another page to ask
  std::vector<OpenRead> taken_;
  std::uint64_t last_tag_ = 0;
  Steady next_expiry_{};
};

}  // namespace prismbus
