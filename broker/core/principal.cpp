#include "broker/core/principal.hpp"

namespace prismbus {

Result<void> Principal::check_token(const Revocations& revoked, Wall now) const {
  if (token_hash.empty()) return {};
  if (expires && now >= *expires + kLeeway)
    return tl::unexpected(error_of(ErrorCode::unauthenticated, "the token has expired"));
  if (revoked.revoke(name, issued, token_hash))
    return tl::unexpected(error_of(ErrorCode::unauthenticated, "the token was revoked"));
  return {};
}

}  // namespace prismbus
