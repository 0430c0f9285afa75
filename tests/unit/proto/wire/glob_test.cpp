#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "proto/wire/names.hpp"

using namespace prismbus;

namespace {

// The definition, spelled out recursively and slowly; ASCII only. Shares nothing with the product's walk.
bool matches_by_definition(std::string_view glob, std::string_view key) {
  if (glob.empty()) return key.empty();
  if (glob.starts_with('*')) {
    const auto stars = std::min(glob.find_first_not_of('*'), glob.size());
    const bool any = stars > 1;
    const auto rest = glob.substr(stars);
    for (std::size_t n = 0; n <= key.size(); ++n) {
      if (!any && n > 0 && key[n - 1] == '/') break;
      if (matches_by_definition(rest, key.substr(n))) return true;
    }
    return false;
  }
  if (key.empty()) return false;
  if (glob.front() == '?') return key.front() != '/' && matches_by_definition(glob.substr(1), key.substr(1));
  if (glob.front() == '\\') glob.remove_prefix(1);
  if (glob.empty() || glob.front() != key.front()) return false;
  return matches_by_definition(glob.substr(1), key.substr(1));
}

}  // namespace

TEST_CASE("globs match the whole key: ? and * stop at a slash, ** does not, a backslash escapes") {
  struct Row {
    const char *glob, *key;
    bool matches;
  };
  const Row rows[] = {
      {"", "a", false},
      {"a", "a", true},
      {"a", "ab", false},
      {"*", "abc", true},
      {"*", "a/b", false},
      {"**", "a/b/c", true},
      {"a/**", "a", false},
      {"a/**", "a/", true},
      {"a/**", "a/b/c", true},
      {"a/*", "a/b", true},
      {"a/*", "a/b/c", false},
      {"*/b", "a/b", true},
      {"?", "/", false},
      {"?", "a", true},
      {"?", "\xc3\xa9", true},
      {"??", "\xc3\xa9", false},
      {"?", "\xf0\x9f\x98\x80", true},
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"\\\\", "\\", true},
      {"\\a", "a", true},
      {"**x*y", "x/xy", true},
      {"*x*y", "x/xy", false},
      {"***", "a/b", true},
      {"a**b", "a/x/b", true},
      {"a*b*c", "abbbc", true},
      {"*\xc3\xa9", "x\xc3\xa9", true},
      {"**/c", "c", false},
      {"**/c", "a/b/c", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.glob, row.key);
    CHECK(validate_glob(row.glob, "glob"));
    CHECK(glob_matches(row.glob, row.key) == row.matches);
  }
}

TEST_CASE("a glob that ends in a lone backslash, is no UTF-8 or too long is refused, and matches nothing") {
  for (const auto& bad :
       {std::string("a\\"), std::string("\xff"), std::string(513, 'a'), std::string("\\\\\\")}) {
    const auto result = validate_glob(bad, "glob");
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::invalid_argument);
    CHECK(result.error().field == "glob");
  }
  CHECK_FALSE(glob_matches("a\\", "a\\"));
  CHECK_FALSE(glob_matches(std::string(513, '*'), "a"));
}

TEST_CASE("random globs agree with the definition") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto draw = [&](std::string_view alphabet, std::size_t most) {
    std::string out;
    for (auto n = random() % (most + 1); n > 0; --n) out.push_back(alphabet[random() % alphabet.size()]);
    return out;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string glob = draw("ab/*?*", 8);
    const std::string key = draw("ab/", 8);
    CAPTURE(glob, key);
    REQUIRE(glob_matches(glob, key) == matches_by_definition(glob, key));
  }
}

TEST_CASE("no glob costs more than its length times the key's") {
  std::string glob;
  while (glob.size() + 4 <= 512) glob += "**a*";
  CHECK_FALSE(glob_matches(glob + "b", std::string(255, 'a')));  // would not return with backtracking
  CHECK(glob_matches(glob, std::string(255, 'a')));
}
