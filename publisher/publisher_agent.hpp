// The publisher's background thread, as an agent: takes calls from the queue, keeps the order per key and the
// window of request ids, sends through the connection, answers. offer() is for any thread; everything else
// for the owner's. Keeps I7 (with WriteWindow and ClientConnection) and I8 (queue, bytes, window and requests
// in flight are bounded).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/base/alarm.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/waker.hpp"
#include "proto/transport/client_connection.hpp"
#include "publisher/operation.hpp"
#include "publisher/outbox/key_order.hpp"
#include "publisher/outbox/outbox_agent.hpp"
#include "publisher/put_run.hpp"
#include "publisher/write_window.hpp"

namespace prismbus {

class PublisherAgent final : public ClientConnection::Owner {
 public:
  // `context` outlives it. Errors: those of ClientConnection::make.
  [[nodiscard]] static Result<std::unique_ptr<PublisherAgent>> make(Context& context,
                                                                    const PublisherOptions& options);
  ~PublisherAgent() override;  // answers what is left

  // ---- any thread ----
  // False, and `operation` untouched, when the queue or its bytes are full. Does not block. After close() it
  // is answered here.
  [[nodiscard]] bool offer(std::unique_ptr<Operation>& operation);
  // Waits a little until there may be room.
  void wait_for_room();
  [[nodiscard]] Publisher::Counters counters() const;
  void wake() { waker_.wake(); }

  // ---- the background thread ----
  bool step(Now now);  // true: there is more to do at once
  void sleep(Now now, std::chrono::milliseconds at_most);
  // From now on no put waits for others to leave with. True: writes that were held back for that are not
  // answered yet, and a broker is there to do it.
  [[nodiscard]] bool hold_nothing();
  void close();  // answers everything open: `unavailable` if it never left, else `timeout`

  void on_greeting(const Greeting& greeting) override;
  void on_lost(const Error& why) override;
  void on_refused(const Error& why) override;
  void on_reply(std::uint64_t tag, const ReplyHeader& reply) override;
  void on_expired(std::uint64_t tag, const Error& error) override;

 private:
  explicit PublisherAgent(const PublisherOptions& options);
  void refuse_queued();
  void take(Now now);
  void accept(std::unique_ptr<Operation> operation);
  void dispatch(Now now);
  bool send(Operation& operation, Now now);
  void give_up_unsent(Now now);
  template <class Tell>
  void tell(Tell&& tell);
  void release(Operation& operation);
  void mark_answered(std::uint64_t order);
  bool send_at(std::size_t place, Now now);  // in writes_
  // The share of coalescing: publisher_agent_coalesce.cpp.
  struct Together {
    std::vector<Operation*> members;  // each in its slot, in flight, without a ticket of its own
    WriteWindow::Ticket ticket;
  };
  static constexpr std::uint64_t kTogether = std::uint64_t{1} << 32;  // their tags lie above those of slots
  void gather(Now now);
  bool send_together(Now now);
  void on_reply_together(std::uint64_t tag, const ReplyHeader& reply);
  void on_expired_together(std::uint64_t tag, const Error& error);
  void answer_together(const Together& together, const Error& error);
  void send_each_alone(const Together& together);
  // The outbox's share: publisher_agent_outbox.cpp.
  void queue_writes();
  void queue_open_writes();
  bool queue_one(Operation& operation);
  void queue(const std::vector<Operation*>& roots);

  const std::size_t backlog_max_, bytes_max_;
  const bool order_per_key_, end_when_refused_;
  LogSink log_;
  Waker waker_;
  Waker room_;
  BoundedQueue<std::unique_ptr<Operation>> queue_;
  std::atomic<bool> asleep_{false}, closed_{false};
  std::atomic<std::uint32_t> waiting_for_room_{0};
  std::atomic<std::size_t> bytes_{0};

  std::unique_ptr<OutboxAgent> outbox_;  // may be null
  std::optional<ClientConnection> connection_;
  WriteWindow window_;
  KeyOrder keys_;
  std::vector<std::unique_ptr<Operation>> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::deque<Operation*> reads_, writes_;                 // ready to leave
  PutRun run_;                                            // of the front of writes_
  Alarm alarm_;                                           // when it is due
  std::unordered_map<std::uint64_t, Together> together_;  // by tag
  std::uint64_t last_together_ = 0;
  bool key_waits_ = false;  // a write came whose key is another's in the queue or in flight
  bool closing_ = false;
  std::vector<std::unique_ptr<Operation>> taken_;
  std::vector<Ordered*> freed_;
  std::size_t backlog_ = 0;  // not yet sent
  std::uint64_t last_order_ = 0, answered_below_ = 1;
  std::deque<bool> answered_;  // of orders from answered_below_ on
  std::deque<std::pair<std::uint64_t, std::unique_ptr<Operation>>> flushes_;
  Steady next_expiry_{};
  Now now_{};

  struct {
    std::atomic<std::uint64_t> writes{0}, answered{0}, coalesced{0}, repeated{0}, moves{0}, exceptions{0};
    std::atomic<bool> connected{false};
    std::atomic<std::optional<ErrorCode>> refused{std::nullopt};
  } counters_;
};

// The application's code stops here whatever it throws.
template <class Tell>
void PublisherAgent::tell(Tell&& tell) {
  std::string what;
  try {
    tell();
    return;
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // the application's own type
    what = "not a std::exception";
  }
  const auto count = counters_.exceptions.fetch_add(1, std::memory_order_relaxed) + 1;
  if (log_ && (count & (count - 1)) == 0) {
    log_(LogLevel::error, LogLine("callback_threw").with("count", count).with("what", what).text());
  }
}

}  // namespace prismbus
