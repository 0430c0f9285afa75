// The keys of a sealed stream that a broker told this subscriber (PROTOCOL section 9), by period, and the
// leaves derived from them, kept so that opening a frame costs no derivation. Pure; part of KeyRing, on its
// thread. Kept: keys of an older generation are gone 2 s after a newer one was told, so a revoked right ends
// here too (I10); what is kept is bounded (I8). It does not ask for keys, and judges no frame.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/base/clock.hpp"
#include "proto/seal/stream_key.hpp"
#include "proto/seal/stream_period.hpp"

namespace prismbus {

// A leaf opens bodies of `ns`, a node derives the leaves of `ns` and everything below; `ns` "" = of
// everything ordinary.
struct ToldKey {
  std::string ns;
  bool node = false;
  Period period;
  StreamKey key;
};

// The whole answer to `keys`, all its pages.
struct KeysTold {
  Period period;                        // at the broker, when it answered
  std::chrono::milliseconds ends_in{};  // that period
  std::vector<ToldKey> keys;
};

class ToldKeys {
 public:
  static constexpr std::size_t kKeys = 1u << 18;           // of an answer: three periods of 87,000 leaves
  static constexpr std::size_t kDerivedLeaves = 1u << 14;  // of a period; then the cache begins anew
  static constexpr std::size_t kPeriods = 12;              // three each of four generations
  static constexpr std::chrono::seconds kOlderGenerations{2};

  // Replaces everything of the answer's generation: what it does not tell is not readable any more. Of keys
  // it cannot hold (another generation, more than a minute away, no name) nothing is taken. False: of an
  // older generation than what is known, by a broker that is behind; nothing changed.
  [[nodiscard]] bool take(KeysTold&& told, Steady now);
  // Nothing is known any more, nor remembered of generations: another history.
  void clear() { *this = ToldKeys{}; }

  [[nodiscard]] bool empty() const { return periods_.empty(); }
  // Null: none for that name in that period. Lent until the next call of anything here.
  [[nodiscard]] const StreamKey* leaf(Period period, std::string_view ns);
  // Whether the last answer has a key of any period for that name. Also true when more was told than is held:
  // then nobody knows.
  [[nodiscard]] bool covers(std::string_view ns) const;

  void drop_outdated(Steady now);
  [[nodiscard]] Steady next_drop() const { return next_drop_; }  // max(): none

 private:
  using Keys = std::unordered_map<std::string, StreamKey, BytesHash, std::equal_to<>>;
  struct OfPeriod {
    Period period;
    Steady drop_at = Steady::max();
    Keys nodes, leaves, derived;
    // The told node nearest to `ns`, with its name; null: none.
    [[nodiscard]] const Keys::value_type* node_above(std::string_view ns) const;
  };
  void make_room(Period told, Steady now);

  std::vector<OfPeriod> periods_;  // the oldest generation first
  Period last_;                    // of the last answer
  bool cut_ = false;               // it told more than kKeys
  Steady next_drop_ = Steady::max();
};

}  // namespace prismbus
