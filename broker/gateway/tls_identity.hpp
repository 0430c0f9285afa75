// The TLS that new connections of the gateway get, of files that are looked at once a second. Files that
// cannot be taken leave the former ones in force, and are told: by the log, once. Connections keep what they
// began with. The gateway's thread.
#pragma once

#include <array>
#include <memory>

#include "broker/gateway/tls_context.hpp"
#include "proto/base/file_look.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

class TlsIdentity {
 public:
  // Errors: of load_tls_context().
  [[nodiscard]] static Result<std::unique_ptr<TlsIdentity>> open(const TlsFiles& files, LogSink log, Now now);

  [[nodiscard]] const std::shared_ptr<boost::asio::ssl::context>& context() const { return now_.context; }
  void step(Now now);

 private:
  TlsIdentity(TlsFiles files, LogSink log);
  void take(TlsContext made, Now now);
  void warn_of_end(Now now);

  const TlsFiles files_;
  const LogSink log_;
  std::array<FileLook, 3> looks_;
  TlsContext now_;
  bool waits_ = false;  // a change that could not be taken is tried once more: of two files one came first
  Steady warn_at_{};
};

}  // namespace prismbus
