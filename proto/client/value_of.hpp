// Native values out of the answer to a get, as `value_or(reads.get(ns, key).get(), 0.01)`. Pure functions,
// any thread. Apart from the reads because msgpack.hpp is large.
#pragma once

#include <utility>

#include "proto/client/read_calls.hpp"
#include "proto/wire/value.hpp"

namespace prismbus {

// invalid_argument (`value`): the entry holds another type than T.
template <class T>
[[nodiscard]] Result<T> value_of(const Result<Answer<Entry>>& got) {
  if (!got) return tl::unexpected<Error>(got.error());
  auto value = decode_value<T>(got->value.value);
  if (!value) {
    return fail_field("value",
                      got->value.ns + " " + got->value.key + " holds another type than was asked for");
  }
  return std::move(*value);
}

// `otherwise` when the key does not exist; every other failure stays one.
template <class T>
[[nodiscard]] Result<T> value_or(const Result<Answer<Entry>>& got, T otherwise) {
  if (!got && got.error().code == ErrorCode::not_found) return otherwise;
  return value_of<T>(got);
}

}  // namespace prismbus
