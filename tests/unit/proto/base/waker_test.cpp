#include "proto/base/waker.hpp"

#include <poll.h>

#include <catch2/catch.hpp>
#include <chrono>
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

TEST_CASE("a wake from another thread ends a sleep early") {
  Waker waker;
  std::thread other([&waker] { waker.wake(); });
  const auto start = std::chrono::steady_clock::now();
  waker.sleep_for(std::chrono::seconds(30));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  CHECK_FALSE(readable(waker));
  other.join();
}

TEST_CASE("a sleep that nobody ends is over in time") {
  Waker waker;
  waker.sleep_for(std::chrono::milliseconds(1));
  CHECK_FALSE(readable(waker));
}

}  // namespace prismbus
