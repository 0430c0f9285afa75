// Looks each second whether clients.allow has changed, and tells whoever admits and whoever holds
// connections. A list that cannot be taken, or is gone, leaves the former one in force: nobody opens the door
// by moving a file. The log and the audit file tell of either. On the token thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/security/key_file_news.hpp"
#include "broker/security/security_files.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/file_look.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

using AllowedClientsPtr = std::shared_ptr<const AllowedClients>;

class ClientListAgent {
 public:
  // The queues outlive this. `told` are told in this order; the newest list in each counts.
  ClientListAgent(std::string path, std::vector<BoundedQueue<AllowedClientsPtr>*> told,
                  BoundedQueue<AuditEntry>& to_audit, LogSink log);
  std::size_t step(Now now);  // 1: another list was handed on

 private:
  FileLook look_;
  const std::vector<BoundedQueue<AllowedClientsPtr>*> told_;
  KeyFileNews news_;
};

}  // namespace prismbus
