// MessagePack in: reads one token after another from bytes it lends. It is our own because values are stored
// byte for byte, so decoding needs to know where each one begins and ends, which msgpack-c does not tell.
// Total over any bytes. I: it allocates nothing, never recurses, and never believes a count or a length that
// the bytes left cannot hold. What a token means (names, limits, uniqueness) is for its callers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proto/wire/limits.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus::codec {

enum class Kind : std::uint8_t { nil, boolean, uint, negative, real, text, bin, ext, array, map };

// A scalar whole, or the head of a container whose items are the tokens after it.
struct Token {
  Kind kind = Kind::nil;
  std::int8_t ext_type = 0;
  std::uint64_t number = 0;  // boolean, uint; negative as two's complement; items of an array, pairs of a map
  std::string_view bytes;    // text, bin, ext: the content
};

enum class Trouble : std::uint8_t { none, truncated, malformed, too_deep };

// Value type over bytes that outlive it. After trouble it stays where the trouble is and every read fails.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool at_end() const { return at_ == end_; }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] const char* here() const { return at_; }
  [[nodiscard]] Trouble trouble() const { return trouble_; }

  // False on trouble, the end of the bytes included.
  [[nodiscard]] bool next(Token& token);

  // Passes one whole value of at most `depth` containers within each other (a scalar is 0, `[]` is 1);
  // depth <= limits::kMessageDepth.
  [[nodiscard]] bool skip(std::size_t depth = limits::kMessageDepth);
  // The same without a bound on depth, in constant space: for looking past what is refused anyway.
  [[nodiscard]] bool skip_any_depth();
  // The bytes of one whole value; empty on trouble.
  [[nodiscard]] std::string_view take(std::size_t depth = limits::kMessageDepth);

  // Typed reads: false and unmoved when the next token has another type. A signed form of a number >= 0 is a
  // uint.
  [[nodiscard]] bool read_text(std::string_view& out);
  [[nodiscard]] bool read_bin(std::string_view& out);
  [[nodiscard]] bool read_uint(std::uint64_t& out);
  [[nodiscard]] bool read_integer(MessageId& out);
  [[nodiscard]] bool read_boolean(bool& out);
  [[nodiscard]] bool read_nil();
  [[nodiscard]] bool read_array(std::uint32_t& items);
  [[nodiscard]] bool read_map(std::uint32_t& pairs);

 private:
  [[nodiscard]] bool fail(Trouble trouble);
  [[nodiscard]] bool take_integer(Token& token, std::size_t width, bool is_signed);
  [[nodiscard]] bool take_bytes(Token& token, Kind kind, std::size_t width);
  [[nodiscard]] bool take_ext(Token& token, std::uint64_t size);
  [[nodiscard]] bool take_content(Token& token, std::uint64_t size);
  [[nodiscard]] bool take_count(Token& token, Kind kind, std::size_t width);
  [[nodiscard]] bool check_count(Token& token, Kind kind, std::uint64_t count);
  [[nodiscard]] bool load(std::size_t width, std::uint64_t& out);
  [[nodiscard]] bool read_kind(Kind kind, Token& token);

  const char* at_;
  const char* end_;
  Trouble trouble_ = Trouble::none;
};

}  // namespace prismbus::codec
