#include "proto/wire/names.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

// 1 = may stand in a segment of a namespace.
constexpr std::array<std::uint8_t, 256> kSegmentBytes = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = 1;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = 1;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = 1;
  table['_'] = table['-'] = 1;
  return table;
}();

std::uint8_t byte_at(std::string_view s, std::size_t i) {
  return static_cast<std::uint8_t>(s[i]);
}

bool is_control(std::uint8_t c) {
  return c < 0x20 || c == 0x7f;
}

// Size of the well-formed sequence that begins at `i`, 0 if there is none. The ranges are Unicode's table
// 3-7.
std::size_t sequence_size(std::string_view s, std::size_t i) {
  const auto lead = byte_at(s, i);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (s.size() - i < size) return 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (lead == 0xe0) low = 0xa0;   // overlong
  if (lead == 0xed) high = 0x9f;  // surrogates
  if (lead == 0xf0) low = 0x90;   // overlong
  if (lead == 0xf4) high = 0x8f;  // above U+10FFFF
  if (byte_at(s, i + 1) < low || byte_at(s, i + 1) > high) return 0;
  for (std::size_t k = 2; k < size; ++k) {
    if ((byte_at(s, i + k) & 0xc0u) != 0x80u) return 0;
  }
  return size;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (bytes.size() - i >= 8) {  // eight ASCII bytes at a time
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, 8);
      if ((word & 0x8080808080808080u) == 0) {
        i += 8;
        continue;
      }
    }
    const auto size = sequence_size(bytes, i);
    if (size == 0) return false;
    i += size;
  }
  return true;
}

bool is_plain_text(std::string_view text) {
  std::size_t i = 0;
  bool ascii = true;
  for (; text.size() - i >= 8; i += 8) {
    // Eight bytes at a time: a byte's top bit ends up set where it is below 0x20, is 0x7f, or is not ASCII.
    // Borrows from a byte that is can only mark more of them, and then each is looked at by itself.
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    const auto below = word - 0x2020202020202020u;
    const auto del = (word ^ 0x7f7f7f7f7f7f7f7fu) - 0x0101010101010101u;
    if (((word | below | del) & 0x8080808080808080u) == 0) continue;
    for (std::size_t k = i; k < i + 8; ++k) {
      if (is_control(byte_at(text, k))) return false;
      ascii = ascii && byte_at(text, k) < 0x80;
    }
  }
  for (; i < text.size(); ++i) {
    if (is_control(byte_at(text, i))) return false;
    ascii = ascii && byte_at(text, i) < 0x80;
  }
  return ascii || is_utf8(text);
}

bool is_namespace(std::string_view ns) {
  if (ns.empty() || ns.size() > limits::kNsBytes) return false;
  bool segment_open = false;  // has at least one byte
  for (const char c : ns) {
    if (c == '.') {
      if (!segment_open) return false;
      segment_open = false;
    } else {
      if (kSegmentBytes[static_cast<std::uint8_t>(c)] == 0) return false;
      segment_open = true;
    }
  }
  return segment_open;
}

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= limits::kKeyBytes && is_plain_text(key);
}

Result<void> validate_namespace(std::string_view ns, std::string_view field) {
  if (is_namespace(ns)) return {};
  if (ns.size() > limits::kNsBytes)
    return fail_field(std::string(field), "a namespace has at most 120 bytes");
  return fail_field(std::string(field), "a namespace is segments of A-Z a-z 0-9 _ - joined by '.'");
}

Result<void> validate_key(std::string_view key, std::string_view field) {
  if (is_key(key)) return {};
  if (key.empty()) return fail_field(std::string(field), "a key is not empty");
  if (key.size() > limits::kKeyBytes) return fail_field(std::string(field), "a key has at most 255 bytes");
  return fail_field(std::string(field), "a key is UTF-8 without control characters");
}

Result<void> validate_backup_name(std::string_view name, std::string_view field) {
  if (name.size() > limits::kBackupNameBytes)
    return fail_field(std::string(field), "the name of a backup has at most 120 bytes");
  const auto may_stand = [](char c) { return c == '.' || kSegmentBytes[static_cast<std::uint8_t>(c)] != 0; };
  if (name.empty() || name.front() == '.' || !std::all_of(name.begin(), name.end(), may_stand)) {
    return fail_field(std::string(field),
                      "the name of a backup is of A-Z a-z 0-9 . _ - and does not begin with '.'");
  }
  return {};
}

bool is_system_namespace(std::string_view ns) {
  return ns.starts_with('_');
}

bool is_under(std::string_view ns, std::string_view under) {
  if (under.empty()) return !is_system_namespace(ns);
  return ns.starts_with(under) && (ns.size() == under.size() || ns[under.size()] == '.');
}

std::string topic_of(std::string_view ns) {
  std::string topic;
  topic.reserve(ns.size() + 1);
  topic.append(ns).push_back('/');
  return topic;
}

}  // namespace prismbus
