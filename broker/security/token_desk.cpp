#include "broker/security/token_desk.hpp"

#include <utility>

#include "proto/base/assert.hpp"
#include "proto/base/secret_bytes.hpp"
#include "proto/token/token_text.hpp"

namespace prismbus {
namespace {

Error unauthenticated(std::string message) {
  return error_of(ErrorCode::unauthenticated, std::move(message));
}

}  // namespace

// ---- what is known of tokens

const TokenDesk::Verified* TokenDesk::Memory::find(const std::string& hash) {
  if (const auto at = young_.find(hash); at != young_.end()) return &at->second;
  const auto at = old_.find(hash);
  if (at == old_.end()) return nullptr;
  Verified verified = std::move(at->second);
  old_.erase(at);
  put(hash, std::move(verified));
  return &young_.find(hash)->second;
}

void TokenDesk::Memory::put(const std::string& hash, Verified verified) {
  if (young_.size() >= half_) old_ = std::exchange(young_, {});
  young_.insert_or_assign(hash, std::move(verified));
}

void TokenDesk::Memory::clear() {
  young_.clear();
  old_.clear();
}

// ---- the desk

TokenDesk::TokenDesk(BoundedQueue<TokenJob>& to_verify, BoundedQueue<TokenDone>& from_verify, ReplySink& door,
                     Drop drop)
    : to_verify_(to_verify), from_verify_(from_verify), door_(door), drop_(std::move(drop)) {
  passing_.access = Access::nothing();
}

Authoriser::Answer TokenDesk::authenticate(const ReplyTo& from, std::string_view payload,
                                           const Request& request, Now now) {
  if (from.connection == kBrokerItself) {
    passing_ = {std::string(kBrokerPrincipal), Access::everything(), {}, {}, {}};
    return &passing_;
  }
  const bool is_hello = std::holds_alternative<HelloRequest>(request.body);
  if (request.token) return by_token(from, payload, std::string(*request.token), is_hello, now);
  if (!is_hello) return by_binding(from, payload, now);
  bindings_.erase(from.connection);
  passing_ = {"anonymous", Access::nothing(), {}, {}, {}};
  return &passing_;
}

Authoriser::Answer TokenDesk::by_token(const ReplyTo& from, std::string_view payload, std::string token,
                                       bool bind, Now now) {
  std::string hash = token_hash(token);
  const Verified* const verified = look_up(hash, now);
  if (verified == nullptr) return verify_later(from, payload, std::move(token), std::move(hash), now);
  if (verified->known == nullptr) return fail_of(from, verified->refused, now);
  const KnownPtr known = verified->known;
  Principal shown = principal_of(*known);
  if (const auto counts = shown.check_token(*rules_->revoked, now.wall); !counts)
    return fail_of(from, counts.error(), now);
  if (!bind) {
    passing_ = std::move(shown);
    return &passing_;
  }
  Binding& binding = bindings_[from.connection];
  wipe(binding.token);
  binding = {std::move(token), std::move(shown), known, rules_};
  return &binding.principal;
}

Authoriser::Answer TokenDesk::by_binding(const ReplyTo& from, std::string_view payload, Now now) {
  const auto at = bindings_.find(from.connection);
  if (at == bindings_.end()) return unauthenticated("this connection showed no token: say `hello` with one");
  Binding& binding = at->second;
  if (binding.known == nullptr) {  // the keys changed
    const std::string hash = token_hash(binding.token);
    const Verified* const verified = look_up(hash, now);
    if (verified == nullptr) return verify_later(from, payload, binding.token, hash, now);
    if (verified->known == nullptr) {
      count(verified->refused);
      return verified->refused;
    }
    binding.known = verified->known;
    binding.rules = nullptr;
  }
  if (binding.rules != rules_) {
    binding.principal = principal_of(*binding.known);
    binding.rules = rules_;
  }
  if (auto counts = binding.principal.check_token(*rules_->revoked, now.wall); !counts) {
    count(counts.error());
    return std::move(counts.error());
  }
  return &binding.principal;
}

Authoriser::Answer TokenDesk::verify_later(const ReplyTo& from, std::string_view payload, std::string token,
                                           std::string hash, Now now) {
  if (const auto wait = limits_.wait_of(door_.origin_of(from.connection), now); wait > wait.zero()) {
    ++failures_.throttled;
    return overloaded("too many bad tokens came from this address", static_cast<std::uint64_t>(wait.count()));
  }
  std::size_t& waiting = waiting_[from.connection];
  const bool taken =
      waiting < kWaitingOfOneMax &&
      to_verify_.try_push(TokenJob{from, std::string(payload), std::move(token), std::move(hash)});
  if (!taken) {
    if (waiting == 0) waiting_.erase(from.connection);
    return overloaded("too many requests wait for their tokens to be verified", 20);
  }
  ++waiting;
  return Later{};
}

// Null: to be verified.
const TokenDesk::Verified* TokenDesk::look_up(const std::string& hash, Now now) {
  if (const Verified* const known = known_.find(hash)) return known;
  const Verified* const refused = refused_.find(hash);
  return refused != nullptr && now.steady < refused->until ? refused : nullptr;
}

Authoriser::Answer TokenDesk::fail_of(const ReplyTo& from, const Error& error, Now now) {
  count(error);
  if (limits_.count(from.connection, door_.origin_of(from.connection), now)) drop_(from.connection);
  return error;
}

void TokenDesk::count(const Error& refusal) {
  ++failures_.by_fault[static_cast<std::size_t>(token_fault_of(refusal))];
}

Principal TokenDesk::principal_of(const Known& known) const {
  return {known.principal, std::make_shared<const Access>(known.principal, known.grants, rules_->policy),
          known.expires, known.issued, known.hash};
}

void TokenDesk::on_gone(ConnectionId connection) {
  if (const auto at = bindings_.find(connection); at != bindings_.end()) {
    wipe(at->second.token);
    bindings_.erase(at);
  }
  limits_.forget(connection);
}

std::size_t TokenDesk::take_verified(const std::function<void(const ReplyTo&, std::string_view)>& again) {
  done_.clear();
  from_verify_.drain(done_);
  for (TokenDone& done : done_) {
    if (done.keys_changed) {
      known_.clear();
      refused_.clear();
      for (auto& [connection, binding] : bindings_) binding.known = nullptr;
      continue;
    }
    wipe(done.token);
    if (const auto at = waiting_.find(done.to.connection); at != waiting_.end() && --at->second == 0)
      waiting_.erase(at);
    if (!done.claims) {
      refused_.put(done.hash, {nullptr, done.claims.error(), done.at + kRefusedFor});
    } else {
      TokenClaims& claims = *done.claims;
      auto grants = std::make_shared<const Access::Grants>(
          Access::Grants{std::move(claims.read), std::move(claims.write), std::move(claims.admin)});
      const std::optional<Wall> issued =
          claims.issued ? std::optional<Wall>(Wall(*claims.issued)) : std::nullopt;
      known_.put(done.hash,
                 {std::make_shared<const Known>(Known{std::move(claims.principal), done.hash,
                                                      std::move(grants), Wall(claims.expires), issued}),
                  {}});
    }
    again(done.to, done.payload);
  }
  return done_.size();
}

}  // namespace prismbus
