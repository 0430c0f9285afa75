#include "broker/store/page_walk.hpp"

#include <filesystem>
#include <vector>

#include "broker/store/write_failure.hpp"
#include "proto/base/hash.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kMapSpareBytes = std::size_t{64} << 20;

Result<std::vector<std::string>> table_names(MDB_txn* txn, const std::string& where) {
  const auto main = lmdb::open_dbi(txn, nullptr, false);
  if (!main) return unexpected<Error>(open_error(where, main.error()));
  auto cursor = lmdb::Cursor::open(txn, *main);
  if (!cursor) return unexpected<Error>(open_error(where, cursor.error()));
  std::vector<std::string> names;
  auto at = cursor->seek({});
  for (; at && *at; at = cursor->next()) names.emplace_back((*at)->key);
  if (!at) return unexpected<Error>(open_error(where, at.error()));
  return names;
}

Result<std::uint64_t> walk_table(MDB_txn* txn, const std::string& name, const std::string& where) {
  const auto dbi = lmdb::open_dbi(txn, name.c_str(), false);
  if (!dbi) return unexpected<Error>(open_error(where + " " + name, dbi.error()));
  auto cursor = lmdb::Cursor::open(txn, *dbi);
  if (!cursor) return unexpected<Error>(open_error(where + " " + name, cursor.error()));
  std::uint64_t records = 0, read = 0;
  auto at = cursor->seek({});
  for (; at && *at; at = cursor->next()) {
    ++records;
    read ^= xxh3_64((*at)->key) ^ xxh3_64((*at)->value);
  }
  if (!at) return unexpected<Error>(open_error(where + " " + name, at.error()));
  // The bytes have to be read, whatever the compiler thinks of it.
  [[maybe_unused]] volatile const std::uint64_t kept = read;
  return records;
}

}  // namespace

Result<std::uint64_t> walk_pages(const std::string& env_dir) {
  lmdb::Env::Options options;
  std::error_code failed;
  const auto size = std::filesystem::file_size(env_dir + "/data.mdb", failed);
  if (failed) return fail(ErrorCode::unavailable, env_dir + "/data.mdb: " + failed.message());
  options.map_bytes = static_cast<std::size_t>(size) + kMapSpareBytes;
  options.read_only = true;
  const auto env = lmdb::Env::open(env_dir, options);
  if (!env) return unexpected<Error>(open_error(env_dir, env.error()));
  lmdb::ReadTxn txn(*env);
  if (const auto begun = txn.renew(); !begun) return unexpected<Error>(open_error(env_dir, begun.error()));
  const auto names = table_names(txn.get(), env_dir);
  if (!names) return unexpected<Error>(names.error());
  std::uint64_t records = 0;
  for (const std::string& name : *names) {
    const auto walked = walk_table(txn.get(), name, env_dir);
    if (!walked) return walked;
    records += *walked;
  }
  return records;
}

}  // namespace prismbus
