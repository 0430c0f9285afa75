#include "proto/client/value_of.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

namespace {

Result<Answer<Entry>> holding(std::string value) {
  Answer<Entry> answer;
  answer.value.ns = "fees";
  answer.value.key = "maker";
  answer.value.value = std::move(value);
  return answer;
}

}  // namespace

TEST_CASE("a value is read as the type asked for, and the default stands in only for what is absent") {
  CHECK(value_of<double>(holding(encode_value(1.5))).value() == 1.5);
  CHECK(value_or(holding(encode_value(std::string("gold"))), std::string("none")).value() == "gold");
  const Result<Answer<Entry>> absent = fail(ErrorCode::not_found, "no such key");
  CHECK(value_or(absent, 2.5).value() == 2.5);
  CHECK(value_of<double>(absent).error().code == ErrorCode::not_found);
  const Result<Answer<Entry>> silent = fail(ErrorCode::timeout, "no answer");
  CHECK(value_or(silent, 2.5).error().code == ErrorCode::timeout);
}

TEST_CASE("another type is an error that names the key, never the value") {
  const auto wrong = value_or(holding(encode_value(std::string("secret"))), 2.5);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().field == "value");
  CHECK(wrong.error().message.find("fees maker") != std::string::npos);
  CHECK(wrong.error().message.find("secret") == std::string::npos);
}
