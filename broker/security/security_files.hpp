// What `prismbus init --secure DIR` made, read and judged before anything is bound: the broker starts with
// all of it or not at all. Nothing of a secret stands in an error; each names the file.
//   curve.secret   the broker's CURVE secret key, 40 characters of Z85
//   tokens.jwks    keys that verify tokens
//   stream.master  32 random bytes, the same on every broker of a cluster
//   clients.allow  optional: CURVE public keys, one a line; then nobody else is admitted
#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "proto/seal/stream_key.hpp"
#include "proto/token/token_keys.hpp"
#include "proto/transport/curve.hpp"

namespace prismbus {

using AllowedClients = std::unordered_set<std::string>;  // public keys as Z85

// Null: there is no such file. Errors: as of SecurityFiles.
[[nodiscard]] Result<std::shared_ptr<const AllowedClients>> load_allowed_clients(const std::string& path);

struct SecurityFiles {
  std::string keys_file, clients_file;  // tokens.jwks and clients.allow, to be looked at again
  CurveKeyPair curve;
  TokenKeys token_keys;
  StreamKey stream_master;
  std::shared_ptr<const AllowedClients> allowed;  // null: whoever knows the broker's key

  // Errors: not_found, invalid_argument (open to others, another's, a link, too short, no random bytes),
  // too_large, unavailable.
  [[nodiscard]] static Result<SecurityFiles> load(const std::string& directory);
};

}  // namespace prismbus
