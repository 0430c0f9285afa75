// Requests in flight: ids, slots, and what an expired one is called.
#include "proto/transport/request_table.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

TEST_CASE("ids are found until removed and never come back") {
  RequestTable table;
  const std::uint64_t a = table.add().id, b = table.add().id;
  CHECK(a != b);
  REQUIRE(table.find(a) != nullptr);
  table.remove(a);
  CHECK(table.find(a) == nullptr);
  const std::uint64_t c = table.add().id;  // takes a's slot
  CHECK(c != a);
  CHECK(table.find(a) == nullptr);
  CHECK(table.size() == 2);
  CHECK(table.ids() == std::vector<std::uint64_t>{b, c});
  CHECK(table.find(0) == nullptr);
  CHECK(table.find(~0ull) == nullptr);
}

TEST_CASE("an error reply is handled as the table's retry column says") {
  CHECK(after_error(ErrorCode::conflict) == AfterError::give_to_caller);
  CHECK(after_error(ErrorCode::read_only) == AfterError::give_to_caller);
  CHECK(after_error(ErrorCode::other_history) == AfterError::give_to_caller);
  CHECK(after_error(ErrorCode::overloaded) == AfterError::repeat_later);
  CHECK(after_error(ErrorCode::unavailable) == AfterError::repeat_later);
  CHECK(after_error(ErrorCode::timeout) == AfterError::repeat_later);
  CHECK(after_error(ErrorCode::unauthenticated) == AfterError::hello_then_repeat);
}

TEST_CASE("what expires is unavailable, unknown, or what was last refused") {
  PendingRequest request;
  CHECK(expiry_error(request).code == ErrorCode::unavailable);
  request.sent = 2;
  request.answered = 1;
  request.last = fail(ErrorCode::overloaded, "full").value();
  CHECK(expiry_error(request).code == ErrorCode::timeout);
  request.answered = 2;
  CHECK(expiry_error(request).code == ErrorCode::overloaded);
}
