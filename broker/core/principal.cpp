#include "broker/core/principal.hpp"

#include "proto/token/token_fault.hpp"

namespace prismbus {

Result<void> Principal::check_token(const Revocations& revoked, Wall now) const {
  if (token_hash.empty()) return {};
  if (expires && now >= *expires + kLeeway) return refuse_token(TokenFault::expired, "the token has expired");
  if (revoked.revoke(name, issued, token_hash))
    return refuse_token(TokenFault::revoked, "the token was revoked");
  return {};
}

}  // namespace prismbus
