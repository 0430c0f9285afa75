#include "perf/security_directory.hpp"

#include <fmt/format.h>

#include <chrono>
#include <fstream>

#include "perf/server_process.hpp"
#include "proto/base/clock.hpp"
#include "proto/base/secret_bytes.hpp"
#include "proto/token/token_keys.hpp"
#include "proto/token/token_signer.hpp"

namespace prismbus::perf {
namespace {

constexpr std::chrono::seconds kCommandDeadline{20};
constexpr std::chrono::hours kLifetime{12};

}  // namespace

Result<SecurityDirectory, std::string> SecurityDirectory::make(const std::string& command,
                                                               const std::string& parent,
                                                               const std::string& name) {
  SecurityDirectory made;
  made.path_ = parent + "/security-" + name;
  const std::string log = made.path_ + "-command", token_file = made.path_ + "/load.token";
  if (auto done = ServerProcess::run({command, "init", "--secure", made.path_}, log, kCommandDeadline); !done)
    return tl::unexpected(done.error());
  if (auto done = ServerProcess::run({command, "token", "issue", "--keys", made.path_ + "/tokens.jwks",
                                      "--sub", "load", "--read", "**", "--write", "**", "-o", token_file},
                                     log, kCommandDeadline);
      !done) {
    return tl::unexpected(done.error());
  }
  std::ifstream key(made.path_ + "/curve.public");
  if (!(key >> made.credentials_.server_key))
    return tl::unexpected(made.path_ + "/curve.public holds no key");
  made.credentials_.token_file = token_file;
  return made;
}

Result<std::vector<std::string>, std::string> SecurityDirectory::tokens(std::size_t n,
                                                                        const std::string& pattern) const {
  forbid_core_dumps();  // for the key that signs
  const auto keys = TokenKeys::load(path_ + "/tokens.jwks", KeepParts::all);
  if (!keys) return tl::unexpected(keys.error().message);
  auto read = Pattern::parse(pattern);
  if (!read) return tl::unexpected(pattern + " is no pattern");
  TokenClaims claims;
  claims.read = {std::move(*read)};
  claims.issued = std::chrono::floor<std::chrono::seconds>(read_clock().wall);
  claims.expires = *claims.issued + kLifetime;
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < n; ++i) {
    claims.principal = fmt::format("follower-{}", i);
    auto token = sign_token(claims, *keys->all().front());
    if (!token) return tl::unexpected(token.error().message);
    tokens.push_back(std::move(*token));
  }
  return tokens;
}

}  // namespace prismbus::perf
