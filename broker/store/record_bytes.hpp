// Fields of disk records, big-endian, and the checksum that opens every record of both environments:
//
//   record = checksum payload
//   checksum = XXH3-64(payload) xor rotl(XXH3-64(disk key), 32)
//
// so a record is tied to the key it stands under and a page that comes back under another key is found out.
// Reading is total: a RecordReader that runs out of bytes answers zeroes from then on and says so in ok().
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.hpp"
#include "proto/base/clock.hpp"
#include "proto/base/hash.hpp"

namespace prismbus {

inline constexpr std::size_t kChecksumBytes = 8;

[[nodiscard]] inline std::uint64_t record_checksum(std::string_view disk_key, std::string_view payload) {
  return xxh3_64(payload) ^ std::rotl(xxh3_64(disk_key), 32);
}

// Begins a record in `out` (emptied): the payload is appended behind room for the checksum, then sealed.
inline void begin_record(std::string& out) {
  out.assign(kChecksumBytes, '\0');
}
inline void seal_record(std::string& out, std::string_view disk_key) {
  store_be64(out.data(), record_checksum(disk_key, std::string_view(out).substr(kChecksumBytes)));
}
// The payload, or nullopt when the checksum says that these are not the bytes that were written under that
// key.
[[nodiscard]] inline std::optional<std::string_view> open_record(std::string_view disk_key,
                                                                 std::string_view record) {
  if (record.size() < kChecksumBytes) return std::nullopt;
  const std::string_view payload = record.substr(kChecksumBytes);
  if (load_be64(record.data()) != record_checksum(disk_key, payload)) return std::nullopt;
  return payload;
}

inline void append_u8(std::string& out, std::uint8_t v) {
  out.push_back(static_cast<char>(v));
}
inline void append_be16(std::string& out, std::uint16_t v) {
  const char b[2] = {static_cast<char>(v >> 8), static_cast<char>(v)};
  out.append(b, 2);
}
inline void append_be32(std::string& out, std::uint32_t v) {
  const char b[4] = {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
                     static_cast<char>(v)};
  out.append(b, 4);
}

class RecordReader {
 public:
  explicit RecordReader(std::string_view payload)
      : at_(payload.data()), end_(payload.data() + payload.size()) {}

  [[nodiscard]] std::uint8_t u8() { return has(1) ? static_cast<std::uint8_t>(*at_++) : std::uint8_t{0}; }
  [[nodiscard]] std::uint16_t be16() { return static_cast<std::uint16_t>(integer<2>()); }
  [[nodiscard]] std::uint32_t be32() { return static_cast<std::uint32_t>(integer<4>()); }
  [[nodiscard]] std::uint64_t be64() { return integer<8>(); }
  // Microseconds; more than the clock can say is refused.
  [[nodiscard]] Wall time() {
    const std::uint64_t micros = be64();
    if (micros <= INT64_MAX) return from_micros(micros);
    ok_ = false;
    return {};
  }
  [[nodiscard]] std::string_view bytes(std::size_t n) {
    if (!has(n)) return {};
    const std::string_view out(at_, n);
    at_ += n;
    return out;
  }
  void skip(std::size_t n) {
    if (has(n)) at_ += n;
  }
  [[nodiscard]] std::string_view rest() { return bytes(left()); }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && at_ == end_; }  // everything read, nothing trails

 private:
  [[nodiscard]] bool has(std::size_t n) {
    if (left() >= n) return true;
    ok_ = false;
    at_ = end_;
    return false;
  }
  template <std::size_t n>
  [[nodiscard]] std::uint64_t integer() {
    if (!has(n)) return 0;
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < n; ++i) v = v << 8 | static_cast<std::uint8_t>(at_[i]);
    at_ += n;
    return v;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace prismbus
