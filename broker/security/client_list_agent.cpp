#include "broker/security/client_list_agent.hpp"

#include <algorithm>
#include <utility>

namespace prismbus {

ClientListAgent::ClientListAgent(std::string path, std::vector<BoundedQueue<AllowedClientsPtr>*> told,
                                 LogSink log)
    : look_(std::move(path)), told_(std::move(told)), log_(std::move(log)) {}

std::size_t ClientListAgent::step(Now now) {
  if (!look_.changed(now)) return 0;
  auto list = load_allowed_clients(look_.path());
  if (!list || *list == nullptr) {
    warn(list ? look_.path() + " is gone: the former list stays in force" : list.error().message);
    look_.taken();
    return 0;
  }
  const bool all = std::all_of(told_.begin(), told_.end(),
                               [&list](auto* queue) { return queue->try_push(AllowedClientsPtr(*list)); });
  if (!all) return 0;  // the next look tells them again
  look_.taken();
  if (log_) log_(LogLevel::info, LogLine("client_list_taken").with("keys", (*list)->size()).text());
  return 1;
}

void ClientListAgent::warn(const std::string& why) const {
  if (log_) log_(LogLevel::error, LogLine("client_list_not_taken").with("why", why).text());
}

}  // namespace prismbus
