// Looks each second whether clients.allow has changed, and tells whoever admits and whoever holds
// connections. A list that cannot be taken, or is gone, leaves the former one in force, and is told: nobody
// opens the door by moving a file. On the token thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/security/security_files.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/file_look.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

using AllowedClientsPtr = std::shared_ptr<const AllowedClients>;

class ClientListAgent {
 public:
  // The queues outlive this and are told in this order; the newest list in each counts.
  ClientListAgent(std::string path, std::vector<BoundedQueue<AllowedClientsPtr>*> told, LogSink log);
  std::size_t step(Now now);  // 1: another list was handed on

 private:
  void warn(const std::string& why) const;

  FileLook look_;
  const std::vector<BoundedQueue<AllowedClientsPtr>*> told_;
  const LogSink log_;
};

}  // namespace prismbus
