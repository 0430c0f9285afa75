// One document <-> many keys. A nested map becomes keys whose parts are joined by `/`:
//   api: {limits: {rate: 5}, paths: [a, b]}     =>     api/limits/rate = 5     api/paths = ["a", "b"]
// Lists, empty maps and maps with a key that is no string stay one value. `/` because globs treat it as the
// border between levels. Flattening loses the order of maps only: unflatten(flatten(d)) == d. Pure functions,
// any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "proto/json/value.hpp"
#include "proto/wire/error.hpp"

namespace prismbus::command {

inline constexpr char kKeySeparator = '/';

using KeyValues = std::map<std::string, Value>;  // key bytes ascending, as everywhere

// invalid_argument, with the path in the message: the document is no map; a key with `/` in it, an empty one,
// one that breaks the key rule; a joined key over 255 bytes.
[[nodiscard]] Result<KeyValues> flatten(const Value& document);

// The top level only: its keys are the keys, as they stand; nothing below is taken apart.
[[nodiscard]] Result<KeyValues> split_top_level(const Value& document);

// invalid_argument when a key cannot be a path: an empty part (`a//b`, `/a`), or a key that lies below
// another key.
[[nodiscard]] Result<Value> unflatten(const KeyValues& keys);

// A key that has another one below it, as `a` with `a/b`; such a namespace is no flattened document.
struct Overlap {
  std::string above, below;
};
[[nodiscard]] std::optional<Overlap> find_overlap(const KeyValues& keys);

}  // namespace prismbus::command
