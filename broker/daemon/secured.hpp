// What a broker has only with security on: its files, the agent that verifies tokens, the audit file and its
// agent, and the queues between them and the bus. Owned by the composition.
#pragma once

#include <memory>
#include <string>

#include "broker/core/doors.hpp"
#include "broker/core/pipeline.hpp"
#include "broker/daemon/settings.hpp"
#include "broker/net/listed_clients.hpp"
#include "broker/security/audit_agent.hpp"
#include "broker/security/client_list_agent.hpp"
#include "broker/security/security_files.hpp"
#include "broker/security/token_agent.hpp"

namespace prismbus {

struct Wakers;

class Secured {
 public:
  // Opens the audit file and writes there that the broker begins. The data directory is held by this broker.
  // The wakers outlive this. Errors: of the audit directory.
  [[nodiscard]] static Result<std::unique_ptr<Secured>> open(const Settings& settings, SecurityFiles files,
                                                             Wakers& wakers, const LogSink& log);

  [[nodiscard]] const SecurityFiles& files() const { return files_; }
  // Who asks at those doors, which outlive it.
  [[nodiscard]] std::unique_ptr<Authoriser> authoriser(Doors& doors);
  [[nodiscard]] AuditQueues audit_queues() { return {&to_audit_, &from_audit_, &audit_news_}; }
  [[nodiscard]] TokenAgent& tokens() { return tokens_; }
  [[nodiscard]] ClientListAgent& client_list() { return client_list_; }
  [[nodiscard]] ListedClients& clients() { return clients_; }
  [[nodiscard]] BoundedQueue<AllowedClientsPtr>& lists_to_admission() { return to_admission_; }
  [[nodiscard]] AuditAgent& audit() { return audit_; }
  [[nodiscard]] AuditSource& audit_lines() { return lines_; }

 private:
  Secured(const Settings& settings, SecurityFiles files, std::string audit_directory, AuditFile audit,
          Wakers& wakers, const LogSink& log);

  const SecurityFiles files_;
  BoundedQueue<TokenJob> to_verify_;
  BoundedQueue<TokenDone> from_verify_;
  BoundedQueue<AuditOrder> to_audit_;
  BoundedQueue<AuditOutcome> from_audit_;
  BoundedQueue<AuditEntry> audit_news_;
  BoundedQueue<AllowedClientsPtr> to_admission_, to_bus_;
  ListedClients clients_;
  TokenAgent tokens_;
  ClientListAgent client_list_;
  AuditAgent audit_;
  AuditFileReader lines_;
};

}  // namespace prismbus
