// Which lane the next change set of a namespace goes by: the policy in force, and the namespaces that are
// changing lanes. From the first set after a change, for 60 s, sets go out on both lanes and carry `lane`, so
// that a subscriber has time to open the other one. Bus thread. A set's lane is chosen when it is sequenced,
// with the policy applied by then, and journaled with it: heads stay true over restarts. Without an express
// endpoint everything stays on `changes`, whatever the policy says.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/core/rule_book.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

class LanePlan {
 public:
  static constexpr std::chrono::seconds kBothLanes{60};
  // Namespaces remembered as changing; beyond it every namespace counts as changing for kBothLanes (I8).
  static constexpr std::size_t kChangingMax = 65'536;

  // `rules` outlives this.
  LanePlan(bool has_express, const RuleBook& rules) : has_express_(has_express), rules_(rules) {}

  struct Choice {
    Lane lane = Lane::changes;
    bool both = false;  // the set goes out on both lanes and carries `lane`
  };
  // For a set of `ns` that is sequenced now; `before` is the lane of its last one (`changes` if it has none).
  [[nodiscard]] Choice choose(std::string_view ns, Lane before, Steady now);

  // The lane that a stored head's namespace is served on: express is none when it is not bound.
  [[nodiscard]] Lane served(Lane stored) const { return has_express_ ? stored : Lane::changes; }
  [[nodiscard]] std::size_t changing() const { return until_.size(); }

 private:
  void forget_ended(Steady now);

  const bool has_express_;
  const RuleBook& rules_;
  std::unordered_map<std::string, Steady, BytesHash, std::equal_to<>> until_;  // changing, and how long
  Steady all_until_{}, forget_at_{};
};

}  // namespace prismbus
