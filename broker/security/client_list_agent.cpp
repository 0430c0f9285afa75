#include "broker/security/client_list_agent.hpp"

#include <algorithm>
#include <utility>

namespace prismbus {

ClientListAgent::ClientListAgent(std::string path, std::vector<BoundedQueue<AllowedClientsPtr>*> told,
                                 BoundedQueue<AuditEntry>& to_audit, LogSink log)
    : look_(std::move(path)), told_(std::move(told)), news_("client_list", to_audit, std::move(log)) {}

std::size_t ClientListAgent::step(Now now) {
  if (!look_.changed(now)) return 0;
  auto list = load_allowed_clients(look_.path());
  if (!list || *list == nullptr) {
    news_.not_taken(
        list ? error_of(ErrorCode::not_found, look_.path() + " is gone: the former list stays in force")
             : list.error());
    look_.taken();
    return 0;
  }
  const bool all = std::all_of(told_.begin(), told_.end(),
                               [&list](auto* queue) { return queue->try_push(AllowedClientsPtr(*list)); });
  if (!all) return 0;  // the next look tells them again
  look_.taken();
  news_.taken((*list)->size());
  return 1;
}

}  // namespace prismbus
