// What a broker has only with security on: its files, the agent that verifies tokens, the audit file and its
// agent, and the queues between them and the bus. Owned by the composition.
#pragma once

#include <memory>
#include <string>

#include "broker/core/doors.hpp"
#include "broker/core/pipeline.hpp"
#include "broker/daemon/settings.hpp"
#include "broker/security/audit_agent.hpp"
#include "broker/security/security_files.hpp"
#include "broker/security/token_agent.hpp"
#include "proto/base/waker.hpp"

namespace prismbus {

class Secured {
 public:
  // Opens the audit file and writes there that the broker begins. The data directory is held by this broker.
  // The wakers outlive this. Errors: of the audit directory.
  [[nodiscard]] static Result<std::unique_ptr<Secured>> open(const Settings& settings, SecurityFiles files,
                                                             Waker& tokens, Waker& journal, Waker& bus,
                                                             const LogSink& log);

  [[nodiscard]] const SecurityFiles& files() const { return files_; }
  // Who asks at those doors, which outlive it.
  [[nodiscard]] std::unique_ptr<Authoriser> authoriser(Doors& doors);
  [[nodiscard]] AuditQueues audit_queues() { return {&to_audit_, &from_audit_}; }
  [[nodiscard]] TokenAgent& tokens() { return tokens_; }
  [[nodiscard]] AuditAgent& audit() { return audit_; }
  [[nodiscard]] AuditSource& audit_lines() { return lines_; }

 private:
  Secured(const Settings& settings, SecurityFiles files, std::string audit_directory, AuditFile audit,
          Waker& tokens, Waker& journal, Waker& bus, const LogSink& log);

  const SecurityFiles files_;
  BoundedQueue<TokenJob> to_verify_;
  BoundedQueue<TokenDone> from_verify_;
  BoundedQueue<AuditOrder> to_audit_;
  BoundedQueue<AuditOutcome> from_audit_;
  TokenAgent tokens_;
  AuditAgent audit_;
  AuditFileReader lines_;
};

}  // namespace prismbus
