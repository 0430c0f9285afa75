#include "publisher/publisher_agent.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;
using namespace std::chrono_literals;

TEST_CASE("a call that comes while the publisher ends is answered, not kept (I8)") {
  Context context;
  PublisherOptions options;
  options.brokers = {"tcp://127.0.0.1:1"};
  auto agent = PublisherAgent::make(context, options).value();
  agent->close();
  std::promise<Result<WriteOutcome>> promise;
  auto future = promise.get_future();
  WriteAnswer answer(std::move(promise));
  auto put = make_put("a", "k", EncodedValue::of(1), {}, answer).value();
  put->deadline = read_clock().steady + 10s;
  REQUIRE(agent->offer(put));
  REQUIRE(future.wait_for(0s) == std::future_status::ready);
  CHECK(future.get().error().code == ErrorCode::unavailable);
}
