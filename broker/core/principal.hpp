// Who asks, as far as one request goes: a later one of the same may be judged by other rules. Value type.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/access.hpp"
#include "broker/core/revocations.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

struct Principal {
  static constexpr std::chrono::seconds kLeeway{60};  // of a token's end, for clocks that disagree

  std::string name;
  AccessPtr access{};
  std::optional<Wall> expires{};  // of its token
  std::optional<Wall> issued{};
  std::string token_hash{};  // SHA-256 in hex; empty: none was shown

  [[nodiscard]] Result<void> authorise(Right right, std::string_view ns) const {
    return access->authorise(right, ns);
  }
  [[nodiscard]] bool may_read(std::string_view ns) const { return access->may(Right::read, ns); }
  // Whether its token still counts: asked when a request comes in, and again when one that had to wait is
  // answered (I10). Errors: unauthenticated.
  [[nodiscard]] Result<void> check_token(const Revocations& revoked, Wall now) const;
};

}  // namespace prismbus
