#include "broker/gateway/live/server_message.hpp"

#include <catch2/catch.hpp>

#include "proto/json/json_value.hpp"

using namespace prismbus;

namespace {

std::string told(const OutMessage& message) {
  const std::string text = message.head + (message.body ? *message.body : "");
  REQUIRE(from_json(text).has_value());
  return text;
}

}  // namespace

TEST_CASE("each message is as section 8 has it") {
  CHECK(told(snapshot_message(7, R"([{"ns":"a"}])", true)) ==
        R"({"type":"snapshot","id":7,"entries":[{"ns":"a"}],"more":true})");
  CHECK(told(subscribed_message(0, Epoch(0xab), R"({"a":{}})")) ==
        R"({"type":"subscribed","id":0,"epoch":"00000000000000ab","heads":{"a":{}}})");
  CHECK(told(change_message(~std::uint64_t{0}, std::make_shared<const std::string>(R"("ns":"a"})"))) ==
        R"({"type":"change","id":18446744073709551615,"ns":"a"})");
  CHECK(told(gap_message(1, "a\"b", Seq(9))) == R"({"type":"gap","id":1,"ns":"a\"b","seq":9})");
}

TEST_CASE("an error has its id where there is one, and every field that an error has") {
  Error error = error_of(ErrorCode::too_large, "too \"many\"");
  error.limit = 256;
  CHECK(told(error_message(3, error)) ==
        R"({"type":"error","id":3,"error":{"code":"too_large","message":"too \"many\"","limit":256}})");
  const std::string without = told(error_message(std::nullopt, error));
  CHECK(without.starts_with(R"({"type":"error","error":{)"));
  CHECK(without.find('\n') == std::string::npos);
}
