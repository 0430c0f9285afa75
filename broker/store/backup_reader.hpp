// Reads a backup from its first byte to its last and verifies all of it on the way: framing, order, every
// record's checksum, the journal's chain, the counts, the hash over everything. One thread; memory: one
// record.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/store/backup_format.hpp"

namespace prismbus {

struct BackupRecord {
  BackupTable table;
  std::string_view key, value;  // until the next call
};

class BackupReader {
 public:
  // Errors: unavailable (cannot be read), and decode_backup_header's; all name the file.
  [[nodiscard]] static Result<BackupReader> open(const std::string& path);
  ~BackupReader();
  BackupReader(BackupReader&&) noexcept;
  BackupReader& operator=(BackupReader&&) noexcept;

  [[nodiscard]] const BackupHeader& header() const;
  // The next record; nullopt after the last, and then the end marker was there and everything is verified.
  // Errors: internal, naming the record.
  [[nodiscard]] Result<std::optional<BackupRecord>> next();
  [[nodiscard]] const BackupCounts& counts() const;
  [[nodiscard]] std::uint64_t file_bytes() const;
  [[nodiscard]] std::uint64_t sealed_by() const;  // once the journal's meta record was read

 private:
  struct Impl;
  explicit BackupReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct BackupReport {
  BackupHeader header;
  BackupCounts counts{};
  std::uint64_t bytes = 0;
  std::uint64_t sealed_by = 0;  // of JournalMeta: whose secret values are in it
};
// Reads it all. Errors as the reader's.
[[nodiscard]] Result<BackupReport> verify_backup(const std::string& path);

}  // namespace prismbus
