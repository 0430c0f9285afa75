// Looks once a second whether a file is another one than it was when it was last taken: somebody wrote it, or
// put another in its place. One thread's.
#pragma once

#include <chrono>
#include <string>

#include "proto/base/clock.hpp"

namespace prismbus {

class FileLook {
 public:
  static constexpr std::chrono::seconds kEvery{1};

  // Begins with the file as it is now.
  explicit FileLook(std::string path);

  // False until the next look is due.
  [[nodiscard]] bool changed(Now now);
  // As it was seen by the last look: that one is dealt with.
  void taken() { taken_ = seen_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  const std::string path_;
  Steady look_at_{};
  std::string seen_, taken_;  // the file's identity, size and times
};

}  // namespace prismbus
