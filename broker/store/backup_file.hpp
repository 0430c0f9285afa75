// Writing a file that is there whole or not at all: a hidden partial file of mode 0600, hashed as it grows,
// synced every few MiB (so that the journal's own syncs never wait for a mountain of dirty pages), renamed to
// a name that must not exist, its directory synced. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/wire/error.hpp"

namespace prismbus {

// SHA-256 over what is fed to it.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  [[nodiscard]] std::string digest() const;  // 32 bytes, of what came so far; goes on afterwards

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};
[[nodiscard]] std::string hex_text(std::string_view bytes);

class BackupFile {
 public:
  // Opens `<dir>/.<name>.partial`, replacing one that an earlier process left behind. Errors: unavailable
  // (naming the path), invalid_argument (`<dir>/<name>` exists).
  [[nodiscard]] static Result<BackupFile> create(const std::string& dir, const std::string& name);
  ~BackupFile();  // removes what was not published
  BackupFile(BackupFile&& other) noexcept;
  BackupFile& operator=(BackupFile&&) = delete;

  // Errors: read_only (no space), unavailable.
  [[nodiscard]] Result<void> append(std::string_view bytes);
  [[nodiscard]] Result<void> publish();  // sync, rename, sync the directory
  [[nodiscard]] const Sha256& hash() const { return hash_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  BackupFile(std::string dir, const std::string& name, int fd);
  [[nodiscard]] Result<void> sync();

  std::string dir_, path_, partial_;
  int fd_ = -1;
  std::uint64_t bytes_ = 0, unsynced_ = 0;
  Sha256 hash_;
};

}  // namespace prismbus
