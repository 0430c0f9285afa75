// The content of one namespace at one seq: entries, and the hash kept along with them (I5). Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/wire/messages.hpp"
#include "subscriber/view/hamt.hpp"
#include "subscriber/view/leaves.hpp"

namespace prismbus {

// Who notices a change of a key.
enum class Reach : std::uint8_t {
  all,
  replica,  // it was refused: the replica has it, and the cache, but readers see what they saw before
  readers,  // the replica has it since an earlier set; readers see it from now on
};

// One key of one change; the leaves may be in Garbage already and live until it is released.
struct KeyChange {
  const EntryLeaf* before = nullptr;
  const EntryLeaf* after = nullptr;
  Reach reach = Reach::all;

  [[nodiscard]] const EntryLeaf& leaf() const { return after != nullptr ? *after : *before; }  // of its key
};

struct NamespaceCopy {
  Hamt<EntryLeaf> entries;
  Seq seq;
  Revision rev;
  Wall time{};
  std::uint64_t hash = 0;

  // An entry of a snapshot chunk. Of two for one key the one with the higher rev stays.
  void insert(const Entry& entry, Garbage& garbage);
  // The set after `seq`. An entry is replaced only by a change with a higher rev, and deleted only by a
  // higher one: a snapshot's later chunks may already hold what the set brings. `told` may be null.
  void apply(const ChangeSet& set, Garbage& garbage, std::vector<KeyChange>* told);

 private:
  const EntryLeaf* place(const EntryLeaf* leaf, Garbage& garbage);
};

// Nothing that a reader sees is different. A revision says it all within one history, not across two.
[[nodiscard]] inline bool same_version(const EntryLeaf& a, const EntryLeaf& b) {
  return a.rev == b.rev && a.version == b.version && a.time == b.time && a.value() == b.value();
}

// What a reader of `before` finds different in `after`.
void find_differences(const Hamt<EntryLeaf>& before, const Hamt<EntryLeaf>& after,
                      std::vector<KeyChange>& told);

}  // namespace prismbus
