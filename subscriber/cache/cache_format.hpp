// What the records of a cache file (one namespace) and of a seed file (several, one after another) say, and
// the reading of them into content. Pure. Integers are big-endian; headers and records: cache_records.hpp.
//
//   cache   = section                                          seed = section*
//   section = header  picture  step*
//   picture = entries*  state
//   step    = changes | seen
//   entries = (key_size:1  value_size:4  rev:8  version:8  time:8  key  value)*
//   state   = seq:8  rev:8  time:8  hash:8  keys:8  seen:8     ends the picture
//   changes = seq:8  rev:8  time:8  hash:8  seen:8
//             (op:1  key_size:1  value_size:4  version:8  key  value)*
//   seen    = seen:8                                           when the content was last known to be current
//   end     = (empty body)                                     ends a section of a seed file
//
// Every prefix that ends with a state, changes or seen record is one consistent state of the namespace (I5):
// `hash` is the content hash there, `seq` the next one after the record before.
//
// Worked example: header | entries 700 | entries 300 | state seq 41 | changes 42 | changes 43 | chan
//   -> 1,000 keys and two sets: the content at seq 43; the torn rest is not looked at.
//   header | entries 700 | ent     -> nothing
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/error.hpp"
#include "subscriber/cache/cache_records.hpp"
#include "subscriber/view/namespace_copy.hpp"

namespace prismbus::cache {

inline constexpr std::size_t kEntriesBytes = 256u << 10;    // of one `entries` record, about
inline constexpr std::uint64_t kFileBytesMax = 1ull << 30;  // larger ones are neither written nor read

// What a state or changes record says besides its entries or changes.
struct Mark {
  Seq seq;
  Revision rev;
  Wall time{};
  std::uint64_t hash = 0;  // content hash afterwards
  Wall seen{};             // it was known to be current then
};

// Bodies; each appends to `out`.
void append_entry(std::string& out, std::string_view key, std::string_view value, Revision rev,
                  std::uint64_t version, Wall time);
inline void append_entry(std::string& out, const EntryLeaf& leaf) {
  append_entry(out, leaf.key(), leaf.value(), leaf.rev, leaf.version, leaf.time);
}
void append_state(std::string& out, const Mark& mark, std::uint64_t keys);
void append_changes_head(std::string& out, const Mark& mark);
void append_change(std::string& out, std::string_view key, const EntryLeaf* after);  // null = deleted
void append_seen(std::string& out, Wall seen);

// One namespace as a file told it. `copy` belongs to the taker, who frees its entries.
struct Loaded {
  Epoch epoch;
  std::string ns;
  NamespaceCopy copy;
  Wall seen{};
  std::size_t good_bytes = 0;     // of the input: up to the end of what was used
  std::size_t picture_bytes = 0;  // of them, header and picture
  Chain chain;                    // of the last record used
  bool whole = false;             // nothing behind it but the next section
};

// Reads the first section of `bytes`; of a torn one the last consistent prefix (`whole` is false then). With
// a key only what was sealed with it, without one only what is plain. Errors: those of Splitter::header(),
// and invalid_argument: no whole picture, or records that contradict each other.
[[nodiscard]] Result<Loaded> load(std::string_view bytes, const CacheKey* key = nullptr);

}  // namespace prismbus::cache
