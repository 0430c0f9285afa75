// The journal's records: one transaction each, and the meta record. Integers are big-endian, times in
// microseconds.
//
//   record    = checksum:8  previous:16  body      record_bytes.hpp: the checksum of previous and body
//   previous  = XXH3-128 (high, low) of the whole record before this one; zeroes in the first
//   body      = op:1  flags:1  rev:8  time:8       op: 1 put, 2 delete, 3 txn, 4 rollback
//               by_size:2  by
//               [note_size:2  note]                if flags & 1
//               [session_size:1  session  n:8]     if flags & 2
//               order_count:2  order_count * (set:2)
//                                                  the set each item of `do` went to; none: all to set 0
//               set_count:2  set_count * set
//   set       = lane:1  ns_size:1  ns
//               seq:8  hash:8  keys:8  bytes:8     the namespace after it
//               change_count:2  change_count * change
//               encoded_size:4  encoded            the change set as it goes on the wire
//               [seals]                            if lane & 0x80: nonce:24 tag:16 of each put, whose value
//                                                  in `encoded` is ciphertext of the same size
//   change    = op:1  version:8  created:8
//               key_at:4  key_size:2  value_at:4  value_size:4
//                                                  where key and value lie in `encoded`
//
//   meta      = checksum:8  format:8  epoch:8  floor:8  hash_at_floor:16  last:8
//               [sealed_by:8]                      once values are sealed: the master's id
//
// Every version of `meta` begins with checksum and format, so that an older broker can say what it refuses.
#pragma once

#include <string>
#include <string_view>

#include "broker/store/journal.hpp"
#include "broker/store/transaction.hpp"
#include "proto/base/hash.hpp"

namespace prismbus {

inline constexpr std::uint64_t kDiskFormat = 1;

// `out` is replaced. The sets' changes lend from their `encoded` (else it is a bug).
void encode_journal_record(std::string& out, const StoredTransaction& txn, const Hash128& previous);

struct JournalRecord {
  TransactionPtr txn;
  Hash128 previous;
};
// Owns its bytes. Error: internal, naming the record and what is wrong with it.
[[nodiscard]] Result<JournalRecord> decode_journal_record(std::string_view record, Revision rev);

// What the next record's `previous` has to be.
[[nodiscard]] inline Hash128 chain_hash(std::string_view record) {
  return xxh3_128(record);
}

void encode_journal_meta(std::string& out, const JournalMeta& meta);
// Errors: internal (checksum, size), unsupported (a newer format).
[[nodiscard]] Result<JournalMeta> decode_journal_meta(std::string_view record);

}  // namespace prismbus
