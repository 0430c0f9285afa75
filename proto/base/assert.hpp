// PRISMBUS_ASSERT(condition, "why it must hold"): a bug check, on in release builds. It writes one line to
// stderr and aborts before anything wrong is written. Never for input from a network, a file or a user.
#pragma once

namespace prismbus {
[[noreturn]] void assert_failed(const char* condition, const char* why, const char* file, int line);
}

#define PRISMBUS_ASSERT(condition, why)         \
  (__builtin_expect(!!(condition), 1) ? void(0) \
                                      : ::prismbus::assert_failed(#condition, why, __FILE__, __LINE__))
