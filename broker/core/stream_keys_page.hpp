// What `keys` answers (PROTOCOL section 9): of the asked names and subtrees what may be read, a node where
// that is everything at and below it, now and later, else a leaf for each namespace that is there; for the
// period of now and its neighbours. Reader thread; rights, heads and period are of one moment.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "broker/core/access.hpp"
#include "broker/store/read_view.hpp"
#include "proto/seal/key_tree.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {

struct KeysMoment {
  Period period;
  std::chrono::milliseconds ends_in{};
};

// `refused` gets the asked names that may not be read, as many as a line of the audit file tells.
[[nodiscard]] std::string answer_keys(const ReadView& view, const codec::ReplyHead& head,
                                      const KeysRequest& request, const Access& access, const KeyTree& tree,
                                      const KeysMoment& moment, std::vector<std::string>& refused);

}  // namespace prismbus
