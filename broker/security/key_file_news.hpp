// Tells the log, and by way of the bus the audit file, that a file of keys was read anew while the broker
// serves, or why what stands there now was not taken. The thread of whoever looks at the file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/audit/audit_line.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/log.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

class KeyFileNews {
 public:
  // `what`: the kind of the audit record, and the beginning of the events in the log; lives as long as the
  // program. `to_audit` outlives this; when it is full the log alone tells.
  KeyFileNews(std::string_view what, BoundedQueue<AuditEntry>& to_audit, LogSink log);

  void taken(std::size_t keys);
  void not_taken(const Error& why);  // the former keys stay in force

 private:
  void tell(std::string_view code, std::string note);

  const std::string_view what_;
  BoundedQueue<AuditEntry>& to_audit_;
  const LogSink log_;
};

}  // namespace prismbus
