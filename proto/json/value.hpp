// Value: one configuration value as a tree, the middle of every conversion of the command (JSON, YAML,
// MessagePack). Plain data owned by whoever holds it, any thread. It keeps what the wire keeps: 64-bit
// integers, bin, ext, map keys that are no strings, the order of maps. Does not validate the contract's rules
// (depth 32, 1 MiB): the client libraries and the broker do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/wire/error.hpp"

namespace prismbus {

// Deeper documents are refused by every reader here, so that walking a tree by recursion is safe. Above the
// contract's 40 levels of a message: the flattened import of a deep file is fine, its single values obey the
// contract.
inline constexpr std::size_t kDocumentDepth = 128;
// Nodes of one document: what an alias bomb may grow to (about 100 bytes each).
inline constexpr std::size_t kDocumentNodes = 1'000'000;

struct Binary {
  std::string bytes;
  friend bool operator==(const Binary&, const Binary&) = default;
};
struct Extension {
  std::int8_t type = 0;
  std::string bytes;
  friend bool operator==(const Extension&, const Extension&) = default;
};

struct Value {
  struct Member;
  using Nil = std::monostate;
  using Array = std::vector<Value>;
  using Map = std::vector<Member>;  // as written; keys are unique

  // Defined where Member is complete.
  Value();
  ~Value();
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;

  // Integers: uint64_t holds every one >= 0, int64_t only negative ones, so that equal numbers are equal
  // variants.
  std::variant<Nil, bool, std::uint64_t, std::int64_t, double, std::string, Binary, Extension, Array, Map>
      data;

  [[nodiscard]] static Value nil();
  [[nodiscard]] static Value boolean(bool b);
  [[nodiscard]] static Value number(std::uint64_t n);
  [[nodiscard]] static Value integer(std::int64_t n);
  [[nodiscard]] static Value real(double d);
  [[nodiscard]] static Value text(std::string_view s);
  [[nodiscard]] static Value array(Array items);
  [[nodiscard]] static Value map(Map members);

  template <class T>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<T>(data);
  }
  template <class T>
  [[nodiscard]] const T* as() const {  // null when it is something else
    return std::get_if<T>(&data);
  }
  template <class T>
  [[nodiscard]] T* as() {
    return std::get_if<T>(&data);
  }
  // The member of a map under a string key; null when this is no map or has none.
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] Value* find(std::string_view key);

  // Same types and contents; the order of maps does not count. Floats are equal when their bits are, and all
  // NaN are.
  friend bool operator==(const Value& a, const Value& b);
};

struct Value::Member {
  Value key, value;
};

// One MessagePack value, integers in their shortest form, floats as 64 bits.
[[nodiscard]] std::string to_message_pack(const Value& value);
// invalid_argument when the bytes are not exactly one MessagePack value, or nest deeper than the contract
// allows.
[[nodiscard]] Result<Value> from_message_pack(std::string_view encoded);

}  // namespace prismbus
