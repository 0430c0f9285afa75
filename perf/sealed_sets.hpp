// How many change sets a sealed frame holds, found at the least cost: the array's head is the first bytes of
// the body, so one block of the cipher tells it, and nothing is verified. For receivers that are to be as
// cheap as if they did not look. Ten receivers get each frame; the last few are remembered. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/base/strong.hpp"
#include "proto/seal/key_tree.hpp"
#include "proto/seal/nonce_source.hpp"

namespace prismbus::perf {

class SealedSets {
 public:
  // The keys of the broker that seals.
  explicit SealedSets(const KeyTree& tree) : tree_(tree), seen_(kRemembered) {}

  // 0: no sealed frame of change sets (a marker, a heartbeat).
  [[nodiscard]] std::uint64_t count(std::string_view frame);

 private:
  static constexpr std::size_t kRemembered = 4096;
  struct Seen {
    std::array<char, NonceSource::kBytes> nonce{};
    std::uint64_t sets = 0;
  };
  struct Leaf {
    Period period;
    StreamKey key;
  };
  [[nodiscard]] const StreamKey& leaf_of(std::string_view ns, Period period);

  const KeyTree tree_;
  std::vector<Seen> seen_;  // at a place that the nonce gives
  std::unordered_map<std::string, Leaf> leaves_;
};

}  // namespace prismbus::perf
