// The layout of a cache file (one namespace) and of a seed file (several, one after another). Pure. Integers
// are big-endian.
//
//   cache   = section                                          seed = section*
//   section = header  picture  step*
//   picture = entries*  state
//   step    = changes | seen
//   header  = magic:8  format:4  flags:4  epoch:8  name_size:2  name  checksum:8
//   record  = size:4  kind:1  body:size  checksum:8
//   entries = (key_size:1  value_size:4  rev:8  version:8  time:8  key  value)*
//   state   = seq:8  rev:8  time:8  hash:8  keys:8  seen:8     ends the picture
//   changes = seq:8  rev:8  time:8  hash:8  seen:8
//             (op:1  key_size:1  value_size:4  version:8  key  value)*
//   seen    = seen:8                                           when the content was last known to be current
//   end     = (empty body)                                     ends a section of a seed file
//
// checksum = XXH3-64 of the bytes it stands behind (size, kind and body; of a header everything before it),
// xor the checksum before it, rotated: a chain. So a record counts only in its place, in its namespace, in
// its epoch, and every prefix that ends with a state, changes or seen record is one consistent state of the
// namespace (I5): `hash` is the content hash there, `seq` the next one after the record before.
//
// Worked example: header | entries 700 | entries 300 | state seq 41 | changes 42 | changes 43 | chan
//   -> 1,000 keys and two sets: the content at seq 43; the torn rest is not looked at.
//   header | entries 700 | ent     -> nothing
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/error.hpp"
#include "proto/wire/limits.hpp"
#include "subscriber/namespace_copy.hpp"

namespace prismbus::cache {

inline constexpr std::string_view kMagic = "PRISMCCH";
inline constexpr std::uint32_t kFormat = 1;
inline constexpr std::size_t kRecordHeadBytes = 5, kChecksumBytes = 8;
inline constexpr std::size_t kHeaderBytesMax = 8 + 4 + 4 + 8 + 2 + limits::kNsBytes + kChecksumBytes;
// A record holds a change set at most (what one stream frame carries); pictures are cut far below.
inline constexpr std::size_t kRecordBytesMax = limits::kMessageBytes;
inline constexpr std::size_t kEntriesBytes = 256u << 10;    // of one `entries` record, about
inline constexpr std::uint64_t kFileBytesMax = 1ull << 30;  // larger ones are neither written nor read

enum class Kind : std::uint8_t { entries = 1, state = 2, changes = 3, seen = 4, end = 5 };

struct Header {
  Epoch epoch;
  std::string_view ns;
};

// What a state or changes record says besides its entries or changes.
struct Mark {
  Seq seq;
  Revision rev;
  Wall time{};
  std::uint64_t hash = 0;  // content hash afterwards
  Wall seen{};             // it was known to be current then
};

// Builds one section in memory. The writer takes `bytes` whenever it likes and empties it; the chain goes on.
class Encoder {
 public:
  Encoder() = default;
  explicit Encoder(std::uint64_t chain) : chain_(chain) {}  // continues behind the record with that checksum

  void header(const Header& header);
  void record(Kind kind, std::string_view body);
  [[nodiscard]] std::uint64_t chain() const { return chain_; }

  std::string bytes;

 private:
  std::uint64_t chain_ = 0;
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

// Splits bytes into a header and records. Total over any bytes: what is torn, altered, out of place or over a
// limit is where it stops. Lends.
class Splitter {
 public:
  explicit Splitter(std::string_view bytes) : bytes_(bytes) {}

  struct Record {
    Kind kind = Kind::end;
    std::string_view body;
  };
  // Errors: invalid_argument (no header of this format, damaged, a malformed name), unsupported (a newer
  // format).
  [[nodiscard]] Result<Header> header();
  [[nodiscard]] std::optional<Record> next();  // nullopt: no further whole record

  [[nodiscard]] std::size_t at() const { return at_; }  // behind the last good header or record
  [[nodiscard]] std::uint64_t chain() const { return chain_; }
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint64_t chain_ = 0;
};

// One namespace as a file told it. `copy` belongs to the taker, who frees its entries.
struct Loaded {
  Epoch epoch;
  std::string ns;
  NamespaceCopy copy;
  Wall seen{};
  std::size_t good_bytes = 0;     // of the input: up to the end of what was used
  std::size_t picture_bytes = 0;  // of them, header and picture
  std::uint64_t chain = 0;        // checksum of the last record used
  bool whole = false;             // nothing behind it but the next section
};

// Reads the first section of `bytes`; of a torn one the last consistent prefix (`whole` is false then).
// Errors: those of Splitter::header(), and invalid_argument: no whole picture, or records that contradict
// each other.
[[nodiscard]] Result<Loaded> load(std::string_view bytes);

}  // namespace prismbus::cache
