// How a cache or seed file is cut into a header and records, and what makes them count. Pure, but for the
// random numbers of sealed files. Integers are big-endian; the grammar goes on in cache_format.hpp.
//
//   plain:   header = magic:8  format:4  flags:4 (0)  epoch:8  name_size:2  name  checksum:8
//            record = size:4  kind:1  body:size  checksum:8
//   sealed:  header = magic:8  format:4  flags:4 (1)  salt:32  box(epoch:8  name_size:2  name)
//            record = box(kind:1  body)
//            box(x) = size:4  sealed(x):size           (cache_seal.hpp)
//
// plain: checksum = XXH3-64 of the bytes it stands behind (size, kind and body; of a header everything before
// it), xor the checksum before it, rotated: a chain that detects accidents. sealed: each box authenticates
// the tag of the one before it, the first one everything before it: a chain that detects attackers too. So a
// record counts only in its place, in its file, in its namespace, in its epoch. What is not detected: a whole
// file, or its end, put back to how it was before; that is an older state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/strong.hpp"
#include "proto/wire/error.hpp"
#include "proto/wire/limits.hpp"
#include "subscriber/cache/cache_seal.hpp"

namespace prismbus::cache {

inline constexpr std::string_view kMagic = "PRISMCCH";
inline constexpr std::uint32_t kFormat = 1;
inline constexpr std::size_t kRecordHeadBytes = 5, kChecksumBytes = 8;
// A record holds a change set at most (what one stream frame carries); pictures are cut far below.
inline constexpr std::size_t kRecordBytesMax = limits::kMessageBytes;

enum class Kind : std::uint8_t { entries = 1, state = 2, changes = 3, seen = 4, end = 5 };

struct Header {
  Epoch epoch;
  std::string_view ns;
};

// What the next record is bound to.
struct Chain {
  std::uint64_t checksum = 0;  // plain: of the record before
  Salt salt{};                 // sealed: of the file ...
  Tag tag{};                   // ... and of the record before
};

// Builds one section in memory. The writer takes `bytes` whenever it likes and empties it; the chain goes on.
class Encoder {
 public:
  // A new section; sealed when there is a key, which is not kept.
  explicit Encoder(const CacheKey* key = nullptr) : key_(key) {}
  // Continues behind the record that left this chain, in a file of that key (null: a plain one).
  Encoder(const Chain& chain, const CacheKey* key);

  void header(const Header& header);  // first, and once
  void record(Kind kind, std::string_view body);
  [[nodiscard]] Chain chain() const;

  std::string bytes;

 private:
  void box(std::string_view plain);

  const CacheKey* key_ = nullptr;
  Chain chain_;
  std::optional<Sealer> sealer_;
  std::string scratch_;
};

// Whether the file says of itself that it is sealed. Damage may change the answer.
[[nodiscard]] bool says_sealed(std::string_view bytes);

// Splits bytes into a header and records. Total over any bytes: what is torn, altered, out of place or over a
// limit is where it stops. Lends until the next call.
class Splitter {
 public:
  // With a key only what was sealed with it counts, without one only what is plain.
  explicit Splitter(std::string_view bytes, const CacheKey* key = nullptr) : bytes_(bytes), key_(key) {}

  struct Record {
    Kind kind = Kind::end;
    std::string_view body;
  };
  // Errors: invalid_argument (no header of this format, damaged, a malformed name, sealed and no key, plain
  // and a key, another key), unsupported (a newer format).
  [[nodiscard]] Result<Header> header();
  [[nodiscard]] std::optional<Record> next();  // nullopt: no further whole record

  [[nodiscard]] std::size_t at() const { return at_; }  // behind the last good header or record
  [[nodiscard]] const Chain& chain() const { return chain_; }
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }

 private:
  [[nodiscard]] Result<Header> plain_header();
  [[nodiscard]] Result<Header> sealed_header();
  [[nodiscard]] std::optional<Record> plain_record();
  [[nodiscard]] std::optional<Record> sealed_record();
  [[nodiscard]] bool open_box(std::string_view rest);  // into `opened_`; moves on

  std::string_view bytes_;
  const CacheKey* key_;
  std::size_t at_ = 0;
  Chain chain_;
  std::optional<Sealer> sealer_;
  std::string opened_;
};

}  // namespace prismbus::cache
