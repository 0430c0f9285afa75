#include "broker/security/failure_limits.hpp"

#include <catch2/catch.hpp>

namespace prismbus {
namespace {

using namespace std::chrono_literals;

Now at(std::chrono::milliseconds ms) {
  return {Steady(1h + ms), {}};
}

}  // namespace

TEST_CASE("a connection shows so many bad tokens, then it is cut") {
  FailureLimits limits;
  for (std::uint32_t n = 1; n < FailureLimits::kOfConnection; ++n)
    CHECK_FALSE(limits.count(ConnectionId(1), "a", at(0ms)));
  CHECK_FALSE(limits.count(ConnectionId(2), "a", at(0ms)));
  CHECK(limits.count(ConnectionId(1), "a", at(0ms)));
  limits.forget(ConnectionId(1));
  CHECK_FALSE(limits.count(ConnectionId(1), "a", at(0ms)));
}

TEST_CASE("an address that showed many bad tokens waits, and others do not") {
  FailureLimits limits;
  for (int n = 0; n < static_cast<int>(FailureLimits::kOfAddressBurst); ++n) {
    CHECK(limits.wait_of("a", at(0ms)) == 0ms);
    (void)limits.count(ConnectionId(static_cast<std::uint64_t>(n) + 1), "a", at(0ms));
  }
  CHECK(limits.wait_of("a", at(0ms)) > 0ms);
  CHECK(limits.wait_of("b", at(0ms)) == 0ms);
  CHECK(limits.wait_of("a", at(50ms)) == 0ms);
}

TEST_CASE("addresses are remembered up to a number (I8)") {
  FailureLimits limits;
  for (std::uint64_t n = 1; n <= FailureLimits::kAddressesMax + 100; ++n) {
    (void)limits.count(ConnectionId(n), std::to_string(n), at(0ms));
  }
  CHECK(limits.wait_of("1", at(0ms)) == 0ms);
}

}  // namespace prismbus
