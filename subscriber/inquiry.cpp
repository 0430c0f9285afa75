#include "subscriber/inquiry.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "proto/transport/socket.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

constexpr std::chrono::milliseconds kWaitMax{100};

}  // namespace

Result<std::unique_ptr<Inquiry>> Inquiry::open(ConnectionOptions options, std::chrono::milliseconds timeout,
                                               LogSink log) {
  std::unique_ptr<Inquiry> inquiry(new Inquiry(timeout, std::move(log)));
  auto made = ClientConnection::make(inquiry->context_, std::move(options), *inquiry, inquiry->log_);
  if (!made) return tl::unexpected<Error>(made.error());
  inquiry->connection_.emplace(std::move(*made));
  const Steady give_up = read_clock().steady + timeout;
  for (Now now = read_clock(); !inquiry->connection_->ready(); now = read_clock()) {
    if (now.steady >= give_up)
      return tl::unexpected(inquiry->connection_->unsent("no broker answered in time"));
    const bool more = inquiry->connection_->step(now);
    if (inquiry->refused_) return tl::unexpected(*inquiry->refused_);
    if (!more && !inquiry->connection_->ready()) inquiry->wait(now);
  }
  inquiry->epoch_ = inquiry->greeting().epoch;
  return inquiry;
}

Result<std::string> Inquiry::ask(const RequestBody& body) {
  answer_.reset();
  refused_.reset();
  ++asked_;
  const Steady deadline = read_clock().steady + timeout_;
  bool sent = false;
  for (Now now = read_clock(); !answer_; now = read_clock()) {
    if (!sent && connection_->ready()) {
      if (auto same = check_history(); !same) return tl::unexpected(same.error());
      connection_->submit(asked_, body, {deadline, true}, now);
      sent = true;
    }
    if (!sent && now.steady >= deadline)
      return tl::unexpected(connection_->unsent("no broker answered in time"));
    const bool more = connection_->step(now);
    if (refused_ && !answer_) {
      if (sent) connection_->abandon(asked_);
      return tl::unexpected(*refused_);
    }
    if (!more && !answer_) wait(now);
  }
  return std::move(*answer_);
}

void Inquiry::on_reply(std::uint64_t tag, const ReplyHeader& reply) {
  if (tag != asked_) return;  // of a question that was given up
  if (reply.error) {
    answer_ = tl::unexpected(*reply.error);
  } else {
    answer_ = std::string(reply.body);
  }
}

void Inquiry::on_expired(std::uint64_t tag, const Error& error) {
  if (tag == asked_) answer_ = tl::unexpected(error);
}

void Inquiry::wait(Now now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(connection_->next_deadline() - now.steady);
  const auto at_most = std::clamp(left, std::chrono::milliseconds(0), kWaitMax);
  std::array<zmq_pollitem_t, 1> item{{{connection_->pollable(), 0, ZMQ_POLLIN, 0}}};
  const std::size_t sockets = connection_->pollable() == nullptr ? 0 : 1;
  poll_sockets(std::span(item).first(sockets), at_most);
}

Result<void> Inquiry::check_history() const {
  if (greeting().epoch == epoch_) return {};
  return tl::unexpected(error_of(ErrorCode::other_history, "the broker's history was replaced meanwhile"));
}

}  // namespace prismbus
