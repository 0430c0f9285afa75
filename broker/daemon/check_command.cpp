#include "broker/daemon/check_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "broker/daemon/exit_codes.hpp"
#include "broker/daemon/restore_command.hpp"
#include "broker/store/backup_reader.hpp"
#include "broker/store/guarded_audit.hpp"

namespace prismbus {
namespace {

int check_backup(const std::string& path) {
  const auto report = verify_backup(path);
  if (!report) {
    if (report.error().code != ErrorCode::internal) {
      fmt::print(stderr, "prismbusd check: {}\n", report.error().message);
      return exit_code::kUsage;
    }
    fmt::print("finding: {}\n1 finding\n", report.error().message);
    return exit_code::kFindings;
  }
  const auto count = [&report](BackupTable table) {
    return report->counts[static_cast<std::size_t>(table) - 1];
  };
  fmt::print(
      "{}: a backup of epoch {:016x}, {} bytes; {} records from revision {} to {}, folded to {}: {}\nsound\n",
      path, report->header.epoch.value(), report->bytes, count(BackupTable::log),
      report->header.floor.value() + 1, report->header.last.value(), report->header.folded.value(),
      contents_text(count(BackupTable::head), count(BackupTable::namespaces),
                    report->header.last.value() - report->header.folded.value()));
  return exit_code::kFine;
}

}  // namespace

int run_check(const std::string& what) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(what, ignored)) return check_backup(what);
  const auto report = guarded_audit(what);
  if (!report) {
    fmt::print(stderr, "prismbusd check: {}\n", report.error().message);
    return exit_code::kUsage;
  }
  for (const std::string& finding : report->findings) fmt::print("finding: {}\n", finding);
  fmt::print(
      "{}: {} records to revision {}, folded to {}; history from revision {}, journal after {}; {} entries "
      "in "
      "{} namespaces; {} sessions\n",
      what, report->records, report->last.value(), report->folded.value(),
      std::max(report->state_floor, report->journal_floor).value(), report->journal_floor.value(),
      report->entries, report->namespaces, report->sessions);
  if (report->findings.empty()) {
    fmt::print("sound\n");
    return exit_code::kFine;
  }
  fmt::print("{} finding{}\n", report->findings.size(), report->findings.size() == 1 ? "" : "s");
  return exit_code::kFindings;
}

}  // namespace prismbus
