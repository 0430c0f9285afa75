// One call of the application on its way: what to send, and whom to answer. Made on the caller's thread, then
// owned by the background thread.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/client/broker_read.hpp"
#include "proto/wire/messages.hpp"
#include "publisher/outbox/key_order.hpp"
#include "publisher/outbox/known_revisions.hpp"
#include "publisher/outbox/outbox_record.hpp"
#include "publisher/publisher.hpp"
#include "publisher/write_window.hpp"

namespace prismbus {

class OutboxAgent;

class Operation : public Ordered {
 public:
  virtual ~Operation() = default;
  // Lends from this operation and from `write`.
  [[nodiscard]] virtual RequestBody request(const WriteOptions& write) const = 0;
  // The final answer. False: another page is needed, send request() again (reads only). May throw what the
  // application's callback throws.
  [[nodiscard]] virtual bool finish(const ReplyHeader& reply) = 0;
  virtual void fail_with(const Error& error) = 0;

  // A put that nothing but its value depends on: it may leave in one transaction with others, each of which
  // is then told by answer(). Lends from this operation.
  struct PlainPut {
    std::string_view ns, key, value;
  };
  [[nodiscard]] virtual std::optional<PlainPut> plain_put() const { return std::nullopt; }
  virtual void answer(WriteOutcome&&) {}

  // What the outbox keeps of a write; nullopt: it cannot be queued.
  [[nodiscard]] virtual std::optional<OutboxRecord> for_outbox() const { return std::nullopt; }
  virtual void answer_queued(std::uint64_t, Epoch) {}
  // What a successful reply tells about the revisions of keys.
  virtual void learn(const ReplyHeader&, KnownRevisions&) const {}
  // Instead of being sent, when `is_local`; null = there is no outbox.
  virtual void run(OutboxAgent*) {}

  bool is_write = false;
  bool with_epoch = false;     // carries a revision, a cursor or a request id
  std::optional<Epoch> epoch;  // the history it must be of
  Steady deadline{};
  std::uint64_t order = 0;  // of writes: the how-manieth taken from the queue
  std::uint32_t slot = 0;   // where the background thread keeps it
  Epoch sent_epoch;         // of a write in flight: what its request id belongs to, and since when
  Wall sent_at{};
  bool alone = false;     // a put that was refused together with others
  bool is_local = false;  // asks this process's outbox, not the broker
  bool is_flush = false;  // answered when every write before it is
  std::size_t bytes = 0;  // it keeps in memory, about
  std::optional<WriteWindow::Ticket> ticket;
  enum class Place : std::uint8_t {
    blocked,
    ready,
    in_flight,
    expired,
    blocked_expired
  } place = Place::ready;
};

// Who is told: a future or a callback.
class WriteAnswer {
 public:
  explicit WriteAnswer(std::promise<Result<WriteOutcome>> promise) : promise_(std::move(promise)) {}
  explicit WriteAnswer(Publisher::WriteCallback callback) : callback_(std::move(callback)) {}
  void give(Result<WriteOutcome> outcome) {
    if (promise_) return promise_->set_value(std::move(outcome));
    if (callback_) callback_(std::move(outcome));
  }

 private:
  std::optional<std::promise<Result<WriteOutcome>>> promise_;
  Publisher::WriteCallback callback_;
};

// Each checks what it is given first: an error means that nothing is to be sent.
[[nodiscard]] Result<std::unique_ptr<Operation>> make_put(std::string_view ns, std::string_view key,
                                                          EncodedValue&& value, WriteCall&& call,
                                                          WriteAnswer& answer);
[[nodiscard]] Result<std::unique_ptr<Operation>> make_remove(std::string_view ns, std::string_view key,
                                                             WriteCall&& call, WriteAnswer& answer);
[[nodiscard]] Result<std::unique_ptr<Operation>> make_commit(Transaction&& transaction, WriteCall&& call,
                                                             WriteAnswer& answer);

[[nodiscard]] Result<std::unique_ptr<Operation>> make_rollback(std::string_view ns,
                                                               std::optional<std::string>&& key, Revision to,
                                                               WriteCall&& call, WriteAnswer& answer);

[[nodiscard]] std::unique_ptr<Operation> make_read(std::unique_ptr<BrokerRead> read);
// unsupported: no outbox.
[[nodiscard]] std::unique_ptr<Operation> make_outbox_list(std::promise<Result<OutboxListing>> promise);
[[nodiscard]] std::unique_ptr<Operation> make_acknowledge(std::vector<std::uint64_t> ids,
                                                          std::promise<Result<void>> promise);
[[nodiscard]] std::unique_ptr<Operation> make_flush(std::promise<void> promise);

}  // namespace prismbus
