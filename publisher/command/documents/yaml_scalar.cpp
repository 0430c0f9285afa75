#include "publisher/command/documents/yaml_scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace prismbus::command {
namespace {

bool any_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t digits_at(std::string_view s, std::size_t at) {
  std::size_t n = 0;
  while (at + n < s.size() && is_digit(s[at + n])) ++n;
  return n;
}

// [-+]? ( \.[0-9]+ | [0-9]+(\.[0-9]*)? ) ([eE][-+]?[0-9]+)?   with a point or an exponent, else it is an
// integer.
enum class Shape { none, integer, real };
Shape decimal_shape(std::string_view s) {
  std::size_t at = !s.empty() && (s[0] == '-' || s[0] == '+') ? 1 : 0;
  const std::size_t whole = digits_at(s, at);
  at += whole;
  std::size_t fraction = 0;
  const bool point = at < s.size() && s[at] == '.';
  if (point) {
    fraction = digits_at(s, at + 1);
    at += 1 + fraction;
  }
  if (whole + fraction == 0) return Shape::none;
  const bool exponent = at < s.size() && (s[at] == 'e' || s[at] == 'E');
  if (exponent) {
    ++at;
    if (at < s.size() && (s[at] == '-' || s[at] == '+')) ++at;
    const std::size_t n = digits_at(s, at);
    if (n == 0) return Shape::none;
    at += n;
  }
  if (at != s.size()) return Shape::none;
  return point || exponent ? Shape::real : Shape::integer;
}

Parsed<Value> integer_of(std::string_view digits, int base, bool negative) {
  std::uint64_t n = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), n, base);
  constexpr std::uint64_t kMostNegative = std::uint64_t{1} << 63;
  if (code != std::errc() || end != digits.data() + digits.size() || (negative && n > kMostNegative)) {
    return mistake("an integer outside of -2^63 .. 2^64-1; put it in quotes if it is text");
  }
  if (!negative) return Value::number(n);
  return Value::integer(static_cast<std::int64_t>(~n + 1));
}

Parsed<Value> real_of(std::string_view s) {
  if (s[0] == '+') s.remove_prefix(1);
  double d = 0;
  const auto [end, code] = std::from_chars(s.data(), s.data() + s.size(), d);
  if (code != std::errc() || end != s.data() + s.size()) {
    return mistake("a number beyond what a 64-bit float holds; put it in quotes if it is text");
  }
  return Value::real(d);
}

std::optional<std::string_view> radix_digits(std::string_view s, std::string_view prefix,
                                             std::string_view alphabet) {
  if (!s.starts_with(prefix) || s.size() == prefix.size()) return std::nullopt;
  s.remove_prefix(prefix.size());
  if (s.find_first_not_of(alphabet) != std::string_view::npos) return std::nullopt;
  return s;
}

}  // namespace

Parsed<Value> resolve_plain_scalar(std::string_view text) {
  if (any_of(text, {"", "~", "null", "Null", "NULL"})) return Value::nil();
  if (any_of(text, {"true", "True", "TRUE"})) return Value::boolean(true);
  if (any_of(text, {"false", "False", "FALSE"})) return Value::boolean(false);
  if (const auto digits = radix_digits(text, "0o", "01234567")) return integer_of(*digits, 8, false);
  if (const auto digits = radix_digits(text, "0x", "0123456789abcdefABCDEF"))
    return integer_of(*digits, 16, false);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (any_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) return Value::real(kInfinity);
  if (any_of(text, {"-.inf", "-.Inf", "-.INF"})) return Value::real(-kInfinity);
  if (any_of(text, {".nan", ".NaN", ".NAN"})) return Value::real(std::numeric_limits<double>::quiet_NaN());
  switch (decimal_shape(text)) {
    case Shape::integer: {
      const bool sign = text[0] == '-' || text[0] == '+';
      return integer_of(text.substr(sign ? 1 : 0), 10, text[0] == '-');
    }
    case Shape::real:
      return real_of(text);
    case Shape::none:
      break;
  }
  return Value::text(text);
}

bool is_safe_without_quotes(std::string_view text) {
  if (text.empty() || text.size() > 500) return false;
  const char first = text[0];
  const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  if (!letter && first != '_' && first != '/' && first != '$') return false;
  if (text.back() == ' ' || text.back() == ':') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c > 0x7e) return false;
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if ((c == ':' && next == ' ') || (c == ' ' && (next == '#' || next == ' '))) return false;
  }
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  return !any_of(lower, {"null", "true", "false", "yes", "no", "on", "off", "y", "n"});
}

std::string yaml_quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    const auto third = i + 2 < text.size() ? static_cast<unsigned char>(text[i + 2]) : 0;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", c);
    } else if (c == 0xc2 && next < 0xa0) {  // C1 controls, NEL among them
      out += fmt::format("\\x{:02x}", next);
      i += 1;
    } else if (c == 0xe2 && next == 0x80 &&
               (third == 0xa8 || third == 0xa9)) {  // line and paragraph separator
      out += third == 0xa8 ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (c == 0xef && ((next == 0xbb && third == 0xbf) || (next == 0xbf && third >= 0xbe))) {
      out += next == 0xbb    ? "\\ufeff"
             : third == 0xbe ? "\\ufffe"
                             : "\\uffff";  // byte order mark, non-characters
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out + "\"";
}

}  // namespace prismbus::command
