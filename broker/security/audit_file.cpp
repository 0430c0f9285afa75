#include "broker/security/audit_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "broker/security/audit_listing.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

constexpr mode_t kDirectoryMode = 0700, kFileMode = 0600;

unexpected<Error> system_failed(std::string_view doing, const std::string& path) {
  return tl::unexpected(system_error(fmt::format("{} {}", doing, path), errno));
}

}  // namespace

Result<AuditFile> AuditFile::open(std::string directory, const LogSink& log, std::uint64_t rotate_bytes) {
  AuditFile file(std::move(directory), rotate_bytes);
  if (::mkdir(file.directory_.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
    return system_failed("creating", file.directory_);
  const auto files = list_audit_files(file.directory_);
  if (!files) return tl::unexpected(files.error());
  auto opened = files->empty() ? file.begin_file() : file.go_on(files->back().path, log);
  if (!opened) return tl::unexpected(opened.error());
  return file;
}

Result<void> AuditFile::begin_file() {
  const std::string path = audit_file_path(directory_, chain_.n + 1);
  FileHandle begun =
      open_without_links(AT_FDCWD, path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND, kFileMode);
  if (!begun) return system_failed("creating", path);
  if (auto synced = sync_directory(directory_); !synced) {
    ::unlink(path.c_str());
    return synced;
  }
  file_ = std::move(begun);
  size_ = 0;
  return {};
}

Result<void> AuditFile::go_on(const std::string& path, const LogSink& log) {
  const auto text = read_audit_text(path, 0);
  if (!text) return tl::unexpected(text.error());
  const std::size_t whole = text->rfind('\n') == std::string::npos ? 0 : text->rfind('\n') + 1;
  file_ = open_without_links(AT_FDCWD, path.c_str(), O_RDWR | O_APPEND);
  if (!file_) return system_failed("opening", path);
  size_ = whole;
  if (whole < text->size()) {
    if (::ftruncate(file_.get(), static_cast<off_t>(whole)) != 0) return system_failed("cutting", path);
    log(LogLevel::warn,
        LogLine("audit_line_torn").with("file", path).with("bytes", text->size() - whole).text());
  }
  if (whole == 0) {  // begun, and nothing written: its name says what comes
    chain_ = chain_before(directory_, path);
    return {};
  }
  std::string_view lines(*text);
  lines = lines.substr(0, whole - 1);
  const std::size_t last = lines.rfind('\n');
  auto line = parse_audit_line(last == std::string_view::npos ? lines : lines.substr(last + 1));
  if (!line) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: its last line {}: move the audit files away to begin anew", path, line.error()));
  }
  chain_ = std::move(line->chain);
  return {};
}

Result<void> AuditFile::append(std::span<const AuditEntry> entries) {
  if (size_ >= rotate_bytes_) {
    // What stands in the former file has to be there before anything follows it.
    if (auto synced = sync(); !synced) return synced;
    if (auto begun = begin_file(); !begun) return begun;
  }
  AuditChain chain = chain_;
  std::string bytes;
  for (const AuditEntry& entry : entries) append_audit_line(bytes, entry, chain);
  std::string_view left = bytes;
  while (!left.empty()) {
    const ssize_t written = ::write(file_.get(), left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      auto failed = system_failed("writing", directory_);
      // Half a line would end the chain. Should even that fail, the next start cuts it off.
      if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0)
        return system_failed("cutting", directory_);
      return failed;
    }
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  size_ += bytes.size();
  chain_ = std::move(chain);
  return {};
}

Result<void> AuditFile::sync() {
  if (::fdatasync(file_.get()) != 0) return system_failed("syncing", directory_);
  return {};
}

}  // namespace prismbus
