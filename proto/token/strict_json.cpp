#include "proto/token/strict_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kLastSecond = 253'402'300'799;  // 9999-12-31T23:59:59Z

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Four hexadecimal digits of an escape, which is known to have them or is told that it has not.
std::optional<std::uint32_t> hex4(std::string_view text) {
  std::uint32_t n = 0;
  if (text.size() < 4) return std::nullopt;
  const auto [end, code] = std::from_chars(text.data(), text.data() + 4, n, 16);
  if (code != std::errc() || end != text.data() + 4) return std::nullopt;
  return n;
}

bool is_high_surrogate(std::uint32_t point) {
  return point >= 0xd800 && point < 0xdc00;
}
bool is_low_surrogate(std::uint32_t point) {
  return point >= 0xdc00 && point < 0xe000;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto byte = [&out](std::uint32_t b) { out.push_back(static_cast<char>(b)); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      byte(0xe0 | point >> 12);
    } else {
      byte(0xf0 | point >> 18);
      byte(0x80 | (point >> 12 & 0x3f));
    }
    byte(0x80 | (point >> 6 & 0x3f));
  }
  byte(0x80 | (point & 0x3f));
}

// The code point of the escape at the start of `text` ("\n", "é", a pair of surrogates), which is cut
// off; nullopt where there is none.
std::optional<std::uint32_t> take_escape(std::string_view& text) {
  constexpr std::string_view kShort = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
  if (text.size() < 2) return std::nullopt;
  if (const auto at = kShort.find(text[1]); at != std::string_view::npos) {
    text.remove_prefix(2);
    return static_cast<unsigned char>(kMeant[at]);
  }
  const auto point = text[1] == 'u' ? hex4(text.substr(2)) : std::nullopt;
  if (!point || is_low_surrogate(*point)) return std::nullopt;
  text.remove_prefix(6);
  if (!is_high_surrogate(*point)) return point;
  const auto low = text.starts_with("\\u") ? hex4(text.substr(2)) : std::nullopt;
  if (!low || !is_low_surrogate(*low)) return std::nullopt;
  text.remove_prefix(6);
  return 0x10000 + ((*point - 0xd800) << 10 | (*low - 0xdc00));
}

}  // namespace

std::string JsonValue::text() const {
  if (!escapes_) return std::string(raw_);
  std::string out;
  for (std::string_view rest = raw_; !rest.empty();) {
    const std::size_t plain = std::min(rest.find('\\'), rest.size());
    out.append(rest.substr(0, plain));
    rest.remove_prefix(plain);
    if (!rest.empty()) append_utf8(out, take_escape(rest).value_or(0xfffd));  // the reader has checked them
  }
  return out;
}

std::optional<std::uint64_t> JsonValue::seconds() const {
  if (kind_ != Kind::number || raw_.find_first_of("-eE") != std::string_view::npos) return std::nullopt;
  const std::string_view whole = raw_.substr(0, raw_.find('.'));
  std::uint64_t n = 0;
  const auto [end, code] = std::from_chars(whole.data(), whole.data() + whole.size(), n);
  if (code != std::errc() || end != whole.data() + whole.size() || n > kLastSecond) return std::nullopt;
  return n;
}

const JsonValue* JsonValue::find(std::string_view name) const {
  const auto at = std::find(names_.begin(), names_.end(), name);
  return at == names_.end() ? nullptr : &items_[static_cast<std::size_t>(at - names_.begin())];
}

// Reads by recursion, as deep as the limit lets it.
class StrictJsonReader {
 public:
  StrictJsonReader(std::string_view text, const JsonLimits& limits) : rest_(text), limits_(limits) {}

  Result<JsonValue, JsonMistake> read() {
    JsonValue value;
    if (!is_utf8(rest_) || !read_value(value, 1)) return tl::unexpected<JsonMistake>(mistake_);
    skip_space();
    if (!rest_.empty()) return tl::unexpected<JsonMistake>(JsonMistake::malformed);
    return value;
  }

 private:
  bool refuse(JsonMistake mistake) {
    mistake_ = mistake;
    return false;
  }
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size())); }
  bool take(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool read_value(JsonValue& out, std::size_t depth) {
    skip_space();
    if (rest_.empty()) return refuse(JsonMistake::malformed);
    if (depth > limits_.depth) return refuse(JsonMistake::too_deep);
    if (++values_ > limits_.values) return refuse(JsonMistake::too_many);
    switch (rest_.front()) {
      case '{':
        return read_object(out, depth);
      case '[':
        return read_array(out, depth);
      case '"':
        out.kind_ = JsonValue::Kind::text;
        return read_string(out);
      case 't':
        return read_word(out, "true", JsonValue::Kind::boolean);
      case 'f':
        return read_word(out, "false", JsonValue::Kind::boolean);
      case 'n':
        return read_word(out, "null", JsonValue::Kind::null);
      default:
        return read_number(out);
    }
  }

  bool read_word(JsonValue& out, std::string_view word, JsonValue::Kind kind) {
    if (!rest_.starts_with(word)) return refuse(JsonMistake::malformed);
    out.kind_ = kind;
    out.raw_ = rest_.substr(0, word.size());
    rest_.remove_prefix(word.size());
    return true;
  }

  // -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
  bool read_number(JsonValue& out) {
    const std::string_view from = rest_;
    const auto digits = [this] {
      const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_digit);
      const auto n = static_cast<std::size_t>(end - rest_.begin());
      rest_.remove_prefix(n);
      return n;
    };
    const auto one_of = [this](std::string_view set) {
      if (rest_.empty() || set.find(rest_.front()) == std::string_view::npos) return false;
      rest_.remove_prefix(1);
      return true;
    };
    (void)one_of("-");
    if (!one_of("0") && digits() == 0) return refuse(JsonMistake::malformed);
    if (one_of(".") && digits() == 0) return refuse(JsonMistake::malformed);
    if (one_of("eE")) {
      (void)one_of("+-");
      if (digits() == 0) return refuse(JsonMistake::malformed);
    }
    out.kind_ = JsonValue::Kind::number;
    out.raw_ = from.substr(0, from.size() - rest_.size());
    return true;
  }

  bool read_string(JsonValue& out) {
    rest_.remove_prefix(1);
    const std::string_view from = rest_;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '"') {
        out.raw_ = from.substr(0, from.size() - rest_.size());
        rest_.remove_prefix(1);
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) break;
      if (c != '\\') {
        rest_.remove_prefix(1);
      } else {
        out.escapes_ = true;
        if (!take_escape(rest_)) break;
      }
    }
    return refuse(JsonMistake::malformed);
  }

  bool read_array(JsonValue& out, std::size_t depth) {
    rest_.remove_prefix(1);
    out.kind_ = JsonValue::Kind::array;
    if (take(']')) return true;
    do {
      if (!read_value(out.items_.emplace_back(), depth + 1)) return false;
    } while (take(','));
    return take(']') || refuse(JsonMistake::malformed);
  }

  bool read_object(JsonValue& out, std::size_t depth) {
    rest_.remove_prefix(1);
    out.kind_ = JsonValue::Kind::object;
    if (take('}')) return true;
    do {
      JsonValue name;
      skip_space();
      if (!rest_.starts_with('"')) return refuse(JsonMistake::malformed);
      if (!read_string(name)) return false;
      if (!take(':')) return refuse(JsonMistake::malformed);
      out.names_.push_back(name.text());
      if (!read_value(out.items_.emplace_back(), depth + 1)) return false;
    } while (take(','));
    if (!take('}')) return refuse(JsonMistake::malformed);
    std::vector<std::string_view> sorted(out.names_.begin(), out.names_.end());
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) return true;
    return refuse(JsonMistake::named_twice);
  }

  std::string_view rest_;
  const JsonLimits limits_;
  std::size_t values_ = 0;
  JsonMistake mistake_ = JsonMistake::malformed;
};

Result<JsonValue, JsonMistake> parse_strict_json(std::string_view text, const JsonLimits& limits) {
  return StrictJsonReader(text, limits).read();
}

std::string_view describe(JsonMistake mistake) {
  switch (mistake) {
    case JsonMistake::malformed:
      return "is not JSON";
    case JsonMistake::named_twice:
      return "names a member twice";
    case JsonMistake::too_deep:
      return "is nested too deep";
    case JsonMistake::too_many:
      return "holds too many values";
  }
  return "is not JSON";
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace prismbus
