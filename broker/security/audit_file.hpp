// The audit file: append-only lines (proto/audit/audit_line.hpp) in files of some 16 MiB, `audit-<number of
// the first line>.jsonl`, mode 0600, in a directory of their own. Old files are never removed here: put away
// the oldest ones whole, the chain is then verified from the first that is left.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "broker/core/audit_page.hpp"
#include "proto/audit/audit_line.hpp"
#include "proto/base/checked_file.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

class AuditFile {
 public:
  static constexpr std::uint64_t kRotateBytes = 16u << 20;

  // Makes the directory (0700) when it is not there, and goes on behind its last whole line; a torn one,
  // which a crash left, is cut off and logged. Errors: what became of a file; invalid_argument (its last line
  // is no line).
  [[nodiscard]] static Result<AuditFile> open(std::string directory, const LogSink& log,
                                              std::uint64_t rotate_bytes = kRotateBytes);

  // Appends all of them or none. Not synced. Errors: read_only (no space), unavailable.
  [[nodiscard]] Result<void> append(std::span<const AuditEntry> entries);
  [[nodiscard]] Result<void> sync();  // what was appended is on the disk
  [[nodiscard]] const AuditChain& chain() const { return chain_; }

 private:
  AuditFile(std::string directory, std::uint64_t rotate_bytes)
      : directory_(std::move(directory)), rotate_bytes_(rotate_bytes) {}
  [[nodiscard]] Result<void> begin_file();
  [[nodiscard]] Result<void> go_on(const std::string& path, const LogSink& log);

  std::string directory_;
  std::uint64_t rotate_bytes_;
  FileHandle file_;
  std::uint64_t size_ = 0;
  AuditChain chain_;
};

// Reads what an AuditFile writes, from another thread or after it. One thread.
class AuditFileReader final : public AuditSource {
 public:
  explicit AuditFileReader(std::string directory) : directory_(std::move(directory)) {}
  Result<std::vector<AuditLine>> read(std::uint64_t n, std::size_t at_most) override;
  Result<std::uint64_t> first_since(Wall time) override;

 private:
  const std::string directory_;
  // Where the last read ended, so that the next goes on there.
  std::string last_file_;
  std::uint64_t last_n_ = 0, last_offset_ = 0;
  Wall last_time_{};
};

// What a whole directory's chain is worth; `findings` empty = sound.
struct AuditChainReport {
  std::uint64_t lines = 0;
  AuditChain end;
  std::vector<std::string> findings;
};
[[nodiscard]] Result<AuditChainReport> verify_audit_files(const std::string& directory);

}  // namespace prismbus
