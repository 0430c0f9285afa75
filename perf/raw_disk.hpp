// The raw limits of the disk: a bare fdatasync, and LMDB appends with the sync of its commit.
#pragma once

#include <lmdb.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "perf/histogram.hpp"
#include "proto/base/result.hpp"

namespace prismbus::perf {

// An LMDB environment laid out as the journal is: one table appended to, one small record replaced in every
// commit.
class RawLog {
 public:
  [[nodiscard]] static Result<RawLog, std::string> open(const std::string& dir);  // makes the directory
  ~RawLog();
  RawLog(RawLog&& other) noexcept;
  RawLog& operator=(RawLog&&) = delete;
  // Appends `count` records of these bytes in one transaction and syncs. False = the disk said no.
  [[nodiscard]] bool append(std::string_view record, std::size_t count);

 private:
  RawLog() = default;
  MDB_env* env_ = nullptr;
  MDB_dbi log_ = 0, meta_ = 0;
  std::uint64_t last_ = 0;
};

struct DiskFigures {
  std::uint64_t records = 0;
  double seconds = 0;
  LatencyHistogram commits;
};
[[nodiscard]] Result<DiskFigures, std::string> measure_fdatasync(const std::string& dir,
                                                                 std::chrono::milliseconds time);
[[nodiscard]] Result<DiskFigures, std::string> measure_append(const std::string& dir,
                                                              std::size_t record_bytes,
                                                              std::size_t per_commit,
                                                              std::chrono::milliseconds time);

}  // namespace prismbus::perf
