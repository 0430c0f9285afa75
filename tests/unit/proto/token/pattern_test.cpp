// Patterns: their three forms, and what each covers.
#include "proto/token/pattern.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

namespace {

Pattern pattern(std::string_view text) {
  return Pattern::parse(text).value();
}

}  // namespace

TEST_CASE("a pattern is a namespace, a namespace and `.**`, or `**`; any other form is refused") {
  for (const char* text : {"md", "md.okx", "md.**", "md.okx.**", "**", "_system.policy", "_system.**"})
    CHECK(pattern(text).text() == text);
  for (const char* text : {"", "*", "***", ".**", "md.*", "md**", "md.**.x", "**.md", "md..x", ".md", "md.",
                           "md.**.**", "md/**", "md .**", "MD.\xc3\xa4", "md.okx.** ", "{\"a\":1}", "md.%2e"})
    CHECK_FALSE(Pattern::parse(text));
  CHECK_FALSE(Pattern::parse(std::string_view("md\0.**", 6)));
}

TEST_CASE("a pattern covers what it names, and all of what is below only as a whole") {
  CHECK(pattern("md.okx").covers("md.okx"));
  CHECK_FALSE(pattern("md.okx").covers("md.okx.perp"));
  CHECK_FALSE(pattern("md.okx").covers_all_below("md.okx"));
  CHECK(pattern("md.**").covers("md"));
  CHECK(pattern("md.**").covers("md.okx.perp"));
  CHECK_FALSE(pattern("md.**").covers("mdx"));
  CHECK_FALSE(pattern("md.**").covers("MD"));
  CHECK(pattern("md.**").covers_all_below("md.okx"));
  CHECK_FALSE(pattern("md.okx.**").covers_all_below("md"));
  CHECK_FALSE(pattern("md.**").covers_all_below(""));
}

TEST_CASE("`**` is every ordinary namespace, and none of the broker's own") {
  CHECK(pattern("**").covers("md.okx"));
  CHECK(pattern("**").covers_all_below(""));
  CHECK(pattern("**").covers_all_below("md"));
  CHECK(pattern("**").is_everything());
  for (const char* ns : {"_system.policy", "_system", "_x"}) {
    CHECK_FALSE(pattern("**").covers(ns));
    CHECK_FALSE(pattern("**").covers_all_below(ns));
  }
  CHECK(pattern("_system.**").covers("_system.policy"));
  CHECK_FALSE(pattern("_system.**").is_everything());
}
