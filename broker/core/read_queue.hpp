// Reads that wait for the reader thread: a queue for each connection, served in turn, so that no connection
// is served twice before the others that wait, however many reads it sent. Bounded in reads, of one
// connection and of all, and in bytes; full is `overloaded`, with the time after which there should be room
// (I8). Bus thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <unordered_map>

#include "broker/core/reader_agent.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

struct ReadQueueBounds {
  std::size_t reads_max = 8192;
  std::size_t connection_reads_max = 2048;
  std::size_t bytes_max = 64u << 20;  // of the requests as they came
};

// A quarter of all may be of one connection.
[[nodiscard]] inline ReadQueueBounds bounds_of(std::size_t reads_max) {
  return {reads_max, std::max<std::size_t>(reads_max / 4, 1), ReadQueueBounds{}.bytes_max};
}

class ReadQueue {
 public:
  explicit ReadQueue(const ReadQueueBounds& bounds) : bounds_(bounds) {}

  // Errors: overloaded.
  [[nodiscard]] Result<void> push(ReadJob job, Steady now);
  // The next read of the connection whose turn it is; nullopt = none waits.
  [[nodiscard]] std::optional<ReadJob> pop();
  // `n` reads were answered: how fast that goes decides how long those refused are told to wait.
  void count_answered(std::size_t n) { answered_ += n; }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  [[nodiscard]] Error refusal(const char* why, Steady now);

  const ReadQueueBounds bounds_;
  std::unordered_map<ConnectionId, std::deque<ReadJob>> waiting_;  // none is empty
  std::deque<ConnectionId> turns_;                                 // each of waiting_ once
  std::size_t size_ = 0, bytes_ = 0;
  std::size_t answered_ = 0;  // since rated_at_
  Steady rated_at_{};
  double per_ms_ = 1;
};

}  // namespace prismbus
