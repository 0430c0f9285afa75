// Something that whoever runs the broker would want to hear of at once: who follows and how they fare, who
// was refused. Value type; texts are what peers said of themselves, bounded by the contract's limits.
#pragma once

#include <string>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/base/strong.hpp"

namespace prismbus {

struct Notice {
  enum class What : std::uint8_t {
    joined,     // follows, with a row of its own
    left,       // no more; `reason`: closed or silent
    lagging,    // has lacked a change set for some seconds: its `ns` and `seq`
    caught_up,  // no more
    rejected,   // refused a change: `ns`, `seq`, `key`, `reason`
    refused,    // an attempt without the right to it: `from`, `op`, `code`, `names`
  };
  What what = What::joined;
  Wall time{};
  std::string principal{}, instance{}, name{};
  std::string ns{}, key{}, reason{};
  Seq seq{};
  std::string from{}, op{}, code{};
  std::vector<std::string> names{};
};

}  // namespace prismbus
