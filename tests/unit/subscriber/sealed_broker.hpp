// A broker's half of a sealed stream, as far as a key ring sees it: its period by a clock that the test
// moves, the rights of one subscriber, frames, and answers to `keys`.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/seal/key_tree.hpp"
#include "proto/seal/sealed_body.hpp"
#include "subscriber/stream/key_ring.hpp"

namespace prismbus {

class SealedBroker {
 public:
  // A name, or with `node` a name and everything below it; "" and node: everything ordinary.
  struct Right {
    std::string ns;
    bool node = false;
    friend bool operator==(const Right&, const Right&) = default;
  };

  explicit SealedBroker(std::vector<Right> granted, Epoch epoch = Epoch(9))
      : rights(std::move(granted)), tree(*StreamKey::from(std::string(32, 'm')), epoch) {}

  [[nodiscard]] Period period(Steady now) const {
    return Period::of(generation, static_cast<std::uint64_t>(now.time_since_epoch() / KeyRing::kPeriod));
  }
  [[nodiscard]] std::chrono::milliseconds ends_in(Steady now) const {
    return std::chrono::ceil<std::chrono::milliseconds>(KeyRing::kPeriod -
                                                        now.time_since_epoch() % KeyRing::kPeriod);
  }
  [[nodiscard]] bool may_read(std::string_view ns) const {
    for (const Right& r : rights) {
      if (r.ns == ns || (r.node && r.ns.empty() && !ns.starts_with('_'))) return true;
      if (r.node && ns.starts_with(r.ns + ".")) return true;
    }
    return false;
  }
  [[nodiscard]] KeysTold answer(Steady now) const {
    KeysTold told{period(now), ends_in(now), {}};
    for (const Period p : {told.period.previous(), told.period, told.period.next()}) {
      for (const Right& r : rights) {
        told.keys.push_back({r.ns, r.node, p, r.node ? tree.node(p, r.ns) : tree.leaf(p, r.ns)});
      }
    }
    return told;
  }
  [[nodiscard]] std::string frame(const std::string& ns, std::string_view text, Period p) {
    return sealer_.seal(tree.leaf(p, ns), p, ns + "/", text);
  }
  [[nodiscard]] std::string frame(const std::string& ns, std::string_view text, Steady now) {
    return frame(ns, text, period(now));
  }

  std::vector<Right> rights;
  std::uint64_t generation = 1;  // raised with every right taken away
  KeyTree tree;

 private:
  BodySealer sealer_;
};

}  // namespace prismbus
