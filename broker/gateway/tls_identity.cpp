#include "broker/gateway/tls_identity.hpp"

#include <fmt/chrono.h>

#include <utility>

namespace prismbus {
namespace {

constexpr std::chrono::hours kWarnAgain{1};
constexpr std::chrono::hours kWarnBefore{14 * 24};

std::string date_of(Wall time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace

TlsIdentity::TlsIdentity(TlsFiles files, LogSink log)
    : files_(std::move(files)),
      log_(std::move(log)),
      looks_{FileLook(files_.certificate), FileLook(files_.key), FileLook(files_.client_ca)} {}

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::open(const TlsFiles& files, LogSink log, Now now) {
  std::unique_ptr<TlsIdentity> identity(new TlsIdentity(files, std::move(log)));
  auto made = load_tls_context(files);
  if (!made) return tl::unexpected(made.error());
  identity->take(std::move(*made), now);
  return identity;
}

void TlsIdentity::step(Now now) {
  bool changed = false;
  for (FileLook& look : looks_) changed |= look.changed(now);
  if (changed) {
    auto made = load_tls_context(files_);
    if (!made && !std::exchange(waits_, true)) return;
    waits_ = false;
    for (FileLook& look : looks_) look.taken();
    if (made)
      take(std::move(*made), now);
    else
      log_(LogLevel::error,
           LogLine("gateway_certificate_not_taken").with("why", made.error().message).text());
  }
  warn_of_end(now);
}

void TlsIdentity::take(TlsContext made, Now now) {
  now_ = std::move(made);
  log_(LogLevel::info, LogLine("gateway_certificate_taken")
                           .with("file", files_.certificate)
                           .with("ends", date_of(now_.ends))
                           .with("client_certificates", !files_.client_ca.empty())
                           .text());
  warn_at_ = {};
  warn_of_end(now);
}

// Served all the same: clients judge it, and a broker that does not start helps none of them.
void TlsIdentity::warn_of_end(Now now) {
  const bool early = now.wall < now_.begins;
  if ((!early && now.wall + kWarnBefore < now_.ends) || now.steady < warn_at_) return;
  warn_at_ = now.steady + kWarnAgain;
  log_(LogLevel::warn, LogLine(early                   ? "gateway_certificate_not_yet_valid"
                               : now.wall >= now_.ends ? "gateway_certificate_expired"
                                                       : "gateway_certificate_expires")
                           .with("file", files_.certificate)
                           .with("begins", date_of(now_.begins))
                           .with("ends", date_of(now_.ends))
                           .text());
}

}  // namespace prismbus
