#include "broker/core/read_queue.hpp"

#include <catch2/catch.hpp>

namespace prismbus {
namespace {

ReadJob job(std::uint64_t connection, std::string payload) {
  return {{ConnectionId(connection), "peer", {}},
          std::move(payload),
          MessageId{},
          {"anonymous", Access::everything()},
          {},
          nullptr};
}
std::string take(ReadQueue& queue) {
  const auto next = queue.pop();
  return next ? next->payload : "none";
}
const Steady kNow{std::chrono::hours(1)};

}  // namespace

TEST_CASE("no connection is served twice before the others that wait, however many reads it sent") {
  ReadQueue queue({});
  for (int i = 0; i < 1000; ++i) REQUIRE(queue.push(job(1, "flood"), kNow));
  CHECK(take(queue) == "flood");
  REQUIRE(queue.push(job(2, "two a"), kNow));
  REQUIRE(queue.push(job(2, "two b"), kNow));
  REQUIRE(queue.push(job(3, "three"), kNow));
  std::vector<std::string> served;
  for (int i = 0; i < 6; ++i) served.push_back(take(queue));
  CHECK(served == std::vector<std::string>{"flood", "two a", "three", "flood", "two b", "flood"});
  CHECK(queue.size() == 996);
}

TEST_CASE("a full queue is overloaded, of one connection before it is of all, by reads and by bytes (I8)") {
  ReadQueue queue({5, 3, 1000});
  for (int i = 0; i < 3; ++i) REQUIRE(queue.push(job(1, "x"), kNow));
  const auto mine = queue.push(job(1, "x"), kNow);
  REQUIRE(!mine);
  CHECK(mine.error().code == ErrorCode::overloaded);
  CHECK(mine.error().retry_after_ms >= 20);
  REQUIRE(!queue.push(job(2, std::string(999, 'x')), kNow));
  REQUIRE(queue.push(job(2, "x"), kNow));
  REQUIRE(queue.push(job(3, "x"), kNow));
  CHECK(queue.push(job(4, "x"), kNow).error().code == ErrorCode::overloaded);
  for (int i = 0; i < 5; ++i) CHECK(take(queue) == "x");
  CHECK(take(queue) == "none");
  CHECK(queue.push(job(4, "x"), kNow));
}

TEST_CASE("who is refused is told to wait as long as what waits takes at the present rate") {
  ReadQueue queue({1000, 1000, 1 << 20});
  for (int i = 0; i < 1000; ++i) REQUIRE(queue.push(job(1, "x"), kNow));
  (void)queue.push(job(1, "x"), kNow);
  queue.count_answered(200);
  const auto refused = queue.push(job(1, "x"), kNow + std::chrono::milliseconds(100));
  CHECK(refused.error().retry_after_ms == 500);  // 1,000 at two a millisecond
}

}  // namespace prismbus
