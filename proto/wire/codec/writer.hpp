// MessagePack out: appends to a std::string it lends from its owner, through msgpack-c's packer.
// Always the shortest form of a number. Map fields are written in the order of the calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "proto/wire/messages.hpp"

namespace prismbus::codec {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void map(std::uint32_t fields);
  void array(std::uint32_t items);
  void text(std::string_view utf8);
  void bin(std::string_view bytes);
  void uint(std::uint64_t v);
  void integer(MessageId v);
  void boolean(bool v);
  void nil();
  void raw(std::string_view encoded) { out_.append(encoded); }  // already one MessagePack value

  // A field's name. Names are literals: header and bytes are put together by the compiler and appended as
  // one.
  template <std::size_t N>
  void name(const char (&literal)[N]) {
    static_assert(N > 1 && N - 1 < 32, "a name takes the shortest form of a string");
    char encoded[N];
    encoded[0] = static_cast<char>(0xa0 | (N - 1));
    std::memcpy(encoded + 1, literal, N - 1);
    out_.append(encoded, N);
  }
  // field("rev", 7) and friends: name then value.
  template <std::size_t N>
  void field(const char (&key)[N], std::uint64_t v) {
    name(key), uint(v);
  }
  template <std::size_t N>
  void field(const char (&key)[N], std::string_view v) {
    name(key), text(v);
  }
  template <std::size_t N>
  void field(const char (&key)[N], const char* v) {
    name(key), text(v);
  }
  template <std::size_t N>
  void field(const char (&key)[N], bool v) {
    name(key), boolean(v);
  }
  // A name known only at run time.
  void field(std::string_view key, std::uint64_t v) { text(key), uint(v); }
  void field(std::string_view key, std::string_view v) { text(key), text(v); }
  void field(std::string_view key, const char* v) { text(key), text(v); }
  void field(std::string_view key, bool v) { text(key), boolean(v); }

 private:
  std::string& out_;
};

}  // namespace prismbus::codec
