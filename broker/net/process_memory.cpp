#include "broker/net/process_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace prismbus {

// /proc/self/statm: size, resident, shared, ..., in pages.
std::uint64_t anonymous_bytes() {
  std::array<char, 256> text{};
  const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const auto size = ::read(fd, text.data(), text.size() - 1);
  ::close(fd);
  unsigned long long all = 0, resident = 0, shared = 0;
  if (size <= 0 || std::sscanf(text.data(), "%llu %llu %llu", &all, &resident, &shared) != 3) return 0;
  return resident > shared ? (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace prismbus
