#include "broker/daemon/restore_command.hpp"

#include <fmt/format.h>

#include "broker/daemon/exit_codes.hpp"
#include "broker/store/restore.hpp"

namespace prismbus {

int run_restore(const std::string& backup, const std::string& data_dir, bool replace) {
  const auto report = restore_backup({backup, data_dir, replace}, read_clock().wall);
  if (!report) {
    fmt::print(stderr, "prismbusd restore: {}\n", report.error().message);
    return exit_code::kFindings;
  }
  fmt::print(
      "{}: restored to revision {}, {} entries in {} namespaces; epoch {:016x} (the backup's was {:016x})\n",
      data_dir, report->audit.last.value(), report->audit.entries, report->audit.namespaces,
      report->epoch.value(), report->backup.epoch.value());
  if (!report->put_by.empty()) fmt::print("what was there is now {}\n", report->put_by);
  return exit_code::kFine;
}

int run_rebuild(const std::string& data_dir, std::size_t map_bytes) {
  const auto report = rebuild_state(data_dir, map_bytes);
  if (!report) {
    fmt::print(stderr, "prismbusd rebuild: {}\n", report.error().message);
    return exit_code::kFindings;
  }
  fmt::print(
      "{}: the state was made from the journal up to revision {}: {} entries in {} namespaces; sound\n",
      data_dir, report->folded.value(), report->entries, report->namespaces);
  return exit_code::kFine;
}

}  // namespace prismbus
