// The clients' side of the change stream, and the broker's own reading of what it once encoded.
#include <algorithm>

#include "proto/wire/codec/stream.hpp"
#include "proto/wire/codec/stream_parts.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::codec {
namespace {

ChangeView read_change(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  ChangeView change;
  const auto op = in.text("op");
  if (op == "delete") {
    change.op = ChangeOp::del;
  } else if (op != "put" && fault.ok()) {
    fault.refuse(in.at("op"), "is put or delete");
  }
  change.key = in.key("key");
  if (change.op == ChangeOp::put) {
    change.value = in.any("value");
    change.version = in.uint("version");
  }
  return change;
}

// Calls `visit` with each change, as views into the message.
template <class Visit>
void read_changes(MapReader& in, Visit visit) {
  Items list = in.array("changes");
  Place place = in.at("changes");
  for (std::uint32_t i = 0; i < list.count && in.fault().ok(); ++i) {
    place.index = i;
    visit(read_change(list.items.take(), place, in.fault()));
  }
}

void read_must(MapReader& in, std::vector<std::string>& must) {
  if (!in.has("must")) return;
  Items list = in.array("must");
  const Place place = in.at("must");
  if (list.count > limits::kListedNames) {
    return in.fault().set(over_limit(place.spell(), "too many names", limits::kListedNames, list.count));
  }
  std::string_view feature;
  for (std::uint32_t i = 0; i < list.count; ++i) {
    if (!list.items.read_text(feature) || !is_utf8(feature)) return in.fault().refuse(place, "must be names");
    must.emplace_back(feature);
  }
}

}  // namespace

std::optional<Lane> read_lane(MapReader& in) {
  const auto lane = in.maybe_text("lane");
  if (!lane) return std::nullopt;
  if (*lane == "express") return Lane::express;
  if (*lane != "changes") in.fault().refuse(in.at("lane"), "is changes or express");
  return Lane::changes;
}

Head read_head(MapReader& in) {
  Head head;
  head.seq = Seq(in.uint("seq"));
  head.rev = Revision(in.uint("rev"));
  head.time = from_micros(in.uint("time"));
  head.hash = in.uint("hash");
  if (!in.has("lane") && in.fault().ok()) in.fault().refuse(in.at("lane"), "is missing");
  head.lane = read_lane(in).value_or(Lane::changes);
  return head;
}

ChangeSet read_change_set(MapReader& in) {
  ChangeSet set;
  set.epoch = Epoch(in.uint("epoch"));
  set.rev = Revision(in.uint("rev"));
  set.seq = Seq(in.uint("seq"));
  set.time = from_micros(in.uint("time"));
  if (const auto note = in.maybe_text("note")) set.note = std::string(*note);
  set.lane = read_lane(in);
  read_must(in, set.must);
  read_changes(in, [&](const ChangeView& change) {
    set.changes.push_back({change.op, std::string(change.key), std::string(change.value), change.version});
  });
  if (set.is_marker()) {  // a marker has a hash and nobody who wrote it; a change set the other way round
    set.hash = in.uint("hash");
  } else {
    set.by = in.text("by");
  }
  return set;
}

Result<StreamFrame> split_stream_frame(std::string_view frame) {
  using FrameKind = StreamFrame::Kind;
  if (frame.starts_with(kHeartbeatTopic)) {
    return StreamFrame{FrameKind::heartbeat, {}, {}, frame.substr(kHeartbeatTopic.size())};
  }
  if (frame.starts_with(kBarrierPrefix)) {
    const auto topic_size = kBarrierPrefix.size() + limits::kNonceBytes;
    if (frame.size() < topic_size)
      return fail_field("topic", "a barrier's topic ends in a nonce of 16 bytes");
    return StreamFrame{FrameKind::barrier, {}, frame.substr(0, topic_size), frame.substr(topic_size)};
  }
  const auto slash = frame.substr(0, limits::kNsBytes + 1).find('/');
  if (slash == std::string_view::npos) return fail_field("topic", "no topic ends in this frame");
  const auto ns = frame.substr(0, slash);
  if (auto valid = validate_namespace(ns, "topic"); !valid) return tl::unexpected(std::move(valid.error()));
  return StreamFrame{FrameKind::changes, ns, {}, frame.substr(slash + 1)};
}

Result<std::vector<ChangeSet>> decode_change_sets(std::string_view body) {
  Fault fault;
  Cursor cursor(body);
  std::uint32_t count = 0;
  if (!cursor.read_array(count) || count == 0) return fail_field("body", "must be an array of change sets");
  std::vector<ChangeSet> sets;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Place place{nullptr, "sets", i};
    MapReader in(cursor.take(limits::kMessageDepth - 1), &place, fault);
    sets.push_back(read_change_set(in));
    if (sets.back().is_marker() && count > 1) fault.refuse(place, "a marker comes alone");
    if (i > 0 && sets[i].seq <= sets[i - 1].seq) fault.refuse(place, "not in the order of seq");
    if (!fault.ok()) return fault.take();
  }
  if (!cursor.at_end()) return fail_field("body", "bytes follow the end of the array");
  return sets;
}

Result<ChangeSet> decode_change_set(std::string_view encoded) {
  Fault fault;
  MapReader in(encoded, nullptr, fault);
  ChangeSet set = read_change_set(in);
  if (!fault.ok()) return fault.take();
  return set;
}

Result<std::vector<ChangeView>> view_changes(std::string_view encoded_set) {
  Fault fault;
  MapReader in(encoded_set, nullptr, fault);
  std::vector<ChangeView> changes;
  read_changes(in, [&](const ChangeView& change) { changes.push_back(change); });
  if (!fault.ok()) return fault.take();
  return changes;
}

Result<Heartbeat> decode_heartbeat(std::string_view body) {
  Fault fault;
  MapReader in(body, nullptr, fault);
  Heartbeat beat;
  beat.epoch = Epoch(in.uint("epoch"));
  beat.run = Run(in.uint("run"));
  beat.rev = Revision(in.uint("rev"));
  beat.next_ms = in.uint("next_ms");
  beat.period = in.maybe_uint("period");
  if (!fault.ok()) return fault.take();
  return beat;
}

Result<Barrier> decode_barrier(std::string_view body) {
  Fault fault;
  MapReader in(body, nullptr, fault);
  Barrier barrier;
  barrier.epoch = Epoch(in.uint("epoch"));
  barrier.run = Run(in.uint("run"));
  barrier.rev = Revision(in.uint("rev"));
  if (!fault.ok()) return fault.take();
  if (in.size() != 3) return fail_field("payload", "a barrier is exactly epoch, run and rev");
  return barrier;
}

}  // namespace prismbus::codec
