// What one socket is still to be sent, bounded by messages and bytes (I8). What of it no other socket shares,
// pages above all, counts for all sockets together as well. Gateway thread.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "broker/gateway/live/live_log.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

// One text frame: `head` and then `body`.
struct OutMessage {
  std::string head;
  SharedText body;
  [[nodiscard]] std::size_t size() const { return head.size() + (body ? body->size() : 0); }
};

class Outbox {
 public:
  static constexpr std::size_t kMessagesMax = 4096;
  static constexpr std::size_t kBytesMax = 4u
                                           << 20;  // a change set of the largest size is JSON of about that

  // `alone`: grows by what is in here and shared with nobody; outlives this.
  explicit Outbox(std::size_t& alone) : alone_(alone) {}
  ~Outbox() {
    while (!messages_.empty()) forget_back();
  }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Whether one more may come that is nobody's answer: a change.
  [[nodiscard]] bool has_room() const { return messages_.size() < kMessagesMax && bytes_ < kBytesMax; }
  // ... that can wait: it is fetched as room comes, and leaves some for what cannot, so that the client is
  // still heard meanwhile.
  [[nodiscard]] bool has_spare_room() const {
    return messages_.size() < kMessagesMax / 2 && bytes_ < kBytesMax / 2;
  }
  [[nodiscard]] bool empty() const { return messages_.empty(); }

  void push(OutMessage message, Steady now) {
    if (messages_.empty()) moved_ = now;
    const bool shares_body = message.body && message.body.use_count() > 1;
    const std::size_t alone = shares_body ? message.head.size() : message.size();
    bytes_ += message.size();
    alone_ += alone;
    messages_.push_back({std::move(message), alone});
  }
  // A part of the first one has gone out.
  void moves(Steady now) { moved_ = now; }
  // The one that is being sent; it stays until pop().
  [[nodiscard]] const OutMessage& front() const { return messages_.front().message; }
  void pop(Steady now) {
    bytes_ -= messages_.front().message.size();
    alone_ -= messages_.front().alone;
    messages_.pop_front();
    moved_ = now;
    if (messages_.empty()) std::deque<Kept>().swap(messages_);
  }
  // All but the one that is being sent.
  void clear_behind_front() {
    while (messages_.size() > 1) forget_back();
  }
  // When it last moved; of an empty one without meaning.
  [[nodiscard]] Steady moved() const { return moved_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    OutMessage message;
    std::size_t alone;  // bytes of it that no other socket shares
  };
  void forget_back() {
    bytes_ -= messages_.back().message.size();
    alone_ -= messages_.back().alone;
    messages_.pop_back();
  }

  std::size_t& alone_;
  std::deque<Kept> messages_;
  std::size_t bytes_ = 0;
  Steady moved_{};
};

}  // namespace prismbus
