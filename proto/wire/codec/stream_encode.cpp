// The broker's side of the change stream.
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/stream.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::codec {
namespace {

std::string_view name_of(Lane lane) {
  return lane == Lane::express ? "express" : "changes";
}

ChangeOffsets write_change(std::string& out, const ChangeView& change) {
  Writer writer(out);
  ChangeOffsets offsets;
  const bool put = change.op == ChangeOp::put;
  writer.map(put ? 4 : 2);
  writer.field("op", put ? "put" : "delete");
  writer.field("key", change.key);
  offsets.key_size = static_cast<std::uint32_t>(change.key.size());
  offsets.key_at = static_cast<std::uint32_t>(out.size()) - offsets.key_size;
  if (!put) return offsets;
  writer.name("value");
  offsets.value_at = static_cast<std::uint32_t>(out.size());
  offsets.value_size = static_cast<std::uint32_t>(change.value.size());
  writer.raw(change.value);
  writer.field("version", change.version);
  return offsets;
}

}  // namespace

void encode_change_set(std::string& out, const ChangeSetHead& head, const std::vector<ChangeView>& changes,
                       std::vector<ChangeOffsets>& offsets) {
  std::size_t bytes = 96 + head.by.size() + (head.note ? head.note->size() : 0);
  for (const auto& change : changes) bytes += 40 + change.key.size() + change.value.size();
  out.reserve(out.size() + bytes);
  Writer writer(out);
  writer.map(6u + (head.note ? 1 : 0) + (head.lane ? 1 : 0));
  writer.field("epoch", head.epoch.value());
  writer.field("rev", head.rev.value());
  writer.field("seq", head.seq.value());
  writer.field("time", to_micros(head.time));
  writer.field("by", head.by);
  if (head.note) writer.field("note", *head.note);
  if (head.lane) writer.field("lane", name_of(*head.lane));
  writer.name("changes");
  writer.array(static_cast<std::uint32_t>(changes.size()));
  offsets.reserve(offsets.size() + changes.size());
  for (const auto& change : changes) offsets.push_back(write_change(out, change));
}

std::string encode_marker(Epoch epoch, const Head& head) {
  std::string out;
  Writer writer(out);
  writer.map(7);
  writer.field("epoch", epoch.value());
  writer.field("seq", head.seq.value());
  writer.field("rev", head.rev.value());
  writer.field("time", to_micros(head.time));
  writer.field("hash", head.hash);
  writer.field("lane", name_of(head.lane));
  writer.name("changes");
  writer.array(0);
  return out;
}

std::string encode_heartbeat_frame(const Heartbeat& beat) {
  std::string out(kHeartbeatTopic);
  Writer writer(out);
  writer.map(beat.period ? 5 : 4);
  writer.field("epoch", beat.epoch.value());
  writer.field("run", beat.run.value());
  writer.field("rev", beat.rev.value());
  writer.field("next_ms", beat.next_ms);
  if (beat.period) writer.field("period", *beat.period);
  return out;
}

std::string encode_barrier_frame(std::string_view topic, const Barrier& barrier) {
  std::string out(topic);
  Writer writer(out);
  writer.map(3);
  writer.field("epoch", barrier.epoch.value());
  writer.field("run", barrier.run.value());
  writer.field("rev", barrier.rev.value());
  return out;
}

std::string encode_stream_frame(std::string_view ns, const std::vector<std::string_view>& encoded_sets) {
  std::size_t bytes = ns.size() + 1 + 5;
  for (const auto set : encoded_sets) bytes += set.size();
  std::string out;
  out.reserve(bytes);
  out.append(ns).push_back('/');
  Writer writer(out);
  writer.array(static_cast<std::uint32_t>(encoded_sets.size()));
  for (const auto set : encoded_sets) writer.raw(set);
  return out;
}

}  // namespace prismbus::codec
