#include "proto/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace prismbus {

void assert_failed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "event=assertion_failed condition=\"%s\" why=\"%s\" at=%s:%d\n", condition, why, file,
               line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace prismbus
