// CURVE, libzmq's encryption and proof of keys. Keys are Z85 text of 40 characters, as libzmq's own tools
// write them. A server shows its public key to nobody: clients have to know it beforehand.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "proto/wire/error.hpp"

namespace prismbus {

inline constexpr std::size_t kCurveKeyChars = 40;

struct CurveKeyPair {
  std::string public_key, secret_key;
  // A new one. `internal` when libzmq was built without CURVE.
  [[nodiscard]] static Result<CurveKeyPair> fresh();
  // The pair of a secret key. invalid_argument when it is not 40 characters of Z85.
  [[nodiscard]] static Result<CurveKeyPair> of_secret(std::string_view secret_key);
  friend bool operator==(const CurveKeyPair&, const CurveKeyPair&) = default;
};

[[nodiscard]] bool is_curve_key(std::string_view text);

// The sides of a socket that speaks CURVE.
struct CurveServer {
  std::string secret_key;
};
struct CurveClient {
  std::string server_key;  // the broker's public key
  CurveKeyPair own;
};
using Curve = std::variant<std::monostate, CurveServer, CurveClient>;  // monostate: plain

}  // namespace prismbus
