#include "proto/base/random.hpp"

#include <sys/random.h>

#include <cstdlib>
#include <mutex>

#include "proto/base/assert.hpp"

namespace prismbus {

std::string random_bytes(std::size_t n) {
  std::string out(n, '\0');
  std::size_t have = 0;
  while (have < n) {
    const ssize_t got = ::getrandom(out.data() + have, n - have, 0);
    PRISMBUS_ASSERT(got > 0 || errno == EINTR, "the kernel gives randomness once it has booted");
    if (got > 0) have += static_cast<std::size_t>(got);
  }
  return out;
}

std::uint64_t random_u64() {
  std::uint64_t v = 0;
  const std::string bytes = random_bytes(sizeof v);
  __builtin_memcpy(&v, bytes.data(), sizeof v);
  return v;
}

void seed_libc_random() {
  static std::once_flag once;
  std::call_once(once, [] { std::srand(static_cast<unsigned>(random_u64())); });
}

}  // namespace prismbus
