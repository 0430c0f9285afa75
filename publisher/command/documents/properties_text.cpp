#include "publisher/command/documents/properties_text.hpp"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "proto/json/json_value.hpp"
#include "proto/wire/names.hpp"
#include "publisher/command/documents/text_cursor.hpp"

namespace prismbus::command {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\f';
}

void append_utf8(std::string& out, char32_t c) {
  const auto byte = [&out](char32_t b) { out += static_cast<char>(b); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) {
    byte(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      byte(0xe0 | c >> 12);
    } else {
      byte(0xf0 | c >> 18);
      byte(0x80 | (c >> 12 & 0x3f));
    }
    byte(0x80 | (c >> 6 & 0x3f));
  }
  byte(0x80 | (c & 0x3f));
}

class PropertiesReader {
 public:
  explicit PropertiesReader(std::string_view text) : in_(text) {}

  Parsed<Value> read() {
    while (!in_.at_end()) {
      skip_white();
      if (at_line_end() || in_.peek() == '#' || in_.peek() == '!') {
        skip_line();
        continue;
      }
      if (auto fine = pair(); !fine) return tl::unexpected<Mistake>(fine.error());
    }
    return Value::map(std::move(members_));
  }

 private:
  // A lone CR ends a line in Java too.
  [[nodiscard]] bool at_line_end() const { return in_.at_end() || in_.peek() == '\n' || in_.peek() == '\r'; }
  void skip_line() {
    while (!at_line_end()) in_.next();
    end_line();
  }
  void end_line() {
    if (!in_.at_end() && in_.next() == '\r' && in_.peek() == '\n') in_.next();
  }
  void skip_white() {
    while (is_blank(in_.peek())) in_.next();
  }

  Parsed<void> pair() {
    const auto start = in_.place();
    std::string key, text;
    while (!at_line_end() && !is_blank(in_.peek()) && in_.peek() != '=' && in_.peek() != ':') {
      if (auto fine = character(key); !fine) return fine;
    }
    const bool blank = is_blank(in_.peek());
    skip_white();
    const bool sign = in_.peek() == '=' || in_.peek() == ':';
    if (sign) in_.next();
    skip_white();
    if (!sign && (!blank || at_line_end())) {
      return mistake(start.line, start.column, fmt::format("no = or : after {}", json_quoted(key)));
    }
    while (!at_line_end()) {
      if (auto fine = character(text); !fine) return fine;
    }
    end_line();
    if (!is_utf8(key) || !is_utf8(text)) return mistake(start.line, start.column, "not UTF-8");
    if (!keys_.insert(key).second) {
      return mistake(start.line, start.column, fmt::format("the key {} is there twice", json_quoted(key)));
    }
    members_.push_back({Value::text(key), Value::text(text)});
    return {};
  }

  // One character of a key or a value, or the joint of two lines.
  Parsed<void> character(std::string& out) {
    const auto start = in_.place();
    const char c = in_.next();
    if (c != '\\') {
      out += c;
      return {};
    }
    if (in_.at_end())
      return mistake(start.line, start.column, "a backslash joins the next line, and there is none");
    if (at_line_end()) {
      end_line();
      skip_white();
      return {};
    }
    const char e = in_.next();
    if (e == 'u') return unicode(out, start);
    out += e == 't' ? '\t' : e == 'n' ? '\n' : e == 'r' ? '\r' : e == 'f' ? '\f' : e;
    return {};
  }

  std::optional<char32_t> four_digits() {
    char32_t unit = 0;
    for (int i = 0; i < 4; ++i) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      if (in_.at_end()) return std::nullopt;
      const char c = in_.peek();
      const auto digit = kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
      if (digit == std::string_view::npos) return std::nullopt;
      in_.next();
      unit = unit * 16 + static_cast<char32_t>(digit);
    }
    return unit;
  }

  Parsed<void> unicode(std::string& out, TextCursor::Place start) {
    const auto first = four_digits();
    if (!first) return mistake(start.line, start.column, "\\u needs four hexadecimal digits");
    char32_t c = *first;
    if (c >= 0xd800 && c < 0xdc00 && in_.peek() == '\\') {
      in_.next();
      const bool again = in_.peek() == 'u';
      if (again) in_.next();
      const auto second = again ? four_digits() : std::nullopt;
      if (!second || *second < 0xdc00 || *second >= 0xe000)
        c = 0xd800;
      else
        c = 0x10000 + ((c - 0xd800) << 10) + (*second - 0xdc00);
    }
    if (c >= 0xd800 && c < 0xe000) return mistake(start.line, start.column, "half of a surrogate pair");
    append_utf8(out, c);
    return {};
  }

  TextCursor in_;
  Value::Map members_;
  std::set<std::string> keys_;
};

// `s` is not empty and valid UTF-8.
char32_t take_code_point(std::string_view& s) {
  const auto byte = [&s](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(s[i])); };
  const std::size_t n = byte(0) < 0x80 ? 1 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  char32_t c = n == 1 ? byte(0) : byte(0) & (0x7fu >> n);
  for (std::size_t i = 1; i < n && i < s.size(); ++i) c = c << 6 | (byte(i) & 0x3f);
  s.remove_prefix(std::min(n, s.size()));
  return c;
}

std::string escaped(std::string_view text, std::string_view special, bool leading_blank) {
  std::string out;
  while (!text.empty()) {
    const char32_t c = take_code_point(text);
    const char low = c < 0x80 ? static_cast<char>(c) : '\0';
    constexpr std::string_view kNamed = "\t\n\r\f", kNames = "tnrf";
    if (const auto at = kNamed.find(low); low != '\0' && at != std::string_view::npos) {
      out += {'\\', kNames[at]};
    } else if (c >= 0x10000) {
      out +=
          fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
    } else if (c < 0x20 || c >= 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      if (special.find(low) != std::string_view::npos || (low == ' ' && out.empty() && leading_blank))
        out += '\\';
      out += low;
    }
  }
  return out;
}

}  // namespace

Parsed<Value> from_properties(std::string_view text) {
  return PropertiesReader(text).read();
}

Parsed<std::string> to_properties(const Value& value) {
  const auto* members = value.as<Value::Map>();
  if (members == nullptr) return mistake("the document is not a map of keys to text");
  std::string out;
  for (const auto& m : *members) {
    const auto* key = m.key.as<std::string>();
    const auto* text = m.value.as<std::string>();
    if (key == nullptr || text == nullptr) {
      return mistake(
          fmt::format("the key {} {}, and properties carry only strings; --format yaml or json carries it",
                      to_json(m.key), key == nullptr ? "is not a string" : "holds no string"));
    }
    out += escaped(*key, "\\ =:#!", false) + "=" + escaped(*text, "\\", true) + "\n";
  }
  return out;
}

}  // namespace prismbus::command
