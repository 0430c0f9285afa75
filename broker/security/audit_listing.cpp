#include "broker/security/audit_listing.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "proto/base/checked_file.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kPrefix = "audit-", kSuffix = ".jsonl";
constexpr std::size_t kDigits = 20;
constexpr std::uint64_t kFileMax = 1u << 30;

}  // namespace

std::string audit_file_path(const std::string& directory, std::uint64_t first) {
  return fmt::format("{}/{}{:020}{}", directory, kPrefix, first, kSuffix);
}

Result<std::vector<AuditListing>> list_audit_files(const std::string& directory) {
  std::vector<AuditListing> files;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(directory, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (name.size() != kPrefix.size() + kDigits + kSuffix.size() || !name.starts_with(kPrefix) ||
        !name.ends_with(kSuffix))
      continue;
    std::uint64_t first = 0;
    const char* const digits = name.data() + kPrefix.size();
    if (std::from_chars(digits, digits + kDigits, first).ptr != digits + kDigits) continue;
    files.push_back({first, at->path().string()});
  }
  if (failed) return tl::unexpected(system_error("looking into " + directory, failed.value()));
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return files;
}

Result<std::string> read_audit_text(const std::string& path, std::uint64_t offset) {
  FileTrust trust;
  trust.refused = kOthersWrite;
  trust.size_max = kFileMax;
  const auto file = open_checked_file(AT_FDCWD, path.c_str(), trust);
  if (!file) return tl::unexpected(file_error(file.error(), path));
  std::string text(static_cast<std::size_t>(file->size - std::min(file->size, offset)), '\0');
  if (::lseek(file->handle.get(), static_cast<off_t>(offset), SEEK_SET) < 0)
    return tl::unexpected(system_error("reading " + path, errno));
  const auto had = read_fully(file->handle, text.data(), text.size());
  if (!had) return tl::unexpected(file_error(had.error(), path));
  text.resize(*had);
  return text;
}

AuditChain chain_before(const std::string& directory, const std::string& path) {
  AuditChain chain;
  const auto files = list_audit_files(directory);
  if (!files) return chain;
  for (const AuditListing& file : *files) {
    if (file.path == path) break;
    const auto text = read_audit_text(file.path, 0);
    if (!text || text->size() < 2) continue;
    const std::string_view lines = std::string_view(*text).substr(0, text->size() - 1);
    const std::size_t last = lines.rfind('\n');
    if (auto line = parse_audit_line(last == std::string_view::npos ? lines : lines.substr(last + 1)))
      chain = std::move(line->chain);
  }
  return chain;
}

}  // namespace prismbus
