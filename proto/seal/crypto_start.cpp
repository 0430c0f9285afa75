#include "proto/seal/crypto_start.hpp"

#include <sodium.h>

#include "proto/base/assert.hpp"

namespace prismbus {

void start_crypto() {
  static const bool started = sodium_init() >= 0;
  PRISMBUS_ASSERT(started, "libsodium finds randomness and memory");
}

}  // namespace prismbus
