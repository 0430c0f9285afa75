// Puts that may leave together: how many at the front of the queue become one transaction, and when. They are
// gathered until the window is over, the transaction is full, or something behind them must not wait or must
// not go with them. Pure, one thread; it counts, the queue keeps the puts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

#include "proto/base/clock.hpp"

namespace prismbus {

class PutRun {
 public:
  struct Limits {
    std::size_t changes = 0, bytes = 0;  // of one transaction
  };
  struct Put {
    std::uint64_t key =
        0;  // hash of namespace and key; two that collide are parted needlessly, never wrongly
    std::size_t bytes = 0;  // of key and value, as the limit counts
    Steady deadline{};
  };
  // They share one request, so one end: puts whose deadlines lie further apart than this do not leave
  // together.
  static constexpr std::chrono::milliseconds kDeadlinesApart{100};

  explicit PutRun(std::chrono::microseconds window) : window_(window) {}
  [[nodiscard]] bool off() const { return window_.count() == 0; }

  // False: it does not go with those before it, which leave now. `now` of the first begins the window.
  [[nodiscard]] bool add(const Put& put, const Limits& limits, Steady now);
  void hurry() { hurried_ = size_ > 0; }  // somebody waits for one of them
  void cut() { closed_ = size_ > 0; }     // what comes next does not go with them
  void clear();                           // they left, or the queue changed before its end

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool closed() const { return closed_; }  // takes no more
  [[nodiscard]] bool due(Steady now) const { return closed_ || hurried_ || now >= until_; }
  [[nodiscard]] Steady due_at() const { return size_ > 0 ? until_ : Steady::max(); }
  [[nodiscard]] Steady deadline() const { return deadline_; }  // the earliest

 private:
  const std::chrono::microseconds window_;
  std::unordered_set<std::uint64_t> keys_;
  std::size_t size_ = 0, bytes_ = 0;
  Steady until_{}, first_deadline_{}, deadline_{};
  bool hurried_ = false, closed_ = false;
};

}  // namespace prismbus
