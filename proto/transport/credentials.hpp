// What a client shows to a broker with security on: the broker's key, which it has to know beforehand, a key
// of its own, and a token that says who it is. All empty: the broker is one without security.
//
// A profile is a file of `NAME=value` lines, as `prismbus init --secure` prints them, `#` begins a comment:
//   PRISMBUS_BROKER           request endpoints, separated by commas
//   PRISMBUS_SERVER_KEY       the broker's public key, 40 characters of Z85
//   PRISMBUS_CLIENT_KEY_FILE  a file with the client's own secret key, where the broker keeps a list of
//   clients PRISMBUS_TOKEN_FILE       a file with the token, read anew at each `hello`: whoever renews it
//   writes it there PRISMBUS_TOKEN            the token itself (the file is better: the environment of a
//   process can be read)
// The environment has the same names, and PRISMBUS_PROFILE for the file. Paths in a profile are relative to
// it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/transport/curve.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

struct Credentials {
  std::string server_key{};  // empty: the connection is not encrypted
  CurveKeyPair own{};        // empty: a new one for each connection object
  std::string token{};       // empty: none
  std::string token_file{};  // wins over `token`

  // The token to show now. not_found, permission_denied, too_large: the file (named) cannot be read.
  [[nodiscard]] Result<std::string> token_now() const;
  // invalid_argument, naming the field: a malformed key, a token that cannot stand in a message, or a token
  // that would go over the wire in the clear.
  [[nodiscard]] Result<void> check() const;
};

// What a profile and the environment say together; the environment wins.
struct Profile {
  std::vector<std::string> brokers;  // empty: none said
  Credentials credentials;
};
using NamedTexts = std::function<std::optional<std::string>(std::string_view name)>;  // nullopt: not set

// From PRISMBUS_... of `environment` and the profile `path` (empty: PRISMBUS_PROFILE, and none when that is
// not set). Errors name the file and line, or the variable: not_found, permission_denied, invalid_argument.
[[nodiscard]] Result<Profile> load_profile(const NamedTexts& environment, const std::string& path = {});
// What this process was started with. Not to be asked while another thread changes it.
[[nodiscard]] NamedTexts process_environment();

}  // namespace prismbus
