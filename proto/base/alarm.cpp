#include "proto/base/alarm.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "proto/base/assert.hpp"

namespace prismbus {

Alarm::Alarm() : fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  PRISMBUS_ASSERT(fd_ >= 0, "an agent cannot be woken in time without a timerfd");
}

Alarm::~Alarm() {
  ::close(fd_);
}

void Alarm::set(Steady at) {
  if (at == at_) return;  // spares the system call of a sleeper that was woken by something else
  at_ = at;
  // libstdc++'s steady clock is CLOCK_MONOTONIC. A moment of 0 would turn the timer off.
  const auto since_boot = std::max(at.time_since_epoch(), std::chrono::nanoseconds(1));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  itimerspec when{};
  when.it_value = {static_cast<time_t>(seconds.count()), static_cast<long>((since_boot - seconds).count())};
  const int set = ::timerfd_settime(fd_, TFD_TIMER_ABSTIME, &when, nullptr);
  PRISMBUS_ASSERT(set == 0, "a timerfd takes any moment");
}

void Alarm::clear() {
  std::uint64_t times = 0;
  [[maybe_unused]] const auto n = ::read(fd_, &times, sizeof times);
  at_ = {};
}

}  // namespace prismbus
