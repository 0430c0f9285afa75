#include "proto/client/read_agent.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kExpiryEvery = 20ms;
constexpr auto kSleepMax = 1000ms;

}  // namespace

Result<std::unique_ptr<ReadAgent>> ReadAgent::make(Context& context, ConnectionOptions connection,
                                                   std::size_t open_max, LogSink log) {
  if (open_max == 0 || open_max > RequestTable::kSlotsMax) return fail_field("open_max", "1..65536");
  std::unique_ptr<ReadAgent> agent(new ReadAgent(open_max));
  connection.in_flight_max = open_max;  // so there is room for every open read
  auto made = ClientConnection::make(context, std::move(connection), *agent, std::move(log));
  if (!made) return tl::unexpected<Error>(made.error());
  agent->connection_.emplace(std::move(*made));
  return agent;
}

ReadAgent::~ReadAgent() {
  close();
}

// ---- any thread ----

bool ReadAgent::offer(std::unique_ptr<BrokerRead>& read, Steady deadline) {
  if (open_.fetch_add(1, std::memory_order_relaxed) >= open_max_) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  const bool queued = queue_.try_push({std::move(read), deadline});
  PRISMBUS_ASSERT(queued, "the queue holds every read that may be open");
  // close() looked at the queue for the last time, perhaps before this one was in it.
  if (closed_.load(std::memory_order_seq_cst)) refuse_queued();
  return true;
}

void ReadAgent::refuse_queued() {
  std::vector<OpenRead> late;
  queue_.drain(late);
  for (auto& open : late) {
    open.read->fail_with(fail(ErrorCode::unavailable, "reads are stopped").value());
    open_.fetch_sub(1, std::memory_order_relaxed);
  }
}

// ---- stepping ----

bool ReadAgent::step(Now now) {
  take();
  const bool more = connection_->step(now);
  send_unsent(now);
  if (now.steady >= next_expiry_) {
    next_expiry_ = now.steady + kExpiryEvery;
    give_up_unsent(now);
  }
  return more;
}

void ReadAgent::sleep(Now now) {
  Steady next = std::min(connection_->next_deadline(), now.steady + kSleepMax);
  if (!unsent_.empty()) next = std::min(next, next_expiry_);
  const auto wait = std::max<std::chrono::milliseconds>(
      std::chrono::ceil<std::chrono::milliseconds>(next - now.steady), 0ms);
  std::array<zmq_pollitem_t, 2> items{};
  items[0] = {nullptr, waker_.fd(), ZMQ_POLLIN, 0};
  items[1] = {connection_->pollable(), 0, ZMQ_POLLIN, 0};
  poll_sockets(std::span(items).first(connection_->pollable() != nullptr ? 2 : 1), wait);
  if (items[0].revents != 0) waker_.clear();
}

void ReadAgent::take() {
  queue_.drain(taken_);
  for (auto& open : taken_) {
    unsent_.push_back(++last_tag_);
    reads_.emplace(last_tag_, std::move(open));
  }
  taken_.clear();
}

void ReadAgent::send_unsent(Now now) {
  while (!unsent_.empty() && connection_->ready()) {
    const std::uint64_t tag = unsent_.front();
    unsent_.pop_front();
    const OpenRead& open = reads_.at(tag);
    if (open.read->epoch && *open.read->epoch != connection_->greeting().epoch) {
      open.read->fail_with(fail(ErrorCode::other_history, "the broker has another history").value());
      finish(tag);
      continue;
    }
    connection_->submit(tag, open.read->request(), {open.deadline, open.read->with_epoch}, now);
  }
}

void ReadAgent::give_up_unsent(Now now) {
  std::erase_if(unsent_, [&](std::uint64_t tag) {
    const OpenRead& open = reads_.at(tag);
    if (now.steady < open.deadline) return false;
    open.read->fail_with(connection_->unsent("not asked in time: no broker answered"));
    finish(tag);
    return true;
  });
}

void ReadAgent::finish(std::uint64_t tag) {
  reads_.erase(tag);
  open_.fetch_sub(1, std::memory_order_relaxed);
}

void ReadAgent::close() {
  closed_.store(true, std::memory_order_seq_cst);
  refuse_queued();
  for (auto& [tag, open] : reads_) {
    open.read->fail_with(fail(ErrorCode::unavailable, "reads were stopped before the answer came").value());
    open_.fetch_sub(1, std::memory_order_relaxed);
  }
  reads_.clear();
  unsent_.clear();
  connection_.reset();
}

// ---- the connection's answers ----

void ReadAgent::on_reply(std::uint64_t tag, const ReplyHeader& reply) {
  if (reads_.at(tag).read->finish(reply)) return finish(tag);
  unsent_.push_back(tag);
}

void ReadAgent::on_expired(std::uint64_t tag, const Error& error) {
  reads_.at(tag).read->fail_with(error);
  finish(tag);
}

}  // namespace prismbus
