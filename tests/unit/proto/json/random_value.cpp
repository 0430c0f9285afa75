#include "tests/unit/proto/json/random_value.hpp"

#include <bit>
#include <limits>
#include <set>

namespace prismbus {
namespace {

constexpr const char* kAwkward[] = {"",         "true",       "null",
                                    "~",        "no",         "1",
                                    "-1",       "1.0",        "2.0",
                                    "0x1f",     "1e3",        ".inf",
                                    "${A:-b}",  "a: b",       "a #b",
                                    "- x",      "{a: 1}",     "[1]",
                                    "\"q\"",    "'q'",        "|",
                                    ">",        "&a",         "*a",
                                    "!t",       "%d",         "@a",
                                    "`a`",      "? k",        " lead",
                                    "trail ",   "two\nlines", "\n",
                                    "\t",       "a\\b",       "<<",
                                    "$bin",     "$$bin",      "$map",
                                    "12:30:00", "2024-01-01", "---",
                                    "...",      "配置",       "é\u0085x",
                                    "\u2028",   "\ufeff",     "a\u0000b",
                                    "\x7f",     "1_000",      "0o17",
                                    "017",      "+1",         "=",
                                    "a:",       "#c",         "\xf0\x9f\x98\x80",
                                    "100ms",    "a,b",        "a]b",
                                    "x  y",     "-",          ":"};

std::uint64_t below(std::mt19937_64& random, std::uint64_t n) {
  return random() % n;
}

double random_double(std::mt19937_64& random) {
  switch (below(random, 6)) {
    case 0:
      return 0.1 * static_cast<double>(below(random, 1000));
    case 1:
      return static_cast<double>(below(random, 100));
    case 2:
      return below(random, 2) == 0 ? -0.0 : 1e22;
    case 3:
      return below(random, 2) == 0 ? std::numeric_limits<double>::infinity()
                                   : -std::numeric_limits<double>::infinity();
    case 4:
      return std::numeric_limits<double>::quiet_NaN();
    default: {
      const auto d = std::bit_cast<double>(random());
      return d == d ? d : 5e-324;
    }
  }
}

Value random_integer(std::mt19937_64& random) {
  const unsigned bits = static_cast<unsigned>(below(random, 65));
  const std::uint64_t n = bits == 0 ? 0 : random() >> (64 - bits);
  if (below(random, 2) == 0) return Value::number(n);
  return Value::integer(-static_cast<std::int64_t>(n >> 1) - (n == ~0ull ? 1 : 0));
}

std::string random_bytes_of(std::mt19937_64& random) {
  std::string s(below(random, 9), '\0');
  for (char& c : s) c = static_cast<char>(random());
  return s;
}

Value random_scalar(std::mt19937_64& random, Kinds kinds) {
  Value v;
  switch (below(random, kinds == Kinds::all ? 7 : 5)) {
    case 0:
      return below(random, 2) == 0 ? Value::nil() : Value::boolean(below(random, 2) == 0);
    case 1:
      return random_integer(random);
    case 2:
      return Value::real(random_double(random));
    case 5:
      v.data = Binary{random_bytes_of(random)};
      return v;
    case 6:
      v.data = Extension{static_cast<std::int8_t>(random()), random_bytes_of(random)};
      return v;
    default:
      return Value::text(random_text(random));
  }
}

Value random_key(std::mt19937_64& random, Kinds kinds) {
  if (kinds == Kinds::document || below(random, 4) != 0) return Value::text(random_text(random));
  if (below(random, 2) == 0) return random_integer(random);
  Value v;
  v.data = Binary{random_bytes_of(random)};
  return v;
}

}  // namespace

std::string random_text(std::mt19937_64& random) {
  if (below(random, 2) == 0) {
    const char* s = kAwkward[below(random, std::size(kAwkward))];
    return s;
  }
  std::string s;
  for (std::uint64_t n = below(random, 12); n > 0; --n) s += static_cast<char>(' ' + below(random, 95));
  if (below(random, 50) == 0) s.append(900, 'x');
  return s;
}

Value random_value(std::mt19937_64& random, int depth, Kinds kinds) {
  const std::uint64_t kind = below(random, 3);
  if (depth == 0 || kind == 0) return random_scalar(random, kinds);
  const std::uint64_t n = below(random, 5);
  if (kind == 1) {
    Value::Array items;
    for (std::uint64_t i = 0; i < n; ++i) items.push_back(random_value(random, depth - 1, kinds));
    return Value::array(std::move(items));
  }
  Value::Map members;
  std::set<std::string> keys;
  for (std::uint64_t i = 0; i < n; ++i) {
    Value key = random_key(random, kinds);
    if (!keys.insert(to_message_pack(key)).second) continue;
    members.push_back({std::move(key), random_value(random, depth - 1, kinds)});
  }
  return Value::map(std::move(members));
}

}  // namespace prismbus
