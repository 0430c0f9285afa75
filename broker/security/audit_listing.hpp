// The files of an audit directory: which there are, and what stands in them. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/audit/audit_line.hpp"

namespace prismbus {

struct AuditListing {
  std::uint64_t first = 0;  // number of its first line
  std::string path;
};
[[nodiscard]] std::string audit_file_path(const std::string& directory, std::uint64_t first);
// By their first lines; other files are passed over. Errors: not_found (no such directory), unavailable.
[[nodiscard]] Result<std::vector<AuditListing>> list_audit_files(const std::string& directory);
// From `offset` on, whole or torn lines. Errors: of the file; invalid_argument (a link, no regular file).
[[nodiscard]] Result<std::string> read_audit_text(const std::string& path, std::uint64_t offset);
// The end of the chain in the files before `path`; its beginning when there are none.
[[nodiscard]] AuditChain chain_before(const std::string& directory, const std::string& path);

}  // namespace prismbus
