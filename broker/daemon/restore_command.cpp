#include "broker/daemon/restore_command.hpp"

#include <fmt/format.h>

#include <string>

#include "broker/daemon/exit_codes.hpp"
#include "broker/store/restore.hpp"

namespace prismbus {

// A backup taken right after its writes holds them in its journal only; the state has them at the first
// start.
std::string contents_text(std::uint64_t entries, std::uint64_t namespaces, std::uint64_t unfolded) {
  const std::string folded = fmt::format("{} entries in {} namespaces", entries, namespaces);
  return unfolded == 0 ? folded : fmt::format("{} and {} revisions on top of them", folded, unfolded);
}

std::string sealed_text(std::uint64_t sealed_by) {
  if (sealed_by == 0) return "";
  return fmt::format(
      "values of secret namespaces are sealed: to serve them the stream.master {:016x} is "
      "needed\n",
      sealed_by);
}

int run_restore(const std::string& backup, const std::string& data_dir, bool replace) {
  const auto report = restore_backup({backup, data_dir, replace}, read_clock().wall);
  if (!report) {
    fmt::print(stderr, "prismbusd restore: {}\n", report.error().message);
    return exit_code::kFindings;
  }
  const std::uint64_t unfolded = report->audit.last.value() - report->audit.folded.value();
  fmt::print("{}: restored to revision {}: {}; epoch {:016x} (the backup's was {:016x})\n", data_dir,
             report->audit.last.value(),
             contents_text(report->audit.entries, report->audit.namespaces, unfolded), report->epoch.value(),
             report->backup.epoch.value());
  fmt::print("{}", sealed_text(report->audit.sealed_by));
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
