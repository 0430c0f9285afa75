// The change stream: change sets, markers, heartbeats, barriers, and the frames that carry them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/messages.hpp"

namespace prismbus::codec {

struct ChangeView {
  ChangeOp op = ChangeOp::put;
  std::string_view key, value;
  std::uint64_t version = 0;
};

// What a change set says besides its changes.
struct ChangeSetHead {
  Epoch epoch;
  Revision rev;
  Seq seq;
  Wall time{};
  std::string_view by;
  std::optional<std::string_view> note;
  std::optional<Lane> lane = {};
};

// One change set map; appends to `out` and gives where each key and value came to lie in it, as offsets, in
// order.
struct ChangeOffsets {
  std::uint32_t key_at = 0, key_size = 0, value_at = 0, value_size = 0;
};
void encode_change_set(std::string& out, const ChangeSetHead& head, const std::vector<ChangeView>& changes,
                       std::vector<ChangeOffsets>& offsets);
[[nodiscard]] std::string encode_marker(Epoch epoch, const Head& head);
[[nodiscard]] std::string encode_heartbeat_frame(const Heartbeat& beat);  // topic + map
[[nodiscard]] std::string encode_barrier_frame(std::string_view topic,
                                               const Barrier& barrier);  // topic + map

// ns + "/" + array of the given encoded sets (or of one marker).
[[nodiscard]] std::string encode_stream_frame(std::string_view ns,
                                              const std::vector<std::string_view>& encoded_sets);

// Splits a frame at its topic's end: "ns/" (the namespace is checked), the heartbeat topic, or a barrier
// topic.
struct StreamFrame {
  enum class Kind { changes, heartbeat, barrier } kind = Kind::changes;
  std::string_view ns;     // changes
  std::string_view topic;  // barrier: whole topic
  std::string_view body;
};
[[nodiscard]] Result<StreamFrame> split_stream_frame(std::string_view frame);
[[nodiscard]] Result<std::vector<ChangeSet>> decode_change_sets(std::string_view body);
[[nodiscard]] Result<ChangeSet> decode_change_set(std::string_view encoded);
[[nodiscard]] Result<Heartbeat> decode_heartbeat(std::string_view body);
[[nodiscard]] Result<Barrier> decode_barrier(std::string_view body);  // exactly the map, else an error

// Changes of an encoded change set as views into it (for replaying a journal without copying).
[[nodiscard]] Result<std::vector<ChangeView>> view_changes(std::string_view encoded_set);

}  // namespace prismbus::codec
