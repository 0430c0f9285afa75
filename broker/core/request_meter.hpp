// How many requests were answered with what, and how long that took. Bus thread. Bounded by the tables of
// operations and of error codes: nothing that a peer sends makes a new row.
//
// The clock is read once a step of the bus, so a time runs from the start of the step that took the request
// to the end of the step that answered it: never too short, too long by parts of two steps. A get that is
// answered in the step that took it costs an addition here, and no look at the clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/core/ports.hpp"
#include "proto/base/histogram.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// Operations that take as long as each other, more or less.
enum class OpClass : std::uint8_t {
  get,
  read,   // pages and whatever else the reader thread answers
  write,  // until it is durable
  ack,
  wait,  // what waits because that was asked for: wait_applied, backup
  other,
};
inline constexpr std::size_t kOpClasses = 6;
[[nodiscard]] std::string_view name_of(OpClass of);

struct OpRow {
  std::string_view name;
  OpClass of;
};
inline constexpr std::size_t kOpRows = std::variant_size_v<RequestBody> + 1;
// By the place of the operation in RequestBody: `unknown` is first, `malformed` (what is no request) last.
inline constexpr std::array<OpRow, kOpRows> kOpTable{{
    {"unknown", OpClass::other},     {"hello", OpClass::other},       {"get", OpClass::get},
    {"mget", OpClass::read},         {"list", OpClass::read},         {"namespaces", OpClass::read},
    {"put", OpClass::write},         {"delete", OpClass::write},      {"txn", OpClass::write},
    {"snapshot", OpClass::read},     {"changes", OpClass::read},      {"history", OpClass::read},
    {"diff", OpClass::read},         {"rollback", OpClass::write},    {"ack", OpClass::ack},
    {"subscribers", OpClass::other}, {"wait_applied", OpClass::wait}, {"keys", OpClass::read},
    {"backup", OpClass::wait},       {"audit", OpClass::read},        {"status", OpClass::other},
    {"malformed", OpClass::other},
}};

class RequestMeter {
 public:
  static constexpr std::size_t kCodes = kErrorTable.size() + 1;  // 0 = ok, then by the number of the code

  RequestMeter();

  // The next step begins; what the last one answered took until now.
  void begin_step(Steady now);
  // A request comes in; what comes in again keeps its mark.
  void enter(const ReplyTo& from, Steady now) {
    ++entered_;
    from.mark = {now, kOpRows - 1};
  }
  [[nodiscard]] static std::uint8_t op_of(const RequestBody& body) {
    return static_cast<std::uint8_t>(body.index());
  }
  // Its answer is handed to the door; nullopt = it is no refusal.
  void answered(const RequestMark& mark, std::optional<ErrorCode> code) {
    ++answers_[mark.op][code ? static_cast<std::size_t>(*code) : 0];
    const auto of = static_cast<std::size_t>(kOpTable[mark.op].of);
    if (mark.received == step_) {
      ++in_this_step_[of];
    } else {
      earlier_.push_back({mark.received, of});
    }
  }

  [[nodiscard]] std::uint64_t entered() const { return entered_; }  // answered or not
  [[nodiscard]] std::uint64_t refused() const;                      // answered with an error
  // By operation, then by code.
  [[nodiscard]] const std::array<std::array<std::uint64_t, kCodes>, kOpRows>& answers() const {
    return answers_;
  }
  [[nodiscard]] std::uint64_t answers_with(ErrorCode code) const;              // of all operations
  [[nodiscard]] const Histogram& took(OpClass of) const;                       // in microseconds
  [[nodiscard]] static std::string_view name_of_code(std::size_t code_place);  // `ok`, or the error's

 private:
  struct Earlier {  // answered in this step, taken in one before
    Steady received;
    std::size_t of;
  };
  Steady step_{};
  std::uint64_t entered_ = 0;
  std::array<std::array<std::uint64_t, kCodes>, kOpRows> answers_{};
  std::array<std::uint64_t, kOpClasses> in_this_step_{};
  std::vector<Earlier> earlier_;  // bounded by what a step answers
  std::array<Histogram, kOpClasses> took_;
};

}  // namespace prismbus
