// What one socket is still to be sent, bounded by messages and bytes (I8). Gateway thread.
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
    bytes_ += message.size();
    messages_.push_back(std::move(message));
  }
  // A part of the first one has gone out.
  void moves(Steady now) { moved_ = now; }
  // The one that is being sent; it stays until pop().
  [[nodiscard]] const OutMessage& front() const { return messages_.front(); }
  void pop(Steady now) {
    bytes_ -= messages_.front().size();
    messages_.pop_front();
    moved_ = now;
    if (messages_.empty()) std::deque<OutMessage>().swap(messages_);
  }
  // All but the one that is being sent.
  void clear_behind_front() {
    while (messages_.size() > 1) {
      bytes_ -= messages_.back().size();
      messages_.pop_back();
    }
  }
  // When it last moved; of an empty one without meaning.
  [[nodiscard]] Steady moved() const { return moved_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::deque<OutMessage> messages_;
  std::size_t bytes_ = 0;
  Steady moved_{};
};

}  // namespace prismbus
