// What `audit` answers: who did what, oldest first, from the journal (each accepted write) and from the audit
// file (what is no write, and what was refused). Never a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/base/strong.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

struct AuditRecord {
  std::string what;  // "write" (of the journal); "login", "admin", "refused", ... (of the audit file)
  Wall time{};
  std::string by;               // a principal; empty: nobody showed who he is
  std::vector<std::string> ns;  // namespaces it is about
  std::optional<std::string> op;
  std::optional<std::string> note;
  // Of a write.
  std::optional<Revision> rev;
  std::uint64_t changes = 0;
  // Of the audit file.
  std::optional<std::string> from;    // the address it came from
  std::optional<std::string> code;    // why it was refused, as in errors
  std::uint64_t times = 1;            // equal ones told in one line
  std::optional<std::string> line{};  // as it stands in the file, without its end: what its hash is of
  friend bool operator==(const AuditRecord&, const AuditRecord&) = default;
};

struct AuditReply {
  std::vector<AuditRecord> records;
  bool more = false;
  std::optional<std::string> after;
};

}  // namespace prismbus
