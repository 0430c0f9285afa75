// One line of the audit file: JSON, one object a line, each with the hash of the line before it, so that a
// line that was edited, deleted, put in or moved is found by whoever reads on. Never a value, never a token.
//   {"n":7,"time":1764279600123456,"utc":"2025-11-27T21:40:00Z","what":"refused","by":"alice",
//    "from":"127.0.0.1","op":"put","ns":["md.okx"],"code":"permission_denied","prev":"<hex>","hash":"<hex>"}
// n counts from 1 without a gap over all files; `hash` is SHA-256, in hex, of the line up to the comma before
// it. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/audit_record.hpp"

namespace prismbus {

// Something that happened, on its way to its line. What is empty is left out.
struct AuditEntry {
  std::string_view what;  // as PROTOCOL section 9 lists them; lives as long as the program
  Wall time{};
  std::string by, from, op, code, note;
  std::vector<std::string> ns, keys;
  std::uint64_t times = 1;
};

// The end of a chain: what the next line continues.
struct AuditChain {
  std::uint64_t n = 0;
  std::string hash = std::string(64, '0');
  friend bool operator==(const AuditChain&, const AuditChain&) = default;
};

// Appends the line that continues `chain`, with its end, and moves the chain on. Whatever is no plain text
// (controls, separators of lines, bytes that are no UTF-8) is escaped.
void append_audit_line(std::string& out, const AuditEntry& entry, AuditChain& chain);

struct AuditLine {
  AuditChain chain;  // after it
  std::string prev;
  AuditRecord record;
};
// Of a line without its end. The error says in words what it is not: no line of this format, or its hash is
// another. That it continues the one before is for the caller to see.
[[nodiscard]] Result<AuditLine, std::string> parse_audit_line(std::string_view line);

// Reads on: nothing, or the words why `line` does not continue `chain`, which then moved on all the same. The
// first line of all may be any: files from before it may have been put away.
class AuditVerifier {
 public:
  [[nodiscard]] Result<void, std::string> read(std::string_view line);
  [[nodiscard]] const AuditChain& chain() const { return chain_; }
  [[nodiscard]] std::uint64_t first() const { return first_; }  // 0: none was read

 private:
  AuditChain chain_;
  std::uint64_t first_ = 0;
};

}  // namespace prismbus
