#include "publisher/publisher_agent.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/base/random.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBytesMax = 256u << 20;  // of calls not yet answered, about
constexpr std::size_t kReadsReserve = 512;     // requests in flight beside the window of writes
constexpr auto kExpiryEvery = 50ms;
constexpr auto kRoomSlice = 2ms;

std::string make_session() {
  return random_bytes(limits::kSessionBytes);
}

}  // namespace

Result<std::unique_ptr<PublisherAgent>> PublisherAgent::make(Context& context,
                                                             const PublisherOptions& options) {
  std::unique_ptr<PublisherAgent> agent(new PublisherAgent(options));
  if (!options.outbox.directory.empty()) {
    auto outbox = OutboxAgent::make(options.outbox, options.log);
    if (!outbox) return tl::unexpected<Error>(outbox.error());
    agent->outbox_ = std::move(*outbox);
  }
  ConnectionOptions connection;
  connection.brokers = options.brokers;
  connection.client = options.client;
  connection.credentials = options.credentials;
  connection.in_flight_max = options.window + kReadsReserve;
  auto made = ClientConnection::make(context, std::move(connection), *agent, options.log);
  if (!made) return tl::unexpected<Error>(made.error());
  agent->connection_.emplace(std::move(*made));
  return agent;
}

PublisherAgent::PublisherAgent(const PublisherOptions& options)
    : backlog_max_(std::max<std::size_t>(options.queue_max / 2, 1)),
      bytes_max_(kBytesMax),
      order_per_key_(options.order_per_key),
      end_when_refused_(options.end_when_refused),
      log_(options.log),
      queue_(std::max<std::size_t>(options.queue_max / 2, 1), nullptr),
      window_(options.window, &make_session),
      run_(options.coalesce_window) {}

PublisherAgent::~PublisherAgent() {
  close();
}

// ---- any thread ----

bool PublisherAgent::offer(std::unique_ptr<Operation>& operation) {
  const std::size_t size = operation->bytes;
  const bool write = operation->is_write;
  // Counted before it is visible to the other thread, which takes it off again.
  if (bytes_.fetch_add(size, std::memory_order_relaxed) + size > bytes_max_ ||
      !queue_.try_push(std::move(operation))) {
    bytes_.fetch_sub(size, std::memory_order_relaxed);
    return false;
  }
  if (write) counters_.writes.fetch_add(1, std::memory_order_relaxed);
  // close() looked at the queue for the last time, perhaps before this one was in it.
  if (closed_.load(std::memory_order_seq_cst)) refuse_queued();
  // A wake-up costs a system call: only a sleeping thread gets one.
  if (asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false, std::memory_order_seq_cst))
    waker_.wake();
  return true;
}

void PublisherAgent::refuse_queued() {
  std::vector<std::unique_ptr<Operation>> late;
  queue_.drain(late);
  for (auto& operation : late) {
    operation->fail_with(fail(ErrorCode::unavailable, "the publisher is stopped").value());
  }
}

void PublisherAgent::wait_for_room() {
  waiting_for_room_.fetch_add(1, std::memory_order_seq_cst);
  room_.sleep_for(kRoomSlice);
  waiting_for_room_.fetch_sub(1, std::memory_order_seq_cst);
}

Publisher::Counters PublisherAgent::counters() const {
  Publisher::Counters out;
  out.writes = counters_.writes.load(std::memory_order_relaxed);
  out.answered = counters_.answered.load(std::memory_order_relaxed);
  out.coalesced = counters_.coalesced.load(std::memory_order_relaxed);
  out.repeated = counters_.repeated.load(std::memory_order_relaxed);
  out.moves = counters_.moves.load(std::memory_order_relaxed);
  out.callback_exceptions = counters_.exceptions.load(std::memory_order_relaxed);
  out.connected = counters_.connected.load(std::memory_order_relaxed);
  out.refused = counters_.refused.load(std::memory_order_relaxed);
  return out;
}

// ---- stepping ----

bool PublisherAgent::step(Now now) {
  now_ = now;
  take(now);
  dispatch(now);
  const bool more = connection_->step(now);
  if (outbox_) outbox_->step(*connection_, now);
  dispatch(now);
  if (now.steady >= next_expiry_) {
    next_expiry_ = now.steady + kExpiryEvery;
    give_up_unsent(now);
  }
  counters_.repeated.store(connection_->counters().repeated, std::memory_order_relaxed);
  counters_.moves.store(connection_->counters().moves, std::memory_order_relaxed);
  return more;
}

void PublisherAgent::sleep(Now now, std::chrono::milliseconds at_most) {
  asleep_.store(true, std::memory_order_seq_cst);
  const bool takes = backlog_ < backlog_max_;
  if (takes && queue_.size() > 0) {
    asleep_.store(false, std::memory_order_seq_cst);
    return;
  }
  Steady next = connection_->next_deadline();
  if (backlog_ > 0) next = std::min(next, next_expiry_);
  if (outbox_) next = std::min(next, outbox_->next_deadline(*connection_, now));
  auto wait = at_most;
  if (next < now.steady + wait) {
    wait = std::max<std::chrono::milliseconds>(
        std::chrono::ceil<std::chrono::milliseconds>(next - now.steady), 0ms);
  }
  std::array<zmq_pollitem_t, 3> items{};
  std::size_t n = 0;
  items[n++] = {nullptr, waker_.fd(), ZMQ_POLLIN, 0};
  // Puts that are due already wait for something else: an answer, or a broker.
  if (run_.due_at() != Steady::max() && !run_.due(now.steady)) {
    alarm_.set(run_.due_at());
    items[n++] = {nullptr, alarm_.fd(), ZMQ_POLLIN, 0};
  }
  if (connection_->pollable() != nullptr) items[n++] = {connection_->pollable(), 0, ZMQ_POLLIN, 0};
  poll_sockets(std::span(items).first(n), wait);
  asleep_.store(false, std::memory_order_seq_cst);
  if (items[0].revents != 0) waker_.clear();
  if (items[1].fd == alarm_.fd() && items[1].revents != 0) alarm_.clear();
}

void PublisherAgent::take(Now) {
  if (backlog_ >= backlog_max_) return;
  queue_.drain(taken_);
  for (auto& operation : taken_) accept(std::move(operation));
  if (!taken_.empty() && waiting_for_room_.load(std::memory_order_seq_cst) > 0) room_.wake();
  taken_.clear();
}

void PublisherAgent::accept(std::unique_ptr<Operation> operation) {
  if (operation->is_flush) {
    if (answered_.empty()) return tell([&] { operation->fail_with({}); });
    flushes_.emplace_back(last_order_, std::move(operation));
    return;
  }
  if (operation->is_local) {
    bytes_.fetch_sub(operation->bytes, std::memory_order_relaxed);
    return tell([&] { operation->run(outbox_.get()); });
  }
  Operation& op = *operation;
  ++backlog_;
  if (free_slots_.empty()) {
    op.slot = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::move(operation));
  } else {
    op.slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[op.slot] = std::move(operation);
  }
  op.place = Operation::Place::ready;
  if (!op.is_write) return reads_.push_back(&op);
  op.order = ++last_order_;
  answered_.push_back(false);
  if (!order_per_key_ || keys_.enter(op)) return writes_.push_back(&op);
  op.place = Operation::Place::blocked;
  key_waits_ = true;
}

void PublisherAgent::dispatch(Now now) {
  if (outbox_ && outbox_->takes(now)) queue_writes();
  const auto ready = [&] { return connection_->ready() && connection_->has_room(); };
  while (!reads_.empty() && ready()) {
    Operation& op = *reads_.front();
    reads_.pop_front();
    send(op, now);
  }
  std::size_t held = 0;  // at the front of writes_: behind what the outbox holds of their keys
  while (writes_.size() > held && ready()) {
    if (!run_.off()) {  // without an outbox
      if (!send_together(now)) return;
    } else if (outbox_ && outbox_->holds(writes_[held]->order_keys)) {
      ++held;
    } else if (!send_at(held, now)) {
      break;
    }
  }
  if (held > 0) queue({writes_.begin(), writes_.begin() + static_cast<std::ptrdiff_t>(held)});
}

// False: the window is full, nothing was done.
bool PublisherAgent::send_at(std::size_t place, Now now) {
  Operation& op = *writes_[place];
  if (op.place != Operation::Place::expired && !send(op, now)) return false;
  writes_.erase(writes_.begin() + static_cast<std::ptrdiff_t>(place));
  if (op.place == Operation::Place::expired) release(op);
  return true;
}

// False: the window is full, nothing was done. A call that cannot be sent any more is answered and marked
// expired.
bool PublisherAgent::send(Operation& op, Now now) {
  if (op.epoch && *op.epoch != connection_->greeting().epoch) {
    tell([&] { op.fail_with(fail(ErrorCode::other_history, "the broker has another history").value()); });
    op.place = Operation::Place::expired;
    if (!op.is_write) release(op);
    return true;
  }
  WriteOptions write;
  if (op.is_write) {
    op.ticket = window_.admit();
    if (!op.ticket) return false;
    write.session = window_.session_bytes(*op.ticket);
    write.n = op.ticket->n;
    op.sent_epoch = connection_->greeting().epoch;
    op.sent_at = now.wall;
  }
  op.place = Operation::Place::in_flight;
  --backlog_;
  connection_->submit(op.slot, op.request(write), {op.deadline, op.with_epoch}, now);
  return true;
}

// Calls that waited for a broker, a key or the window until their time was over: surely not done.
void PublisherAgent::give_up_unsent(Now now) {
  if (backlog_ == 0) return;
  const Error error = connection_->unsent("not sent in time: no broker, or too much was in flight");
  std::vector<Operation*> over;
  for (const auto& slot : slots_) {
    if (!slot || now.steady < slot->deadline) continue;
    if (slot->place == Operation::Place::ready || slot->place == Operation::Place::blocked)
      over.push_back(slot.get());
  }
  if (over.empty()) return;
  for (Operation* op : over) {
    tell([&] { op->fail_with(error); });
    // A blocked one stays until the writes before it are answered: those behind it wait for them too.
    if (op->place == Operation::Place::ready) op->place = Operation::Place::expired;
    if (op->place == Operation::Place::blocked) op->place = Operation::Place::blocked_expired;
  }
  std::vector<Operation*> gone;
  for (auto* queue : {&reads_, &writes_}) {
    std::erase_if(*queue, [&](Operation* op) {
      if (op->place == Operation::Place::expired) gone.push_back(op);
      return op->place == Operation::Place::expired;
    });
  }
  run_.clear();  // it counted some of them
  for (Operation* op : gone) release(*op);
}

// The call is answered and leaves; writes it held back become ready.
void PublisherAgent::release(Operation& first) {
  std::vector<Operation*> leaving{&first};
  while (!leaving.empty()) {
    Operation& op = *leaving.back();
    leaving.pop_back();
    if (op.place != Operation::Place::in_flight) --backlog_;
    if (op.is_write) {
      mark_answered(op.order);
      counters_.answered.fetch_add(1, std::memory_order_relaxed);
      freed_.clear();
      if (order_per_key_) keys_.leave(op, freed_);
      for (Ordered* freed : freed_) {
        auto* next = static_cast<Operation*>(freed);
        if (next->place == Operation::Place::blocked_expired) {
          leaving.push_back(next);
        } else {
          next->place = Operation::Place::ready;
          writes_.push_back(next);
        }
      }
    }
    bytes_.fetch_sub(op.bytes, std::memory_order_relaxed);
    free_slots_.push_back(op.slot);
    slots_[op.slot].reset();
  }
}

void PublisherAgent::mark_answered(std::uint64_t order) {
  answered_[order - answered_below_] = true;
  while (!answered_.empty() && answered_.front()) {
    answered_.pop_front();
    ++answered_below_;
  }
  while (!flushes_.empty() && flushes_.front().first < answered_below_) {
    tell([&] { flushes_.front().second->fail_with({}); });
    flushes_.pop_front();
  }
}

// ---- the connection's answers ----

void PublisherAgent::on_greeting(const Greeting& greeting) {
  if (outbox_) outbox_->on_greeting(greeting.epoch);
  counters_.connected.store(true, std::memory_order_relaxed);
  counters_.refused.store(std::nullopt, std::memory_order_relaxed);
}
void PublisherAgent::on_lost(const Error&) {
  if (outbox_) outbox_->on_lost(now_);
  counters_.connected.store(false, std::memory_order_relaxed);
}

void PublisherAgent::on_refused(const Error& why) {
  counters_.refused.store(why.code, std::memory_order_relaxed);
  if (!end_when_refused_) return;
  give_up_unsent({Steady::max(), now_.wall});
  connection_->expire_all();
}

void PublisherAgent::on_reply(std::uint64_t tag, const ReplyHeader& reply) {
  if (tag == OutboxAgent::kTag) return outbox_->on_reply(reply, now_);
  if (tag >= kTogether) return on_reply_together(tag, reply);
  Operation& op = *slots_[tag];
  if (outbox_ && !reply.error) op.learn(reply, outbox_->known());
  if (op.ticket) window_.close(*op.ticket, true);
  op.ticket.reset();
  bool done = true;
  tell([&] { done = op.finish(reply); });
  if (done) return release(op);
  op.place = Operation::Place::ready;
  ++backlog_;
  reads_.push_back(&op);
}

void PublisherAgent::on_expired(std::uint64_t tag, const Error& error) {
  if (tag == OutboxAgent::kTag) return outbox_->on_expired(now_);
  if (tag >= kTogether) return on_expired_together(tag, error);
  Operation& op = *slots_[tag];
  if (outbox_ && op.is_write && queue_one(op)) return;
  // Anything but `timeout` says that no attempt was done: as good as an answer.
  if (op.ticket) window_.close(*op.ticket, error.code != ErrorCode::timeout);
  op.ticket.reset();
  tell([&] { op.fail_with(error); });
  release(op);
}

bool PublisherAgent::hold_nothing() {
  closing_ = true;
  return !run_.off() && connection_->ready() && (queue_.size() > 0 || !answered_.empty());
}

void PublisherAgent::close() {
  closed_.store(true, std::memory_order_seq_cst);
  queue_.drain(taken_);
  for (auto& operation : taken_) accept(std::move(operation));
  taken_.clear();
  if (outbox_) {
    queue_open_writes();
    outbox_->close(now_);
  }
  const Error unsent = fail(ErrorCode::unavailable, "the publisher was stopped; nothing was sent").value();
  const Error unknown = fail(ErrorCode::timeout, "the publisher was stopped; the outcome is unknown").value();
  for (auto& slot : slots_) {
    if (!slot || slot->place == Operation::Place::expired || slot->place == Operation::Place::blocked_expired)
      continue;
    tell([&] { slot->fail_with(slot->place == Operation::Place::in_flight ? unknown : unsent); });
  }
  for (auto& flush : flushes_) tell([&] { flush.second->fail_with({}); });
  slots_.clear();
  free_slots_.clear();
  flushes_.clear();
  reads_.clear();
  writes_.clear();
  run_.clear();
  together_.clear();
  answered_.clear();
  answered_below_ = last_order_ + 1;
  backlog_ = 0;
  keys_ = KeyOrder();
  connection_.reset();
}

}  // namespace prismbus
