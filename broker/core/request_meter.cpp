#include "broker/core/request_meter.hpp"

#include <chrono>
#include <utility>

namespace prismbus {
namespace {

constexpr std::array<std::string_view, kOpClasses> kClassNames{"get", "read", "write",
                                                               "ack", "wait", "other"};

// From a step of the bus that finds little to do to what a client hardly waits for.
constexpr std::array<std::uint64_t, 17> kTook{50,      100,       250,       500,        1'000,     2'500,
                                              5'000,   10'000,    25'000,    50'000,     100'000,   250'000,
                                              500'000, 1'000'000, 2'500'000, 10'000'000, 60'000'000};

std::uint64_t micros(std::chrono::nanoseconds passed) {
  return passed.count() < 0 ? 0 : static_cast<std::uint64_t>(passed.count() / 1000);
}

template <std::size_t... I>
std::array<Histogram, kOpClasses> empty(std::index_sequence<I...>) {
  return {((void)I, Histogram(kTook))...};
}

}  // namespace

std::string_view name_of(OpClass of) {
  return kClassNames[static_cast<std::size_t>(of)];
}

RequestMeter::RequestMeter() : took_(empty(std::make_index_sequence<kOpClasses>())) {}

void RequestMeter::begin_step(Steady now) {
  const std::uint64_t step = micros(now - step_);
  for (std::size_t of = 0; of < kOpClasses; ++of) {
    if (in_this_step_[of] > 0) took_[of].record(step, std::exchange(in_this_step_[of], 0));
  }
  for (const Earlier& answer : earlier_) took_[answer.of].record(micros(now - answer.received));
  earlier_.clear();
  step_ = now;
}

std::uint64_t RequestMeter::refused() const {
  std::uint64_t n = 0;
  for (const auto& by_code : answers_) {
    for (std::size_t code = 1; code < kCodes; ++code) n += by_code[code];
  }
  return n;
}

std::uint64_t RequestMeter::answers_with(ErrorCode code) const {
  std::uint64_t n = 0;
  for (const auto& by_code : answers_) n += by_code[static_cast<std::size_t>(code)];
  return n;
}

const Histogram& RequestMeter::took(OpClass of) const {
  return took_[static_cast<std::size_t>(of)];
}

std::string_view RequestMeter::name_of_code(std::size_t code_place) {
  return code_place == 0 ? "ok" : kErrorTable[code_place - 1].name;
}

}  // namespace prismbus
