// Seals what is published (PROTOCOL section 9): each body under the leaf of its namespace in the period of
// now. The period grows by itself each minute and jumps with the generation of the rules; the minute begins
// with the wall clock and goes on with the steady one, so that nobody who sets the clock brings old keys
// back. Bus thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/base/bytes.hpp"
#include "proto/base/clock.hpp"
#include "proto/seal/key_tree.hpp"
#include "proto/seal/sealed_body.hpp"

namespace prismbus {

class StreamSealer {
 public:
  static constexpr std::size_t kLeavesMax = 65'536;  // kept of the period; more are derived again
  static constexpr std::chrono::minutes kPeriod{1};

  StreamSealer(const StreamKey& master, Epoch epoch) : tree_(master, epoch) {}

  // To be told before the first seal, and at every step.
  void set_time(Now now);
  void set_generation(std::uint64_t generation);

  [[nodiscard]] Period period() const { return period_; }
  [[nodiscard]] std::chrono::milliseconds ends_in() const;  // as of the last set_time()
  // `frame` is topic and plain body of `ns`; gives topic and sealed body.
  [[nodiscard]] std::string seal(std::string_view ns, std::string_view frame);

 private:
  [[nodiscard]] const StreamKey& leaf(std::string_view ns);

  const KeyTree tree_;
  BodySealer sealer_;
  std::uint64_t generation_ = 0;
  Period period_;
  std::chrono::nanoseconds minute_zero_{};  // steady time at minute 0
  std::chrono::nanoseconds age_{};          // since then
  bool started_ = false;
  std::unordered_map<std::string, StreamKey, BytesHash, std::equal_to<>> leaves_;
};

}  // namespace prismbus
