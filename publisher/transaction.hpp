// What a publisher writes: values, and several changes that become one revision together or not at all.
// Value types, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/wire/messages.hpp"
#include "proto/wire/value.hpp"

namespace prismbus {

// One MessagePack value, as it will be stored byte for byte.
struct EncodedValue {
  std::string bytes;
  // bool, numbers, std::string, vectors and maps of them, anything with MSGPACK_DEFINE.
  template <class T>
  [[nodiscard]] static EncodedValue of(const T& native) {
    return {encode_value(native)};
  }
};

// All or nothing, one revision; in each namespace one seq. Refused as a whole with `conflict` when a
// requirement does not hold (the first one, with the key's present rev), `not_found` (with its index) when it
// removes what is not there, `invalid_argument` when it is empty or names a (namespace, key) twice. Limits:
// 1,000 changes, 4 MiB.
class Transaction {
 public:
  Transaction& put(std::string_view ns, std::string_view key, EncodedValue value);
  template <class T>
  Transaction& put(std::string_view ns, std::string_view key, const T& native) {
    return put(ns, key, EncodedValue::of(native));
  }
  Transaction& remove(std::string_view ns, std::string_view key);
  // Compare and set: the entry's rev must be `rev` when the transaction is applied; 0 = it must not exist.
  // The key need not be one that is written.
  Transaction& require(std::string_view ns, std::string_view key, Revision rev);
  // At most 1 KiB of UTF-8, kept with the revision.
  Transaction& note(std::string_view text);

  [[nodiscard]] std::size_t size() const { return changes_.size(); }  // changes in it
  [[nodiscard]] std::size_t bytes() const { return bytes_; }          // of keys and values

  struct Step {
    ChangeOp op = ChangeOp::put;
    std::string ns, key, value;
  };
  struct Requirement {
    std::string ns, key;
    Revision rev;
  };
  [[nodiscard]] const std::vector<Step>& changes() const { return changes_; }
  [[nodiscard]] const std::vector<Requirement>& requirements() const { return requirements_; }
  [[nodiscard]] const std::optional<std::string>& note_text() const { return note_; }

 private:
  std::vector<Step> changes_;
  std::vector<Requirement> requirements_;
  std::optional<std::string> note_;
  std::size_t bytes_ = 0;
};

}  // namespace prismbus
