#include "broker/store/backup_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>  // renameat2
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/store/backup_format.hpp"
#include "broker/store/directory.hpp"
#include "proto/base/assert.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr std::uint64_t kSyncEveryBytes = 32u << 20;

unexpected<Error> system_failed(const std::string& what) {
  const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return fail(full ? ErrorCode::read_only : ErrorCode::unavailable, what + ": " + std::strerror(errno));
}

unexpected<Error> exists(const std::string& path) {
  return fail_field("name", path + " exists: a backup never replaces another file");
}

EVP_MD_CTX* md(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

}  // namespace

// ---- hash

void Sha256::Free::operator()(void* context) const {
  EVP_MD_CTX_free(md(context));
}
Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  PRISMBUS_ASSERT(context_ != nullptr && EVP_DigestInit_ex(md(context_.get()), EVP_sha256(), nullptr) == 1,
                  "SHA-256 is always there");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
  PRISMBUS_ASSERT(EVP_DigestUpdate(md(context_.get()), bytes.data(), bytes.size()) == 1,
                  "a hash takes bytes");
}

std::string Sha256::digest() const {
  const Sha256 copy;
  std::array<unsigned char, kSha256Bytes> out{};
  PRISMBUS_ASSERT(EVP_MD_CTX_copy_ex(md(copy.context_.get()), md(context_.get())) == 1 &&
                      EVP_DigestFinal_ex(md(copy.context_.get()), out.data(), nullptr) == 1,
                  "a hash can be told at any point");
  return {out.begin(), out.end()};
}

std::string hex_text(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

// ---- file

Result<BackupFile> BackupFile::create(const std::string& dir, const std::string& name) {
  if (const auto made = make_directory(dir); !made) return unexpected<Error>(made.error());
  const std::string path = dir + "/" + name, partial = dir + "/." + name + ".partial";
  if (::access(path.c_str(), F_OK) == 0) return exists(path);
  const int fd = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kFileMode);
  if (fd < 0) return system_failed("opening " + partial);
  return BackupFile(dir, name, fd);
}

BackupFile::BackupFile(std::string dir, const std::string& name, int fd)
    : dir_(std::move(dir)), path_(dir_ + "/" + name), partial_(dir_ + "/." + name + ".partial"), fd_(fd) {}

BackupFile::BackupFile(BackupFile&& other) noexcept
    : dir_(std::move(other.dir_)),
      path_(std::move(other.path_)),
      partial_(std::exchange(other.partial_, {})),
      fd_(std::exchange(other.fd_, -1)),
      bytes_(other.bytes_),
      unsynced_(other.unsynced_),
      hash_(std::move(other.hash_)) {}

BackupFile::~BackupFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!partial_.empty()) ::unlink(partial_.c_str());
}

Result<void> BackupFile::append(std::string_view bytes) {
  hash_.update(bytes);
  bytes_ += bytes.size();
  unsynced_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_failed("writing " + partial_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return unsynced_ >= kSyncEveryBytes ? sync() : Result<void>();
}

Result<void> BackupFile::sync() {
  unsynced_ = 0;
  if (::fdatasync(fd_) != 0) return system_failed("syncing " + partial_);
  return {};
}

Result<void> BackupFile::publish() {
  if (::fsync(fd_) != 0) return system_failed("syncing " + partial_);
  if (::close(std::exchange(fd_, -1)) != 0) return system_failed("closing " + partial_);
  if (::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return exists(path_);
    // A file system that cannot refuse to replace: a link can.
    if (errno != EINVAL && errno != ENOSYS) return system_failed("renaming " + partial_);
    if (::link(partial_.c_str(), path_.c_str()) != 0) {
      if (errno == EEXIST) return exists(path_);
      return system_failed("renaming " + partial_);
    }
    ::unlink(partial_.c_str());
  }
  partial_.clear();
  return sync_directory(dir_);
}

}  // namespace prismbus
