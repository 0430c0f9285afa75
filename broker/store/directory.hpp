// The data directory itself: made with mode 0700, held by one broker at a time, its entries synced. An
// environment comes into being whole: it is built under `<name>.new` and renamed once its first transaction
// is durable, so what stands under its own name always has its meta record.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proto/base/lmdb.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// An exclusive flock on `<dir>/lock`, released by the kernel when the process ends, however it ends.
class DirectoryLock {
 public:
  // Creates `dir` when it is not there. Error: unavailable (another process holds it, or it cannot be made).
  [[nodiscard]] static Result<DirectoryLock> take(const std::string& dir);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// With its parents, each synced into its own; there already = fine.
[[nodiscard]] Result<void> make_directory(const std::string& dir);
[[nodiscard]] bool directory_exists(const std::string& dir);
[[nodiscard]] Result<void> remove_tree(const std::string& dir);  // not there = fine
[[nodiscard]] std::string parent_directory(const std::string& dir);
// Swaps two directories of one file system in one step: what stood under either name is whole at any moment.
// Syncs both parents.
[[nodiscard]] Result<void> exchange_directories(const std::string& one, const std::string& other);

// Opens `<dir>/<name>`. When it is not there it is first created whole: `first` writes its tables and meta
// record in one transaction. `created` tells which it was.
struct OpenedEnv {
  std::shared_ptr<lmdb::Env> env;
  bool created = false;
};
using FirstTransaction = std::function<lmdb::Outcome<void>(lmdb::WriteTxn&)>;
[[nodiscard]] Result<OpenedEnv> open_or_create_env(const std::string& dir, const std::string& name,
                                                   const lmdb::Env::Options& options,
                                                   const FirstTransaction& first);

}  // namespace prismbus
