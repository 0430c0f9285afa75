// A persistent hash array mapped trie: every put or erase copies the path to the root (64-way: three nodes
// for 100,000 keys) and leaves the former trie as it was, so that readers keep reading it. A Hamt is a
// handle: copying it shares the nodes. There is one line of versions; what a step replaced goes to a Garbage
// list and is freed when no reader can see it any more (view_store). Pure, single writer, no locks.
//
// Worked example, hashes in base 64, lowest digit first: a = (5,9,..), b = (5,3,..), c = (7,..)
//   root: bitmap {5,7} -> [node, leaf c];  node: bitmap {3,9} -> [leaf b, leaf a]
// Keys whose 64-bit hashes are equal meet in a collision node (bitmap 0, searched in order) below the last
// digit.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include "proto/base/assert.hpp"
#include "subscriber/view/garbage.hpp"

namespace prismbus {

// Leaf: `std::uint64_t hash` and `std::string_view key() const` (together its identity), and
// `static void release(const void*)`. Leaves are immutable and owned by the trie once put.
template <class Leaf>
class Hamt {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }

  [[nodiscard]] const Leaf* find(std::uint64_t hash, std::string_view key) const {
    const Node* node = root_;
    for (unsigned shift = 0; node != nullptr; shift += kBits) {
      if (node->bitmap == 0) return find_collided(*node, hash, key);
      const std::uint64_t bit = bit_of(hash, shift);
      if ((node->bitmap & bit) == 0) return nullptr;
      const Slot slot = node->slots()[index_of(node->bitmap, bit)];
      if (is_leaf(slot)) return same(*as_leaf(slot), hash, key) ? as_leaf(slot) : nullptr;
      node = as_node(slot);
    }
    return nullptr;
  }

  // Puts `leaf` in place of the one with its key, if any; gives that one (now in `garbage`, still readable)
  // or null.
  const Leaf* put(const Leaf* leaf, Garbage& garbage) {
    const Leaf* replaced = nullptr;
    if (root_ == nullptr) {
      root_ = make_node(bit_of(leaf->hash, 0), 1);
      root_->slots()[0] = slot_of(leaf);
    } else {
      root_ = put_in(*root_, 0, leaf, replaced, garbage);
    }
    if (replaced == nullptr) {
      ++size_;
    } else {
      garbage.add(replaced, &Leaf::release);
    }
    return replaced;
  }

  // Gives the erased leaf (now in `garbage`, still readable), or null when there was none.
  const Leaf* erase(std::uint64_t hash, std::string_view key, Garbage& garbage) {
    const Leaf* leaf = find(hash, key);
    if (leaf == nullptr) return nullptr;
    const Slot rest = erase_in(*root_, 0, leaf, garbage);
    if (rest == 0) {
      root_ = nullptr;
    } else if (is_leaf(rest)) {  // the root is always a node
      root_ = make_node(bit_of(as_leaf(rest)->hash, 0), 1);
      root_->slots()[0] = rest;
    } else {
      root_ = as_node(rest);
    }
    --size_;
    garbage.add(leaf, &Leaf::release);
    return leaf;
  }

  template <class Visit>
  void for_each(Visit&& visit) const {
    if (root_ != nullptr) visit_node(*root_, visit);
  }

  // Visits in the order of comes_before(), from the first leaf whose hash comes after `after` (null: from the
  // start), until `visit` gives false. Leaves of equal hashes come in a row. So a walk can be left, and taken
  // up later in a newer version.
  template <class Visit>
  void visit_after(const std::uint64_t* after, Visit&& visit) const {
    if (root_ != nullptr) (void)visit_node_after(*root_, 0, after, visit);
  }
  [[nodiscard]] static bool comes_before(std::uint64_t a, std::uint64_t b) {
    if (a == b) return false;
    const auto shift = static_cast<unsigned>(std::countr_zero(a ^ b)) / kBits * kBits;
    return (a >> shift & 63) < (b >> shift & 63);
  }

  // Everything goes to `garbage`; this handle is empty afterwards.
  void retire(Garbage& garbage) {
    if (root_ != nullptr) retire_node(*root_, garbage);
    root_ = nullptr;
    size_ = 0;
  }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kShiftMax = 60;  // the eleventh digit has four bits; below it hashes are equal

  using Slot = std::uintptr_t;  // low bit set: a leaf; clear: a node
  struct Node {
    std::uint64_t bitmap;
    std::uint64_t count;
    [[nodiscard]] Slot* slots() { return reinterpret_cast<Slot*>(this + 1); }
    [[nodiscard]] const Slot* slots() const { return reinterpret_cast<const Slot*>(this + 1); }
  };

  static std::uint64_t bit_of(std::uint64_t hash, unsigned shift) { return 1ull << (hash >> shift & 63); }
  static std::size_t index_of(std::uint64_t bitmap, std::uint64_t bit) {
    return static_cast<std::size_t>(std::popcount(bitmap & (bit - 1)));
  }
  static bool is_leaf(Slot slot) { return (slot & 1) != 0; }
  static const Leaf* as_leaf(Slot slot) { return reinterpret_cast<const Leaf*>(slot & ~Slot{1}); }
  static Node* as_node(Slot slot) { return reinterpret_cast<Node*>(slot); }
  static Slot slot_of(const Leaf* leaf) { return reinterpret_cast<Slot>(leaf) | 1; }
  static Slot slot_of(const Node* node) { return reinterpret_cast<Slot>(node); }
  static bool same(const Leaf& leaf, std::uint64_t hash, std::string_view key) {
    return leaf.hash == hash && leaf.key() == key;
  }
  static void release_node(const void* node) { std::free(const_cast<void*>(node)); }

  static Node* make_node(std::uint64_t bitmap, std::size_t count) {
    void* block = std::malloc(sizeof(Node) + count * sizeof(Slot));
    PRISMBUS_ASSERT(block != nullptr, "no memory for the local copy");
    return new (block) Node{bitmap, count};
  }
  static Node* copy_with(const Node& node, std::size_t index, Slot slot) {
    Node* copy = make_node(node.bitmap, node.count);
    std::memcpy(copy->slots(), node.slots(), node.count * sizeof(Slot));
    copy->slots()[index] = slot;
    return copy;
  }
  static Node* copy_inserting(const Node& node, std::uint64_t bitmap, std::size_t index, Slot slot) {
    Node* copy = make_node(bitmap, node.count + 1);
    std::memcpy(copy->slots(), node.slots(), index * sizeof(Slot));
    copy->slots()[index] = slot;
    std::memcpy(copy->slots() + index + 1, node.slots() + index, (node.count - index) * sizeof(Slot));
    return copy;
  }
  static Node* copy_without(const Node& node, std::uint64_t bitmap, std::size_t index) {
    Node* copy = make_node(bitmap, node.count - 1);
    std::memcpy(copy->slots(), node.slots(), index * sizeof(Slot));
    std::memcpy(copy->slots() + index, node.slots() + index + 1, (node.count - index - 1) * sizeof(Slot));
    return copy;
  }

  static const Leaf* find_collided(const Node& node, std::uint64_t hash, std::string_view key) {
    for (std::size_t i = 0; i < node.count; ++i) {
      if (same(*as_leaf(node.slots()[i]), hash, key)) return as_leaf(node.slots()[i]);
    }
    return nullptr;
  }

  // The smallest subtree that holds two leaves of different keys.
  static Node* pair(const Leaf* a, const Leaf* b, unsigned shift) {
    if (shift > kShiftMax) {
      Node* node = make_node(0, 2);
      node->slots()[0] = slot_of(a);
      node->slots()[1] = slot_of(b);
      return node;
    }
    const std::uint64_t bit_a = bit_of(a->hash, shift), bit_b = bit_of(b->hash, shift);
    if (bit_a == bit_b) {
      Node* node = make_node(bit_a, 1);
      node->slots()[0] = slot_of(pair(a, b, shift + kBits));
      return node;
    }
    Node* node = make_node(bit_a | bit_b, 2);
    node->slots()[bit_a < bit_b ? 0 : 1] = slot_of(a);
    node->slots()[bit_a < bit_b ? 1 : 0] = slot_of(b);
    return node;
  }

  static Node* put_in(Node& node, unsigned shift, const Leaf* leaf, const Leaf*& replaced, Garbage& garbage) {
    garbage.add(&node, &release_node);
    if (node.bitmap == 0) {
      for (std::size_t i = 0; i < node.count; ++i) {
        const Leaf* there = as_leaf(node.slots()[i]);
        if (!same(*there, leaf->hash, leaf->key())) continue;
        replaced = there;
        return copy_with(node, i, slot_of(leaf));
      }
      return copy_inserting(node, 0, node.count, slot_of(leaf));
    }
    const std::uint64_t bit = bit_of(leaf->hash, shift);
    const std::size_t index = index_of(node.bitmap, bit);
    if ((node.bitmap & bit) == 0) return copy_inserting(node, node.bitmap | bit, index, slot_of(leaf));
    const Slot slot = node.slots()[index];
    if (!is_leaf(slot)) {
      return copy_with(node, index, slot_of(put_in(*as_node(slot), shift + kBits, leaf, replaced, garbage)));
    }
    const Leaf* there = as_leaf(slot);
    if (same(*there, leaf->hash, leaf->key())) {
      replaced = there;
      return copy_with(node, index, slot_of(leaf));
    }
    return copy_with(node, index, slot_of(pair(there, leaf, shift + kBits)));
  }

  // What is left of `node` without `leaf` (which is in it): 0, a single leaf that moves up, or a node.
  static Slot erase_in(Node& node, unsigned shift, const Leaf* leaf, Garbage& garbage) {
    garbage.add(&node, &release_node);
    std::uint64_t bit = 0;
    std::size_t index = 0;
    if (node.bitmap == 0) {
      while (as_leaf(node.slots()[index]) != leaf) ++index;
    } else {
      bit = bit_of(leaf->hash, shift);
      index = index_of(node.bitmap, bit);
    }
    const Slot slot = node.slots()[index];
    const Slot rest = is_leaf(slot) ? 0 : erase_in(*as_node(slot), shift + kBits, leaf, garbage);
    if (rest != 0) {
      if (node.count == 1 && is_leaf(rest)) return rest;
      return slot_of(copy_with(node, index, rest));
    }
    if (node.count == 1) return 0;
    if (node.count == 2 && is_leaf(node.slots()[1 - index])) return node.slots()[1 - index];
    return slot_of(copy_without(node, node.bitmap & ~bit, index));
  }

  template <class Visit>
  static void visit_node(const Node& node, Visit& visit) {
    for (std::size_t i = 0; i < node.count; ++i) {
      const Slot slot = node.slots()[i];
      if (is_leaf(slot)) {
        visit(*as_leaf(slot));
      } else {
        visit_node(*as_node(slot), visit);
      }
    }
  }

  template <class Visit>
  static bool visit_node_after(const Node& node, unsigned shift, const std::uint64_t* after, Visit& visit) {
    std::uint64_t digits = node.bitmap;
    for (std::size_t i = 0; i < node.count; ++i, digits &= digits - 1) {
      const Slot slot = node.slots()[i];
      if (is_leaf(slot)) {
        const Leaf* leaf = as_leaf(slot);
        if ((after == nullptr || comes_before(*after, leaf->hash)) && !visit(*leaf)) return false;
        continue;
      }
      const std::uint64_t* from = after;
      if (after != nullptr) {
        const auto digit = static_cast<std::uint64_t>(std::countr_zero(digits));
        const std::uint64_t left_at = *after >> shift & 63;
        if (digit < left_at) continue;
        if (digit > left_at) from = nullptr;
      }
      if (!visit_node_after(*as_node(slot), shift + kBits, from, visit)) return false;
    }
    return true;
  }

  static void retire_node(Node& node, Garbage& garbage) {
    for (std::size_t i = 0; i < node.count; ++i) {
      const Slot slot = node.slots()[i];
      if (is_leaf(slot)) {
        garbage.add(as_leaf(slot), &Leaf::release);
      } else {
        retire_node(*as_node(slot), garbage);
      }
    }
    garbage.add(&node, &release_node);
  }

  Node* root_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace prismbus
