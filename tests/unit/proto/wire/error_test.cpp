#include "proto/wire/error.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace prismbus;

TEST_CASE("every error code has one row, found by number and by name") {
  std::set<std::string_view> names;
  for (const auto& row : kErrorTable) {
    CHECK(&error_row(row.code) == &row);
    CHECK(error_code_named(row.name) == row.code);
    CHECK(row.http_status >= 400);
    CHECK_FALSE(row.meaning.empty());
    names.insert(row.name);
  }
  CHECK(names.size() == kErrorTable.size());
  CHECK(error_code_named("no_such_code") == std::nullopt);
}

TEST_CASE("context is put before the message and changes nothing else") {
  const Error inner = over_limit("value", "too large", 10, 11);
  const Error outer = in_context("put a.b", inner);
  CHECK(outer.message == "put a.b: too large");
  CHECK(outer.code == ErrorCode::too_large);
  CHECK(outer.field == "value");
  CHECK(outer.limit == 10u);
  CHECK(outer.size == 11u);
}
