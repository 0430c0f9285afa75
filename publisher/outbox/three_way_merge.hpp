// Three-way merge of two versions of a value that grew from one base. Maps are merged key by key, at every
// depth; anything else is a leaf, taken whole. Pure, any thread; works on encoded values and copies leaves
// byte for byte.
//
//   base {a: 1, b: 1}, ours {a: 2, b: 1}, theirs {a: 1, b: 1, c: 1}  ->  {a: 2, b: 1, c: 1}
//
// M1: merge(b, b, x) = x. M2: merge(b, x, b) = x. M3: where nothing conflicts, merge(b, x, y) = merge(b, y,
// x).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace prismbus {

// nullopt = absent. Lent for the call.
using MaybeValue = std::optional<std::string_view>;
[[nodiscard]] inline MaybeValue lent(const std::optional<std::string>& value) {
  return value ? MaybeValue(*value) : MaybeValue();
}

// A place that both sides changed, and not to the same. `path` as a JSON pointer: "" is the value itself, a
// key `a/b` is `a~1b`, a key that is no text stands as its encoded bytes in hex.
struct LeafConflict {
  std::string path;
  MaybeValue base, ours, theirs;
};

struct LeafChoice {
  enum class Take { ours, theirs, value, report };
  Take take = Take::report;
  std::string value;  // one encoded value, for Take::value
};
// May throw: three_way_merge lets it pass.
using LeafResolver = std::function<LeafChoice(const LeafConflict&)>;

struct Merged {
  std::optional<std::string> value;     // nullopt = absent
  std::vector<std::string> unresolved;  // paths; not empty: `value` holds theirs there
};

// `resolver` may be empty: every conflict is reported.
[[nodiscard]] Merged three_way_merge(MaybeValue base, MaybeValue ours, MaybeValue theirs,
                                     const LeafResolver& resolver = {});

}  // namespace prismbus
