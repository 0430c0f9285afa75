// The keys of a sealed stream, as a tree of namespaces (PROTOCOL section 9): who is told a node can derive
// all at and below it, and nothing beside or above it (I10). Pure; H(k, m) = BLAKE2b-256 of m keyed with k.
//   root(t)     = H(master, "prismbus.stream" || epoch as 8 bytes BE || t as 8 bytes BE), t = the period
//   node(`a`)   = H(root, 0x01 || "a")       below "prismbus.system" instead where the name starts with `_`
//   node(`a.b`) = H(node(`a`), 0x01 || "b")
//   leaf(`a.b`) = H(node(`a.b`), 0x00)       what bodies of `a.b` are sealed with
// Names are namespaces by the contract's rule; that is checked before, by is_namespace().
// Each hash is about half a microsecond: whoever seals or opens much keeps the leaves.
#pragma once

#include <optional>
#include <string_view>

#include "proto/base/strong.hpp"
#include "proto/seal/stream_key.hpp"
#include "proto/seal/stream_period.hpp"

namespace prismbus {

// All keys of one history. Immutable: any thread. Holds the master key.
class KeyTree {
 public:
  KeyTree(const StreamKey& master, Epoch epoch);

  // What everything at and below `ns` derives from; `ns` "" = everything but the broker's own names, whose
  // root nobody is told.
  [[nodiscard]] StreamKey node(Period period, std::string_view ns) const;
  [[nodiscard]] StreamKey leaf(Period period, std::string_view ns) const;

 private:
  StreamKey master_;
  Epoch epoch_;
};

// The same from a node that was told, `node_ns` "" = the root of everything ordinary. nullopt: `ns` is
// neither `node_ns` nor below it.
[[nodiscard]] std::optional<StreamKey> node_below(const StreamKey& node, std::string_view node_ns,
                                                  std::string_view ns);
[[nodiscard]] std::optional<StreamKey> leaf_below(const StreamKey& node, std::string_view node_ns,
                                                  std::string_view ns);

}  // namespace prismbus
