#include "publisher/command/secure_folder.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "proto/base/checked_file.hpp"
#include "proto/base/random.hpp"
#include "proto/token/token_keys.hpp"
#include "proto/token/token_signer.hpp"
#include "proto/transport/curve.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus::command {
namespace {

constexpr std::size_t kMasterBytes = 32;
constexpr std::string_view kFirstPolicy =
    "{\"**\": {\"roles\": {\"admin\": [\"read\", \"write\", \"admin\"]}}}\n";

tl::unexpected<Failure> not_written(const Error& error) {
  Failure failure;
  failure.exit = Exit::file;
  failure.error = error;
  return tl::unexpected<Failure>(std::move(failure));
}

// What is being built beside the directory; removed unless it was put in place.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  ~Unfinished() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void finished() { path_.clear(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Outcome<void> check_free(const std::string& directory) {
  struct stat about {};
  if (::lstat(directory.c_str(), &about) != 0) {
    if (errno == ENOENT) return {};
    return file_failure(directory, "look", errno);
  }
  if (!S_ISDIR(about.st_mode)) return misused("--secure", directory + " is there and no directory");
  std::error_code failed;
  const bool empty = std::filesystem::is_empty(directory, failed);
  if (failed) return file_failure(directory, "look", failed.value());
  if (!empty) return misused("--secure", directory + " is there and not empty: nothing was changed");
  return {};
}

Outcome<void> put(const std::string& folder, std::string_view name, std::string_view bytes) {
  const std::string path = fmt::format("{}/{}", folder, name);
  if (auto written = write_private_file(path, bytes); !written)
    return not_written(file_error(written.error(), path));
  return {};
}

Outcome<std::string> put_curve_keys(const std::string& folder) {
  auto keys = CurveKeyPair::fresh();
  if (!keys) return failed(keys.error(), "init");
  const WipedAtEnd wiped(keys->secret_key);
  SecretBytes line(keys->secret_key.size() + 1);
  std::copy(keys->secret_key.begin(), keys->secret_key.end(), line.data());
  line.data()[keys->secret_key.size()] = '\n';
  if (auto done = put(folder, kCurveSecretFile, line.view()); !done)
    return tl::unexpected<Failure>(done.error());
  if (auto done = put(folder, kCurvePublicFile, keys->public_key + "\n"); !done)
    return tl::unexpected<Failure>(done.error());
  return keys->public_key;
}

Outcome<void> put_token_keys(const std::string& folder, const TokenClaims& admin) {
  const auto key = TokenKey::generate(TokenAlgorithm::es256);
  if (!key) return failed(key.error(), "init");
  TokenKeys keys;
  if (auto added = keys.add_first(*key); !added) return failed(added.error(), "init");
  if (auto saved = keys.save(fmt::format("{}/{}", folder, kTokenKeysFile)); !saved)
    return not_written(saved.error());
  const auto token = sign_token(admin, **key);
  if (!token) return failed(token.error(), "init");
  return put(folder, kAdminTokenFile, *token + "\n");
}

Outcome<void> put_master(const std::string& folder) {
  std::string master = random_bytes(kMasterBytes);
  const WipedAtEnd wiped(master);
  return put(folder, kStreamMasterFile, master);
}

Outcome<void> put_in_place(Unfinished& made, const std::string& directory) {
  if (auto synced = sync_directory(made.path()); !synced) return not_written(synced.error());
  // Over a directory that is there and empty; should somebody have put a file into it meanwhile, this fails.
  if (::rename(made.path().c_str(), directory.c_str()) != 0)
    return file_failure(directory, "put in place", errno);
  made.finished();
  const auto parent = std::filesystem::path(directory).parent_path().string();
  if (auto synced = sync_directory(parent.empty() ? "." : parent); !synced)
    return not_written(synced.error());
  return {};
}

TokenClaims admin_claims(std::chrono::sys_seconds now, std::chrono::seconds ttl) {
  TokenClaims claims;
  claims.principal = "admin";
  claims.read = claims.write = claims.admin = {Pattern::parse("**").value()};
  claims.issued = now;
  claims.expires = now + ttl;
  return claims;
}

}  // namespace

Outcome<SecureFolder> make_secure_folder(const std::string& directory, std::chrono::sys_seconds now,
                                         std::chrono::seconds admin_ttl) {
  if (auto free = check_free(directory); !free) return tl::unexpected<Failure>(free.error());
  Unfinished made(fmt::format("{}.{:016x}.new", directory, random_u64()));
  if (::mkdir(made.path().c_str(), 0700) != 0) return file_failure(directory, "create", errno);
  SecureFolder out;
  const TokenClaims admin = admin_claims(now, admin_ttl);
  out.admin_expires = admin.expires;
  auto server_key = put_curve_keys(made.path());
  if (!server_key) return tl::unexpected<Failure>(server_key.error());
  out.server_key = std::move(*server_key);
  auto done = put_token_keys(made.path(), admin);
  if (done) done = put_master(made.path());
  if (done) done = put(made.path(), kFirstPolicyFile, kFirstPolicy);
  if (done) done = put_in_place(made, directory);
  if (!done) return tl::unexpected<Failure>(done.error());
  return out;
}

}  // namespace prismbus::command
