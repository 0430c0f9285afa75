// Frames of the change stream, and their bodies by themselves. Accepted change sets encode to bytes that
// decode to the same; the views a journal is replayed by name the same changes.
#include "proto/wire/codec/stream.hpp"
#include "proto/wire/names.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;
using namespace prismbus::codec;

namespace {

void check_set(const ChangeSet& set) {
  if (set.is_marker()) {
    FUZZ_CHECK(set.hash.has_value());
    return;
  }
  std::vector<ChangeView> changes;
  for (const auto& change : set.changes) {
    FUZZ_CHECK(is_key(change.key));
    changes.push_back({change.op, change.key, change.value, change.version});
  }
  const auto note = set.note ? std::optional<std::string_view>(*set.note) : std::nullopt;
  std::string encoded;
  std::vector<ChangeOffsets> offsets;
  encode_change_set(encoded, {set.epoch, set.rev, set.seq, set.time, set.by, note}, changes, offsets);
  auto again = decode_change_set(encoded);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(again->changes == set.changes && again->by == set.by && again->note == set.note &&
             again->seq == set.seq);
  const auto views = view_changes(encoded);
  FUZZ_CHECK(views && views->size() == set.changes.size());
  for (std::size_t i = 0; i < views->size(); ++i) {
    FUZZ_CHECK((*views)[i].key == set.changes[i].key && (*views)[i].value == set.changes[i].value);
    FUZZ_CHECK((*views)[i].key.data() == encoded.data() + offsets[i].key_at);
  }
}

void check_body(std::string_view body) {
  if (const auto sets = decode_change_sets(body)) {
    FUZZ_CHECK(!sets->empty() && fuzz::oracle_accepts_whole(body));
    for (const auto& set : *sets) check_set(set);
  }
  if (const auto set = decode_change_set(body)) check_set(*set);
  if (view_changes(body)) FUZZ_CHECK(fuzz::oracle_accepts_whole(body));
  if (const auto beat = decode_heartbeat(body)) {
    const auto frame = encode_heartbeat_frame(*beat);
    FUZZ_CHECK(*decode_heartbeat(std::string_view(frame).substr(kHeartbeatTopic.size())) == *beat);
  }
  if (const auto barrier = decode_barrier(body)) {
    FUZZ_CHECK(decode_barrier(encode_barrier_frame("", *barrier)) == *barrier);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view frame = fuzz::as_bytes(data, size);
  check_body(frame);
  const auto split = split_stream_frame(frame);
  if (!split) return 0;
  if (split->kind == StreamFrame::Kind::changes) FUZZ_CHECK(is_namespace(split->ns));
  check_body(split->body);
  return 0;
}
