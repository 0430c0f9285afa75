// MessagePack out: appends to a std::string it lends from its owner, through msgpack-c's packer.
// Always the shortest form of a number. Map fields are written in the order of the calls.
#pragma once

#include <cstdint>
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

  // field("rev", 7) and friends: key then value.
  void field(std::string_view key, std::uint64_t v) { text(key), uint(v); }
  void field(std::string_view key, std::string_view v) { text(key), text(v); }
  void field(std::string_view key, const char* v) { text(key), text(v); }
  void field(std::string_view key, bool v) { text(key), boolean(v); }

 private:
  std::string& out_;
};

}  // namespace prismbus::codec
