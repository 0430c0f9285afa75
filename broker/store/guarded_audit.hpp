// An audit that damage cannot take along. LMDB's own pages carry no checksum: a flipped bit in one may send
// whoever walks it out of the map. So the audit runs in a child process, and its death, or its not coming to
// an end, is a finding that names the environment. For programs without threads (it forks).
#pragma once

#include <string>

#include "broker/store/store.hpp"

namespace prismbus {

// As audit(dir). What a child that died would have found besides is not known: the report then holds one
// finding, which says what to do.
[[nodiscard]] Result<AuditReport> guarded_audit(const std::string& dir);

}  // namespace prismbus
