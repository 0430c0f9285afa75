#include "subscriber/view/sync_report.hpp"

#include <algorithm>

namespace prismbus {

std::string_view name_of(SyncKind kind) {
  static constexpr std::array<std::string_view, 3> kNames{"full_sync", "incremental_sync", "selective_sync"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(SyncHow how) {
  static constexpr std::array<std::string_view, 3> kNames{"nothing", "changes", "snapshot"};
  return kNames[static_cast<std::size_t>(how)];
}

std::string_view name_of(ResyncReason reason) {
  static constexpr std::array<std::string_view, kResyncReasons> kNames{
      "content_hash", "incomplete", "compacted", "unknown_seq", "other_history", "asked"};
  return kNames[static_cast<std::size_t>(reason)];
}

bool SyncReport::complete() const {
  return std::none_of(namespaces.begin(), namespaces.end(),
                      [](const NamespaceSync& sync) { return sync.error.has_value(); });
}

}  // namespace prismbus
