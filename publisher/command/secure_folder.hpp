// The folder that a secured broker starts from: its keys, the policy it begins with, and a token for whoever
// administers it. Made whole or not at all, each file for this user alone. Blocks on the disk; one thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "publisher/command/failure.hpp"

namespace prismbus::command {

// Names in the folder. The broker opens the same.
inline constexpr std::string_view kCurveSecretFile = "curve.secret";    // Z85, a line
inline constexpr std::string_view kCurvePublicFile = "curve.public";    // Z85, a line
inline constexpr std::string_view kTokenKeysFile = "tokens.jwks";       // a JWK set with private parts
inline constexpr std::string_view kStreamMasterFile = "stream.master";  // 32 random bytes
inline constexpr std::string_view kFirstPolicyFile =
    "policy.json";  // in force until _system.policy is written
inline constexpr std::string_view kAdminTokenFile = "admin.token";  // a line

struct SecureFolder {
  std::string server_key;                    // what stands in curve.public
  std::chrono::sys_seconds admin_expires{};  // of admin.token
};

// Exit::usage: the directory is there and not empty, or is none; Exit::file: what the system said.
[[nodiscard]] Outcome<SecureFolder> make_secure_folder(const std::string& directory,
                                                       std::chrono::sys_seconds now,
                                                       std::chrono::seconds admin_ttl);

}  // namespace prismbus::command
