// JSON (RFC 8259) as tokens and key files need it, and nothing looser: UTF-8 only, no member named twice at
// any depth, limits on depth and on the number of values, no byte behind the value. Our own reader and not
// nlohmann's, because that one copies every string it passes into buffers it does not wipe, and takes the
// last of doubled members in silence; tests hold the two against each other. Pure, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.hpp"

namespace prismbus {

// A parsed value. It lends the text it was parsed from: strings are copied only where somebody asks.
class JsonValue {
 public:
  enum class Kind : std::uint8_t { null, boolean, number, text, array, object };

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is(Kind kind) const { return kind_ == kind; }

  // As it stands in the text: a number, `true`, what is between the quotes of a string.
  [[nodiscard]] std::string_view raw() const { return raw_; }
  [[nodiscard]] bool has_escapes() const { return escapes_; }  // then raw() is not what a string says
  [[nodiscard]] std::string text() const;                      // what a string says, as UTF-8
  // NumericDate of RFC 7519: whole seconds of a number without sign and exponent, a fraction is cut off.
  // nullopt: another number or kind, or beyond the year 9999.
  [[nodiscard]] std::optional<std::uint64_t> seconds() const;

  [[nodiscard]] const std::vector<JsonValue>& items() const {
    return items_;
  }  // of an array; an object's values
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }  // of an object, one an item
  [[nodiscard]] const JsonValue* find(std::string_view name) const;               // null: no such member

 private:
  friend class StrictJsonReader;
  Kind kind_ = Kind::null;
  bool escapes_ = false;
  std::string_view raw_;
  std::vector<JsonValue> items_;
  std::vector<std::string> names_;
};

struct JsonLimits {
  std::size_t depth = 16, values = 4096;
};
enum class JsonMistake : std::uint8_t { malformed, named_twice, too_deep, too_many };
[[nodiscard]] std::string_view describe(JsonMistake mistake);  // "is not JSON", ...: words behind a subject

[[nodiscard]] Result<JsonValue, JsonMistake> parse_strict_json(std::string_view text,
                                                               const JsonLimits& limits = {});

// `text` as a JSON string with its quotes: what is no ASCII stays, controls are escaped.
void append_json_string(std::string& out, std::string_view text);

}  // namespace prismbus
