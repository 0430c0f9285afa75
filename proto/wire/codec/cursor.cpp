#include "proto/wire/codec/cursor.hpp"

#include <array>
#include <cstring>

#include "proto/base/assert.hpp"

namespace prismbus::codec {
namespace {

template <class Word>
Word as_it_lies(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Size of the whole value at `at` when its first byte alone tells it, else 0: most fields of most messages.
std::size_t size_by_first_byte(const char* at, std::size_t left) {
  if (left == 0) return 0;
  const auto byte = static_cast<unsigned char>(*at);
  if (byte < 0x80 || byte >= 0xe0 || byte == 0xc0 || byte == 0xc2 || byte == 0xc3) return 1;
  if (byte < 0xa0 || byte >= 0xc0) return 0;
  const std::size_t size = 1 + (byte & 0x1fu);
  return size <= left ? size : 0;
}

}  // namespace

bool Cursor::fail(Trouble trouble) {
  trouble_ = trouble;
  return false;
}

// Big-endian integer of 1, 2, 4 or 8 bytes.
bool Cursor::load(std::size_t width, std::uint64_t& out) {
  if (left() < width) return fail(Trouble::truncated);
  switch (width) {
    case 1:
      out = static_cast<unsigned char>(*at_);
      break;
    case 2:
      out = __builtin_bswap16(as_it_lies<std::uint16_t>(at_));
      break;
    case 4:
      out = __builtin_bswap32(as_it_lies<std::uint32_t>(at_));
      break;
    default:
      out = __builtin_bswap64(as_it_lies<std::uint64_t>(at_));
      break;
  }
  at_ += width;
  return true;
}

bool Cursor::take_integer(Token& token, std::size_t width, bool is_signed) {
  std::uint64_t v = 0;
  if (!load(width, v)) return false;
  const std::uint64_t sign = std::uint64_t{1} << (8 * width - 1);
  const bool negative = is_signed && (v & sign) != 0;
  token.kind = negative ? Kind::negative : Kind::uint;
  token.number = negative && width < 8 ? v | ~(sign | (sign - 1)) : v;
  return true;
}

bool Cursor::take_content(Token& token, std::uint64_t size) {
  if (left() < size) return fail(Trouble::truncated);
  token.bytes = {at_, static_cast<std::size_t>(size)};
  at_ += size;
  return true;
}

bool Cursor::take_bytes(Token& token, Kind kind, std::size_t width) {
  std::uint64_t size = 0;
  token.kind = kind;
  return load(width, size) && take_content(token, size);
}

bool Cursor::take_ext(Token& token, std::uint64_t size) {
  std::uint64_t type = 0;
  if (!load(1, type)) return false;
  token.kind = Kind::ext;
  token.ext_type = static_cast<std::int8_t>(static_cast<std::uint8_t>(type));
  return take_content(token, size);
}

// Every item is at least one byte: a count that the bytes left cannot hold is refused here, before anybody
// reserves.
bool Cursor::check_count(Token& token, Kind kind, std::uint64_t count) {
  const std::uint64_t items = kind == Kind::map ? 2 * count : count;
  if (items > left()) return fail(Trouble::truncated);
  token.kind = kind;
  token.number = count;
  return true;
}

bool Cursor::take_count(Token& token, Kind kind, std::size_t width) {
  std::uint64_t count = 0;
  return load(width, count) && check_count(token, kind, count);
}

bool Cursor::next(Token& token) {
  if (trouble_ != Trouble::none) return false;
  if (at_end()) return fail(Trouble::truncated);
  const char* const start = at_;
  const auto byte = static_cast<unsigned char>(*at_++);
  bool good = true;
  if (byte < 0x80) {
    token.kind = Kind::uint;
    token.number = byte;
  } else if (byte >= 0xe0) {
    token.kind = Kind::negative;
    token.number = std::uint64_t{byte} | ~std::uint64_t{0xff};
  } else if (byte >= 0xa0 && byte < 0xc0) {
    token.kind = Kind::text;
    good = take_content(token, byte & 0x1fu);
  } else if (byte < 0x90) {
    good = check_count(token, Kind::map, byte & 0x0fu);
  } else if (byte < 0xa0) {
    good = check_count(token, Kind::array, byte & 0x0fu);
  } else {
    std::uint64_t size = 0;
    switch (byte) {
      case 0xc0:
        token.kind = Kind::nil;
        break;
      case 0xc2:
      case 0xc3:
        token.kind = Kind::boolean;
        token.number = byte & 1u;
        break;
      case 0xc4:
        good = take_bytes(token, Kind::bin, 1);
        break;
      case 0xc5:
        good = take_bytes(token, Kind::bin, 2);
        break;
      case 0xc6:
        good = take_bytes(token, Kind::bin, 4);
        break;
      case 0xc7:
        good = load(1, size) && take_ext(token, size);
        break;
      case 0xc8:
        good = load(2, size) && take_ext(token, size);
        break;
      case 0xc9:
        good = load(4, size) && take_ext(token, size);
        break;
      case 0xca:
        token.kind = Kind::real;
        good = load(4, token.number);
        break;
      case 0xcb:
        token.kind = Kind::real;
        good = load(8, token.number);
        break;
      case 0xcc:
        good = take_integer(token, 1, false);
        break;
      case 0xcd:
        good = take_integer(token, 2, false);
        break;
      case 0xce:
        good = take_integer(token, 4, false);
        break;
      case 0xcf:
        good = take_integer(token, 8, false);
        break;
      case 0xd0:
        good = take_integer(token, 1, true);
        break;
      case 0xd1:
        good = take_integer(token, 2, true);
        break;
      case 0xd2:
        good = take_integer(token, 4, true);
        break;
      case 0xd3:
        good = take_integer(token, 8, true);
        break;
      case 0xd4:
        good = take_ext(token, 1);
        break;
      case 0xd5:
        good = take_ext(token, 2);
        break;
      case 0xd6:
        good = take_ext(token, 4);
        break;
      case 0xd7:
        good = take_ext(token, 8);
        break;
      case 0xd8:
        good = take_ext(token, 16);
        break;
      case 0xd9:
        good = take_bytes(token, Kind::text, 1);
        break;
      case 0xda:
        good = take_bytes(token, Kind::text, 2);
        break;
      case 0xdb:
        good = take_bytes(token, Kind::text, 4);
        break;
      case 0xdc:
        good = take_count(token, Kind::array, 2);
        break;
      case 0xdd:
        good = take_count(token, Kind::array, 4);
        break;
      case 0xde:
        good = take_count(token, Kind::map, 2);
        break;
      case 0xdf:
        good = take_count(token, Kind::map, 4);
        break;
      default:
        good = fail(Trouble::malformed);
        break;  // 0xc1, which MessagePack never uses
    }
  }
  if (!good) at_ = start;
  return good;
}

namespace {
std::uint64_t items_of(const Token& token) {
  if (token.kind == Kind::array) return token.number;
  return token.kind == Kind::map ? 2 * token.number : 0;
}
}  // namespace

bool Cursor::skip(std::size_t depth) {
  PRISMBUS_ASSERT(depth <= limits::kMessageDepth, "the bound on depth is the room for open containers");
  std::array<std::uint64_t, limits::kMessageDepth> open;  // items still to come, of each open container
  std::size_t opened = 0;
  Token token;
  while (next(token)) {
    const bool container = token.kind == Kind::array || token.kind == Kind::map;
    if (container && opened == depth) return fail(Trouble::too_deep);
    if (const auto items = items_of(token); items > 0) {
      open[opened++] = items;
      continue;
    }
    while (opened > 0 && --open[opened - 1] == 0) --opened;
    if (opened == 0) return true;
  }
  return false;
}

bool Cursor::skip_any_depth() {
  std::uint64_t pending = 1;
  Token token;
  while (pending > 0) {
    if (!next(token)) return false;
    pending += items_of(token);
    --pending;
    if (pending > left()) return fail(Trouble::truncated);
  }
  return true;
}

std::string_view Cursor::take(std::size_t depth) {
  const char* const start = at_;
  if (const auto size = size_by_first_byte(at_, left()); size > 0 && trouble_ == Trouble::none) {
    at_ += size;
    return {start, size};
  }
  if (!skip(depth)) return {};
  return {start, static_cast<std::size_t>(at_ - start)};
}

bool Cursor::read_kind(Kind kind, Token& token) {
  const char* const start = at_;
  if (!next(token)) return false;
  if (token.kind == kind) return true;
  at_ = start;
  return false;
}

bool Cursor::read_text(std::string_view& out) {
  if (const auto size = size_by_first_byte(at_, left()); size > 0 && trouble_ == Trouble::none) {
    const auto byte = static_cast<unsigned char>(*at_);
    if (byte < 0xa0 || byte >= 0xc0) return false;  // a scalar of one byte
    out = {at_ + 1, size - 1};
    at_ += size;
    return true;
  }
  Token token;
  if (!read_kind(Kind::text, token)) return false;
  out = token.bytes;
  return true;
}

bool Cursor::read_bin(std::string_view& out) {
  Token token;
  if (!read_kind(Kind::bin, token)) return false;
  out = token.bytes;
  return true;
}

bool Cursor::read_uint(std::uint64_t& out) {
  Token token;
  if (!read_kind(Kind::uint, token)) return false;
  out = token.number;
  return true;
}

bool Cursor::read_integer(MessageId& out) {
  const char* const start = at_;
  Token token;
  if (!next(token)) return false;
  if (token.kind != Kind::uint && token.kind != Kind::negative) {
    at_ = start;
    return false;
  }
  out = {token.kind == Kind::negative, token.number};
  return true;
}

bool Cursor::read_boolean(bool& out) {
  Token token;
  if (!read_kind(Kind::boolean, token)) return false;
  out = token.number != 0;
  return true;
}

bool Cursor::read_nil() {
  Token token;
  return read_kind(Kind::nil, token);
}

bool Cursor::read_array(std::uint32_t& items) {
  Token token;
  if (!read_kind(Kind::array, token)) return false;
  items = static_cast<std::uint32_t>(token.number);
  return true;
}

bool Cursor::read_map(std::uint32_t& pairs) {
  Token token;
  if (!read_kind(Kind::map, token)) return false;
  pairs = static_cast<std::uint32_t>(token.number);
  return true;
}

}  // namespace prismbus::codec
