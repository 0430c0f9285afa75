// The layout of a backup: one portable file, independent of page size and byte order. Integers are
// big-endian.
//
//   file    = header  record*  end
//   header  = magic:8  format:8  disk_format:8  epoch:8  folded:8  state_floor:8  floor:8  last:8  time:8
//             checksum:8                                       XXH3-64 of the bytes before it
//   record  = table:1  key_size:2  value_size:4  key  value    as they stand in LMDB: the value begins with
//                                                              the checksum that ties it to its key
//   end     = 0xff:1  count:8 of each table, in order  sha256:32      of every byte before the hash
//
// Tables come in the order of BackupTable, records in the order of their keys. `magic` and `format` stand
// first in every version, so that an older program can say what it refuses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.hpp"
#include "proto/base/strong.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

inline constexpr std::string_view kBackupMagic = "PRISMBAK";
inline constexpr std::uint64_t kBackupFormat = 1;
inline constexpr std::size_t kBackupHeaderBytes = 80;
inline constexpr std::size_t kBackupRecordHead = 7;
inline constexpr std::size_t kSha256Bytes = 32;

enum class BackupTable : std::uint8_t {
  state_meta = 1,
  head,
  deleted,
  history,
  changesets,
  namespaces,
  sessions,
  journal_meta,
  log,
};
inline constexpr std::size_t kBackupTables = 9;
inline constexpr std::uint8_t kBackupEnd = 0xff;
inline constexpr std::size_t kBackupEndBytes = 1 + 8 * kBackupTables + kSha256Bytes;
[[nodiscard]] std::string_view name_of(BackupTable table);  // as errors and findings name it

struct BackupHeader {
  std::uint64_t disk_format = 0;  // of the records
  Epoch epoch;
  Revision folded, state_floor;  // of the state's view
  Revision floor, last;          // of the journal's
  Wall time{};                   // when the views were taken
};

using BackupCounts = std::array<std::uint64_t, kBackupTables>;  // records by table, state_meta first

struct BackupRecordHead {
  std::uint8_t table = 0;
  std::uint16_t key_size = 0;
  std::uint32_t value_size = 0;
};

void append_backup_header(std::string& out, const BackupHeader& header);
// `bytes`: at least kBackupHeaderBytes, or what the file has. Errors: invalid_argument (no backup),
// unsupported (another format; names both), internal (damaged).
[[nodiscard]] Result<BackupHeader> decode_backup_header(std::string_view bytes);

void append_backup_record(std::string& out, BackupTable table, std::string_view key, std::string_view value);
[[nodiscard]] BackupRecordHead decode_backup_record_head(std::string_view bytes);  // exactly that many bytes

void append_backup_end(std::string& out, const BackupCounts& counts);  // without the hash
[[nodiscard]] BackupCounts decode_backup_counts(std::string_view bytes);

}  // namespace prismbus
