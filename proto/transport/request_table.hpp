// Requests in flight: slots found by id without hashing, and the rule for when each is repeated or given up.
// Pure: no socket and no clock. Part of ClientConnection.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

struct PendingRequest {
  std::uint64_t id = 0;  // 0 = the slot is free
  std::uint64_t tag = 0;
  std::string payload;         // repeated byte for byte
  std::optional<Epoch> epoch;  // what it is bound to: replies of another one are dropped
  Steady deadline{}, retry_at{};
  Steady sent_at{};            // the last attempt
  std::uint32_t sent = 0;      // attempts that left
  std::uint32_t answered = 0;  // of them answered "nothing was done"
  std::optional<Error> last;   // the last such answer
  std::uint32_t refused = 0;   // answered `unauthenticated` or `internal`
  bool after_hello = false;    // repeated when `hello` is answered
  bool repeat_after_hello = true;
};

class RequestTable {
 public:
  // Ids are never reused: the low 16 bits are the slot, the rest counts.
  [[nodiscard]] PendingRequest& add();
  // Null when no such request is in flight (answered already, or never ours).
  [[nodiscard]] PendingRequest* find(std::uint64_t id);
  void remove(std::uint64_t id);
  [[nodiscard]] std::size_t size() const { return used_; }
  // Ids in flight, oldest first.
  [[nodiscard]] std::vector<std::uint64_t> ids() const;

  static constexpr std::size_t kSlotsMax = 1u << 16;

 private:
  std::vector<PendingRequest> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t count_ = 0;
  std::size_t used_ = 0;
};

// What a client does with an error reply: from the table's retry column.
enum class AfterError : std::uint8_t { give_to_caller, repeat_later, hello_then_repeat };
[[nodiscard]] AfterError after_error(ErrorCode code);
// What the caller is told at the deadline: the last answer if every attempt was answered "nothing was done",
// `unavailable` if nothing ever left, else `timeout` (the outcome is unknown).
[[nodiscard]] Error expiry_error(const PendingRequest& request);

}  // namespace prismbus
