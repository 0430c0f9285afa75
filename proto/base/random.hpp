// Randomness from the kernel, for names that must not collide or be guessed (epoch, run, nonce, session).
#pragma once

#include <cstdint>
#include <string>

namespace prismbus {

[[nodiscard]] std::uint64_t random_u64();  // getrandom(2); aborts if the kernel has none
[[nodiscard]] std::string random_bytes(std::size_t n);

// libzmq names connections with rand() and never seeds it: a peer that guesses the next name can abort a
// ROUTER, and reconnects fall in step. Call once before the first socket of a process; later calls do
// nothing.
void seed_libc_random();

}  // namespace prismbus
