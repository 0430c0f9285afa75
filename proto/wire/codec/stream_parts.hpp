// Heads and change sets out of a message's map, for stream and replies alike; private to the codec.
#pragma once

#include <optional>
#include <string_view>

#include "proto/wire/codec/map_reader.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus::codec {

[[nodiscard]] ChangeSet read_change_set(MapReader& in);
[[nodiscard]] Head read_head(MapReader& in);
[[nodiscard]] std::optional<Lane> read_lane(MapReader& in);

}  // namespace prismbus::codec
