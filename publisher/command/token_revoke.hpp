// Makes tokens void at a broker: one, or all that a principal was issued up to a moment (`_system.revoked`).
// One thread.
#pragma once

#include <string>

#include "publisher/command/command.hpp"

namespace prismbus::command {

struct RevokedTokens {
  std::string file;         // of one token, `-` = standard input; or
  std::string sub, before;  // a principal, and a time; "" = now
  std::string reason;       // for whoever reads the list later; may be empty
};

[[nodiscard]] Outcome<void> revoke_tokens(const RevokedTokens& what, Invocation& in);

}  // namespace prismbus::command
