// A MessagePack map with named fields, split once and then asked by name: the one way messages are decoded.
// The first thing found wrong is latched in a Fault and everything after it reads as empty, so a decoder is a
// list of its fields with one check at the end. Lends everything from the bytes it was given;
// single-threaded; total.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/codec/cursor.hpp"
#include "proto/wire/error.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus::codec {

// Where in a message something stands, spelled only for an error: `do[3].key` is {&{nullptr, "do", 3},
// "key"}.
struct Place {
  const Place* parent = nullptr;
  std::string_view name;
  std::optional<std::size_t> index{};

  [[nodiscard]] std::string spell() const;
};

// The first error of a decoding.
class Fault {
 public:
  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  void set(Error error) {
    if (!error_) error_ = std::move(error);
  }
  void set(const Result<void>& result) {
    if (!result) set(result.error());
  }
  // invalid_argument at `place`.
  void refuse(const Place& place, std::string_view message);
  [[nodiscard]] tl::unexpected<Error> take() { return tl::unexpected<Error>(std::move(*error_)); }

 private:
  std::optional<Error> error_;
};

// A name as one integer: its first seven bytes and its length, so that most names are told apart without a
// call.
constexpr std::size_t kTagBytes = 7;
[[nodiscard]] constexpr std::uint64_t name_tag(std::string_view name) {
  std::uint64_t tag = std::uint64_t{static_cast<unsigned char>(name.size() < 255 ? name.size() : 255)} << 56;
  for (std::size_t i = 0; i < kTagBytes && i < name.size(); ++i) {
    tag |= std::uint64_t{static_cast<unsigned char>(name[i])} << (8 * i);
  }
  return tag;
}
// One bit of 64 for a name: fields whose bit no field of a message has are absent from it.
[[nodiscard]] constexpr std::uint64_t name_bit(std::uint64_t tag) {
  return std::uint64_t{1} << (tag * 0x9e3779b97f4a7c15u >> 58);  // Fibonacci hashing
}

struct Name {
  std::string_view text;
  std::uint64_t tag, bit;
  template <std::size_t N>
  consteval Name(const char (&literal)[N])  // implicit: read as a word
      : text(literal, N - 1), tag(name_tag(text)), bit(name_bit(tag)) {}
};

// Items of an array, or pairs of a map with names of its own (`since`, `heads`): `count` of them at `items`.
// Its bytes are known to be whole already.
struct Items {
  std::uint32_t count = 0;
  Cursor items{std::string_view()};
};

class MapReader {
 public:
  // Splits exactly one map; `place` null = the message itself, called `payload` in errors. Both outlive the
  // reader.
  MapReader(std::string_view encoded, const Place* place, Fault& fault);
  MapReader(const MapReader&) = delete;
  MapReader& operator=(const MapReader&) = delete;

  [[nodiscard]] bool has(Name name) const { return find(name) != nullptr; }
  [[nodiscard]] std::uint32_t size() const { return count_; }

  // Required fields. Missing or of another type: latched, and nothing is returned.
  [[nodiscard]] std::string_view ns(Name name);
  [[nodiscard]] std::string_view key(Name name);
  [[nodiscard]] std::string_view text(Name name);  // UTF-8
  [[nodiscard]] std::uint64_t uint(Name name);
  [[nodiscard]] bool boolean(Name name);
  [[nodiscard]] std::string_view any(Name name);  // one value, encoded
  [[nodiscard]] Items array(Name name);
  [[nodiscard]] Items pairs(Name name);

  // Optional fields. Present but of another type (nil too): latched.
  [[nodiscard]] std::optional<std::string_view> maybe_text(Name name);
  [[nodiscard]] std::optional<std::uint64_t> maybe_uint(Name name);
  [[nodiscard]] bool boolean_or(Name name, bool otherwise);
  [[nodiscard]] std::optional<std::string_view> maybe_cursor(
      Name name);                                       // `after`: bin, or text as it may come
  [[nodiscard]] std::string_view maybe_any(Name name);  // empty = absent

  [[nodiscard]] Place at(Name name) const { return {place_, name.text, {}}; }
  [[nodiscard]] Fault& fault() { return fault_; }

 private:
  struct Field {
    std::uint64_t tag = 0;
    std::string_view name, value;
  };
  void split(std::string_view encoded);
  [[nodiscard]] std::optional<std::string_view> name_standing_twice() const;
  void refuse_here(std::string_view message);
  [[nodiscard]] const Field* find(Name name) const;
  [[nodiscard]] const Field* need(Name name);

  const Place* place_;
  Fault& fault_;
  std::uint32_t count_ = 0;
  std::uint64_t bits_ = 0;              // name_bit of every field
  std::array<Field, 12> near_;          // every message of version 1 fits
  std::vector<Field> far_;              // one with more fields, up to limits::kMapFields
  const Field* fields_ = near_.data();  // whichever of the two holds them
};

// The next name of `pairs`, with its value; false (latched) when the name is no text.
[[nodiscard]] bool next_pair(Items& pairs, const Place& place, Fault& fault, std::string_view& name,
                             std::string_view& value);
// Latches names that stand there twice. Linear for names that come in ascending order.
void check_unique(std::vector<std::string_view> names, const Place& place, Fault& fault);

// One value of a known type; false when it is another.
[[nodiscard]] bool text_of(std::string_view encoded, std::string_view& out);
[[nodiscard]] bool uint_of(std::string_view encoded, std::uint64_t& out);
[[nodiscard]] bool request_id_of(std::string_view encoded, std::string_view& session,
                                 std::uint64_t& n);  // `req`

}  // namespace prismbus::codec
