#include "broker/security/key_file_news.hpp"

#include <fmt/format.h>

#include <utility>

#include "broker/core/ports.hpp"

namespace prismbus {

KeyFileNews::KeyFileNews(std::string_view what, BoundedQueue<AuditEntry>& to_audit, LogSink log)
    : what_(what), to_audit_(to_audit), log_(std::move(log)) {}

void KeyFileNews::taken(std::size_t keys) {
  if (log_) log_(LogLevel::info, LogLine(fmt::format("{}_taken", what_)).with("keys", keys).text());
  tell({}, fmt::format("read anew, {} {}", keys, keys == 1 ? "key" : "keys"));
}

void KeyFileNews::not_taken(const Error& why) {
  if (log_)
    log_(LogLevel::error, LogLine(fmt::format("{}_not_taken", what_)).with("why", why.message).text());
  tell(error_row(why.code).name, why.message);
}

void KeyFileNews::tell(std::string_view code, std::string note) {
  AuditEntry entry;
  entry.what = what_;
  entry.by = kBrokerPrincipal;
  entry.code = code;
  entry.note = std::move(note);
  if (!to_audit_.try_push(std::move(entry)) && log_)
    log_(LogLevel::error, LogLine("audit_line_lost").with("what", what_).text());
}

}  // namespace prismbus
