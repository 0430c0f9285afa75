// The last revision a publisher saw of each key, by its own writes and reads: the base of a write that is
// queued without one. One thread. Bounded: of kKnownMax keys at least, the youngest; what it forgot is
// written unconditionally.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/base/strong.hpp"

namespace prismbus {

inline constexpr std::size_t kKnownMax = 32'768;

class KnownRevisions {
 public:
  struct Known {
    Epoch epoch;
    Revision rev;  // 0 = it was absent
  };
  void learn(std::string_view ns, std::string_view key, Known known);
  [[nodiscard]] std::optional<Known> find(std::string_view ns, std::string_view key) const;

 private:
  // Two generations: when the young one is full it becomes the old one, and what was the old one is
  // forgotten.
  std::unordered_map<std::string, Known> young_, old_;
};

}  // namespace prismbus
