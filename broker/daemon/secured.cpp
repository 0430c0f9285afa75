#include "broker/daemon/secured.hpp"

#include <utility>

#include "broker/daemon/threads.hpp"
#include "broker/security/token_desk.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kTokens = 8192;      // requests that wait for a token to be verified
constexpr std::size_t kClientLists = 4;    // the newest one counts
constexpr std::size_t kAuditOrders = 256;  // one a step of the bus, and one an operation that waits
constexpr std::size_t kAuditNews = 16;     // two a second at most; the bus takes them ten times a second

TokenRules rules_of(const Settings& settings) {
  TokenRules rules;
  if (!settings.token_issuer.empty()) rules.issuer = settings.token_issuer;
  if (!settings.token_audience.empty()) rules.audience = settings.token_audience;
  return rules;
}

}  // namespace

Result<std::unique_ptr<Secured>> Secured::open(const Settings& settings, SecurityFiles files, Wakers& wakers,
                                               const LogSink& log) {
  std::string directory = settings.audit_dir.empty() ? settings.data_dir + "/audit" : settings.audit_dir;
  auto audit = AuditFile::open(directory, log);
  if (!audit) return tl::unexpected(audit.error());
  std::unique_ptr<Secured> secured(
      new Secured(settings, std::move(files), std::move(directory), std::move(*audit), wakers, log));
  const Now now = read_clock();
  if (auto begun = secured->audit_.begin(now); !begun) return tl::unexpected(begun.error());
  // Whoever keeps the log elsewhere has there how the chain stood.
  const AuditChain& chain = secured->audit_.chain();
  log(LogLevel::info, LogLine("audit").with("line", chain.n).with("hash", chain.hash).text());
  return secured;
}

Secured::Secured(const Settings& settings, SecurityFiles files, std::string audit_directory, AuditFile audit,
                 Wakers& wakers, const LogSink& log)
    : files_(std::move(files)),
      to_verify_(kTokens, &wakers.tokens),
      from_verify_(kTokens, &wakers.bus),
      to_audit_(kAuditOrders, &wakers.journal),
      from_audit_(kAuditOrders, &wakers.bus),
      audit_news_(kAuditNews, &wakers.bus),
      to_admission_(kClientLists, &wakers.admission),
      to_bus_(kClientLists, &wakers.bus),
      clients_(files_.allowed, to_bus_, log),
      tokens_(files_.keys_file, TokenVerifier(files_.token_keys, rules_of(settings)), to_verify_,
              from_verify_, audit_news_, log),
      client_list_(files_.clients_file, {&to_bus_, &to_admission_}, audit_news_, log),
      audit_(std::move(audit), to_audit_, from_audit_, log),
      lines_(std::move(audit_directory)) {}

std::unique_ptr<Authoriser> Secured::authoriser(Doors& doors) {
  return std::make_unique<TokenDesk>(to_verify_, from_verify_, doors,
                                     [&doors](ConnectionId connection) { doors.drop(connection); });
}

}  // namespace prismbus
