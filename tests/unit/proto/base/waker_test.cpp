#include "proto/base/waker.hpp"

#include <poll.h>

#include <catch2/catch.hpp>
#include <thread>

namespace prismbus {
namespace {

bool readable(const Waker& waker) {
  pollfd p{waker.fd(), POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

}  // namespace

TEST_CASE("wakes collapse into one and last until cleared") {
  Waker waker;
  CHECK_FALSE(readable(waker));
  waker.wake();
  waker.wake();
  CHECK(readable(waker));
  CHECK(readable(waker));
  waker.clear();
  CHECK_FALSE(readable(waker));
  waker.clear();  // nothing to clear does not block
}

TEST_CASE("a wake from another thread ends a poll") {
  Waker waker;
  std::thread other([&waker] { waker.wake(); });
  pollfd p{waker.fd(), POLLIN, 0};
  CHECK(::poll(&p, 1, 30'000) == 1);
  other.join();
  waker.clear();
  CHECK_FALSE(readable(waker));
}

}  // namespace prismbus
