// Reading the audit file: pages of it, and the whole chain.
#include <fmt/format.h>

#include <algorithm>

#include "broker/security/audit_file.hpp"
#include "broker/security/audit_listing.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kFindingsMax = 64;

// Calls `each(line)` with whole lines until it answers false; what is behind the last end is being written.
template <class Each>
void each_line(std::string_view text, Each each) {
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    if (!each(text.substr(0, end))) return;
    text.remove_prefix(end + 1);
  }
}

// A line that is none any more hides neither itself nor those behind it: whoever verifies meets it.
AuditLine unreadable(std::string_view line, std::string why, std::uint64_t n, Wall time) {
  AuditLine out;
  out.chain.n = n;
  out.record.what = "unreadable";
  out.record.time = time;
  out.record.note = std::move(why);
  out.record.line = std::string(line);
  return out;
}

}  // namespace

Result<std::vector<AuditLine>> AuditFileReader::read(std::uint64_t n, std::size_t at_most) {
  std::vector<AuditLine> lines;
  const auto files = list_audit_files(directory_);
  if (!files) return tl::unexpected(files.error());
  for (std::size_t i = 0; i < files->size(); ++i) {
    const AuditListing& file = (*files)[i];
    if (i + 1 < files->size() && (*files)[i + 1].first <= n) continue;
    const bool goes_on = file.path == last_file_ && n >= last_n_;
    std::uint64_t offset = goes_on ? last_offset_ : 0;
    const auto text = read_audit_text(file.path, offset);
    if (!text) return tl::unexpected(text.error());
    std::uint64_t next = goes_on ? last_n_ : file.first;
    Wall time = goes_on ? last_time_ : Wall{};
    each_line(*text, [&](std::string_view line) {
      if (lines.size() >= at_most) return false;
      auto parsed = parse_audit_line(line);
      AuditLine read = parsed ? std::move(*parsed) : unreadable(line, parsed.error(), next, time);
      offset += line.size() + 1;
      next = read.chain.n + 1;
      time = read.record.time;
      if (read.chain.n >= n) lines.push_back(std::move(read));
      return true;
    });
    last_n_ = next;
    last_time_ = time;
    last_file_ = file.path;
    last_offset_ = offset;
    if (lines.size() >= at_most) break;
  }
  return lines;
}

Result<std::uint64_t> AuditFileReader::first_since(Wall time) {
  const auto files = list_audit_files(directory_);
  if (!files) return tl::unexpected(files.error());
  for (auto file = files->rbegin(); file != files->rend(); ++file) {
    const auto text = read_audit_text(file->path, 0);
    if (!text) return tl::unexpected(text.error());
    std::uint64_t first = 0;
    bool begins_before = false;
    each_line(*text, [&](std::string_view line) {
      const auto parsed = parse_audit_line(line);
      if (!parsed) return true;  // read() says so
      const bool is_before = parsed->record.time < time;
      begins_before = begins_before || is_before;
      first = parsed->chain.n + (is_before ? 1 : 0);
      return is_before;
    });
    if (begins_before) return first;
  }
  return files->empty() ? 1 : files->front().first;
}

Result<AuditChainReport> verify_audit_files(const std::string& directory) {
  const auto files = list_audit_files(directory);
  if (!files) return tl::unexpected(files.error());
  AuditChainReport report;
  AuditVerifier verifier;
  const auto found = [&report](const std::string& what) {
    if (report.findings.size() < kFindingsMax) report.findings.push_back(what);
  };
  for (const AuditListing& file : *files) {
    const auto text = read_audit_text(file.path, 0);
    if (!text) {
      found(text.error().message);
      continue;
    }
    bool is_first = true;
    each_line(*text, [&](std::string_view line) {
      ++report.lines;
      if (auto read = verifier.read(line); !read) found(fmt::format("{}: {}", file.path, read.error()));
      if (is_first && verifier.chain().n != file.first)
        found(fmt::format("{}: begins with line {}", file.path, verifier.chain().n));
      is_first = false;
      return true;
    });
    if (!text->empty() && text->back() != '\n' && &file != &files->back())
      found(fmt::format("{}: its last line is torn", file.path));
  }
  report.end = verifier.chain();
  return report;
}

}  // namespace prismbus
