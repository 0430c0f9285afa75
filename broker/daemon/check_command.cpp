#include "broker/daemon/check_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "broker/daemon/exit_codes.hpp"
#include "broker/daemon/restore_command.hpp"
#include "broker/security/audit_file.hpp"
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
      "{}: a backup of epoch {:016x}, {} bytes; {} records from revision {} to {}, folded to {}: {}\n"
      "{}sound\n",
      path, report->header.epoch.value(), report->bytes, count(BackupTable::log),
      report->header.floor.value() + 1, report->header.last.value(), report->header.folded.value(),
      contents_text(count(BackupTable::head), count(BackupTable::namespaces),
                    report->header.last.value() - report->header.folded.value()),
      sealed_text(report->sealed_by));
  return exit_code::kFine;
}

// The chain of the audit files beside the store; there are none where security never was on.
std::vector<std::string> check_audit_files(const std::string& data_dir) {
  const std::string directory = data_dir + "/audit";
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory, ignored)) return {};
  const auto report = verify_audit_files(directory);
  if (!report) return {report.error().message};
  fmt::print("{}: {} lines to {}, hash {}\n", directory, report->lines, report->end.n, report->end.hash);
  return report->findings;
}

}  // namespace

int run_check(const std::string& what) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(what, ignored)) return check_backup(what);
  if (!std::filesystem::exists(what, ignored)) {
    fmt::print(stderr, "prismbusd check: {}: No such file or directory\n", what);
    return exit_code::kUsage;
  }
  const auto report = guarded_audit(what);
  if (!report) {
    fmt::print(stderr, "prismbusd check: {}\n", report.error().message);
    return exit_code::kUsage;
  }
  std::vector<std::string> findings = report->findings;
  for (std::string& finding : check_audit_files(what)) findings.push_back(std::move(finding));
  for (const std::string& finding : findings) fmt::print("finding: {}\n", finding);
  fmt::print(
      "{}: {} records to revision {}, folded to {}; history from revision {}, journal after {}; {} entries "
      "in "
      "{} namespaces; {} sessions\n",
      what, report->records, report->last.value(), report->folded.value(),
      std::max(report->state_floor, report->journal_floor).value(), report->journal_floor.value(),
      report->entries, report->namespaces, report->sessions);
  fmt::print("{}", sealed_text(report->sealed_by));
  if (findings.empty()) {
    fmt::print("sound\n");
    return exit_code::kFine;
  }
  fmt::print("{} finding{}\n", findings.size(), findings.size() == 1 ? "" : "s");
  return exit_code::kFindings;
}

}  // namespace prismbus
