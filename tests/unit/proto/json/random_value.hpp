// Random values for round trips: every kind the wire has, strings that look like something else, awkward
// numbers.
#pragma once

#include <random>

#include "proto/json/value.hpp"

namespace prismbus {

enum class Kinds : bool {
  all,
  document
};  // document: what YAML and JSON files usually hold (no bin, ext, odd keys)

[[nodiscard]] Value random_value(std::mt19937_64& random, int depth, Kinds kinds = Kinds::all);
[[nodiscard]] std::string random_text(std::mt19937_64& random);

}  // namespace prismbus
