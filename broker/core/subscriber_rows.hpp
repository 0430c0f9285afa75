// The rows of `subscribers`: who follows, cut to what the reader may read. Bus thread; one call is bounded in
// rows, bytes and heads looked at.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "broker/core/change_stream.hpp"
#include "broker/core/follower_table.hpp"
#include "broker/core/ports.hpp"

namespace prismbus {

struct RowSources {
  const FollowerTable& table;
  HeadSource& heads;
  ReplySink& door;
};

struct RowPage {
  static constexpr std::size_t kRowsMax = 1000;
  static constexpr std::size_t kHeadsMax = 2000;  // looked at for the lag: about 4 ms when all are on disk
  SubscribersReply reply;
  std::optional<ConnectionId> last;  // set = there may be more behind this one
};

// Those behind `after` in the order of their connections; with `ns` only who follows it, which the reader may
// read. Whoever follows nothing the reader may read is left out.
[[nodiscard]] RowPage list_subscribers(const RowSources& from, const Principal& reader,
                                       const SubscribersRequest& request, ConnectionId after, Steady now);

}  // namespace prismbus
