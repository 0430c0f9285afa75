// The two environments of a restore while they are filled from a backup's records, in its order. Batches of
// a bounded size, each its own LMDB transaction: nobody sees the directory before it is whole.
#pragma once

#include <memory>
#include <string>

#include "broker/store/backup_reader.hpp"

namespace prismbus {

class RestoredTables {
 public:
  // `backup_bytes` bounds what the maps have to hold. Errors: unavailable.
  [[nodiscard]] static Result<RestoredTables> create(const std::string& dir, Epoch epoch,
                                                     std::uint64_t backup_bytes);
  ~RestoredTables();
  RestoredTables(RestoredTables&&) noexcept;
  RestoredTables& operator=(RestoredTables&&) = delete;

  // Meta records and change sets get the new epoch, all else is taken over as it is. The reader has verified
  // the record. Errors: unavailable (names LMDB's reason), internal.
  [[nodiscard]] Result<void> put(const BackupRecord& record);
  [[nodiscard]] Result<void> finish();  // commits the rest

 private:
  struct Impl;
  explicit RestoredTables(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus
