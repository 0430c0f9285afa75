// What is applied, on its way from the bus to the gateway's sockets. Bounded by transactions and bytes: what
// finds no place is left out, which whoever fetches sees by the revisions (I8). The bus thread is the one
// producer, the gateway's the one consumer.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "broker/core/live_tap.hpp"
#include "proto/base/bounded_queue.hpp"

namespace prismbus {

// Exactly one of them.
struct LiveEvent {
  TransactionPtr txn{};
  AccessRulesPtr rules{};  // in force for what comes behind it
  std::unique_ptr<const Notice> notice{};
};

class LiveChannel final : public LiveTap {
 public:
  static constexpr std::size_t kEventsMax = 32'768;
  static constexpr std::size_t kRulesMax = 1024;  // besides: they end what may be read, and are few
  static constexpr std::size_t kBytesMax = 64u << 20;

  // `gateway` may be null, and outlives this.
  explicit LiveChannel(Waker* gateway) : waker_(gateway), events_(kEventsMax + kRulesMax, gateway) {}

  // Bus thread.
  void on_applied(const TransactionPtr& txn) override;
  void on_rules(const AccessRulesPtr& rules) override;
  void on_notice(Notice notice) override;

  // Gateway thread. Transactions are wanted from here on: all that a request asked after this does not see.
  void open() { open_.store(true, std::memory_order_release); }
  void close() { open_.store(false, std::memory_order_release); }
  void hear_notices(bool wanted) { hears_notices_.store(wanted, std::memory_order_release); }
  // Notices that found no place since the last call.
  [[nodiscard]] std::uint64_t take_missed_notices() { return missed_notices_.exchange(0); }
  // Replaces `out` by what has come. Returns the revision up to which anything was left out, 0 = nothing yet.
  Revision fetch(std::vector<LiveEvent>& out);

 private:
  [[nodiscard]] bool has_room();

  Waker* const waker_;
  BoundedQueue<LiveEvent> events_;
  std::atomic<bool> open_{false}, hears_notices_{false};
  std::atomic<std::uint64_t> missed_notices_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> left_out_{0};  // revision
  AccessRulesPtr unsent_;                   // the latest rules, that found no place; the bus thread's
};

}  // namespace prismbus
