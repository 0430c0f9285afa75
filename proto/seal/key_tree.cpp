#include "proto/seal/key_tree.hpp"

#include "proto/base/bytes.hpp"
#include "proto/seal/crypto_start.hpp"
#include "proto/seal/keyed_hash.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kStreamRoot = "prismbus.stream", kSystemRoot = "prismbus.system";
constexpr char kNode = '\x01', kLeaf = '\x00';

StreamKey leaf_of(const StreamKey& node) {
  return keyed_hash(node, {&kLeaf, 1});
}

// `path`: segments joined by '.', none when empty.
StreamKey descend(StreamKey node, std::string_view path) {
  while (!path.empty()) {
    const auto segment = path.substr(0, path.find('.'));
    node = keyed_hash(node, {&kNode, 1}, segment);
    path.remove_prefix(segment.size() == path.size() ? path.size() : segment.size() + 1);
  }
  return node;
}

// From `node_ns` down to `ns`: segments joined by '.'.
std::optional<std::string_view> path_between(std::string_view node_ns, std::string_view ns) {
  if (node_ns.empty()) return ns.starts_with('_') ? std::nullopt : std::optional(ns);
  if (!ns.starts_with(node_ns)) return std::nullopt;
  ns.remove_prefix(node_ns.size());
  if (ns.empty()) return ns;
  return ns.front() == '.' ? std::optional(ns.substr(1)) : std::nullopt;
}

}  // namespace

KeyTree::KeyTree(const StreamKey& master, Epoch epoch) : master_(master), epoch_(epoch) {
  start_crypto();
}

StreamKey KeyTree::node(Period period, std::string_view ns) const {
  char name[16];
  store_be64(name, epoch_.value());
  store_be64(name + 8, period.value());
  return descend(keyed_hash(master_, ns.starts_with('_') ? kSystemRoot : kStreamRoot, {name, sizeof name}),
                 ns);
}

StreamKey KeyTree::leaf(Period period, std::string_view ns) const {
  return leaf_of(node(period, ns));
}

std::optional<StreamKey> node_below(const StreamKey& node, std::string_view node_ns, std::string_view ns) {
  const auto path = path_between(node_ns, ns);
  if (!path) return std::nullopt;
  start_crypto();
  return descend(node, *path);
}

std::optional<StreamKey> leaf_below(const StreamKey& node, std::string_view node_ns, std::string_view ns) {
  const auto own = node_below(node, node_ns, ns);
  return own ? std::optional(leaf_of(*own)) : std::nullopt;
}

}  // namespace prismbus
