#include "broker/daemon/check_command.hpp"

#include <fmt/format.h>

#include "broker/store/store.hpp"

namespace prismbus {

int run_check(const std::string& data_dir) {
  const auto report = audit(data_dir);
  if (!report) {
    fmt::print(stderr, "prismbusd check: {}\n", report.error().message);
    return 2;
  }
  for (const std::string& finding : report->findings) fmt::print("finding: {}\n", finding);
  fmt::print("{}: {} records to revision {}, folded to {}; {} entries in {} namespaces; {} sessions\n",
             data_dir, report->records, report->last.value(), report->folded.value(), report->entries,
             report->namespaces, report->sessions);
  if (report->findings.empty()) {
    fmt::print("sound\n");
    return 0;
  }
  fmt::print("{} findings\n", report->findings.size());
  return 1;
}

}  // namespace prismbus
