// A loop of reads of one thread: how many a second of the clock, and of the thread's own CPU time, which
// holds on a busy machine too.
#pragma once

#include <ctime>

#include <chrono>
#include <cstdint>

namespace prismbus::perf {

inline std::chrono::nanoseconds thread_cpu_time() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

struct Reads {
  double per_second = 0, per_cpu_second = 0;
  std::uint64_t n = 0, sum = 0;
};

// `read` is given each of `keys` in turn; what it gives is summed up, so that no read is left out.
template <class Keys, class Read>
Reads time_reads(const Keys& keys, std::chrono::milliseconds time, Read&& read) {
  using Clock = std::chrono::steady_clock;
  Reads result;
  const auto cpu_before = thread_cpu_time();
  const auto start = Clock::now();
  auto now = start;
  while (now - start < time) {
    for (const auto& key : keys) result.sum += static_cast<std::uint64_t>(read(key));
    result.n += keys.size();
    now = Clock::now();
  }
  result.per_second = static_cast<double>(result.n) / std::chrono::duration<double>(now - start).count();
  result.per_cpu_second =
      static_cast<double>(result.n) / std::chrono::duration<double>(thread_cpu_time() - cpu_before).count();
  return result;
}

}  // namespace prismbus::perf
