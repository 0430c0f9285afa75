// One frame of every kind on the change stream.
#include "proto/wire/codec/stream.hpp"
#include "proto/wire/names.hpp"
#include "tests/golden/wire/examples.hpp"

namespace prismbus::golden {
namespace {

constexpr Epoch kEpoch(0x0123456789abcdef);

std::string set_of(std::uint64_t rev, std::uint64_t seq, std::optional<std::string_view> note,
                   const std::vector<codec::ChangeView>& changes) {
  std::string out;
  std::vector<codec::ChangeOffsets> offsets;
  const auto time = from_micros(1'700'000'000'123'456);
  codec::encode_change_set(out, {kEpoch, Revision(rev), Seq(seq), time, "anonymous", note}, changes, offsets);
  return out;
}

}  // namespace

std::vector<Example> stream_examples() {
  const auto put = set_of(42, 5, "raise the caps", {{ChangeOp::put, "tiers/BTC-USD", kValue, 3}});
  const auto both =
      set_of(43, 6, std::nullopt, {{ChangeOp::put, "k1", "\xc0", 1}, {ChangeOp::del, "k2", {}, 0}});
  const Head head{Seq(6), Revision(43), from_micros(1'700'000'000'123'457), 0xfedcba9876543210,
                  Lane::changes};
  const auto marker = codec::encode_marker(kEpoch, head);
  const std::string topic =
      std::string(kBarrierPrefix) + std::string("\x00\x01\x02\x03\x04\x05\x06\x07/9abcdef", 16);
  return {
      {"stream_put", codec::encode_stream_frame("trading.leverage", {put})},
      {"stream_sets", codec::encode_stream_frame("trading.leverage", {put, both})},
      {"stream_marker", codec::encode_stream_frame("trading.leverage", {marker})},
      {"stream_heartbeat",
       codec::encode_heartbeat_frame({kEpoch, Run(0xaabbccdd00112233), Revision(43), 1000, std::nullopt})},
      {"stream_heartbeat_period",
       codec::encode_heartbeat_frame({kEpoch, Run(0xaabbccdd00112233), Revision(43), 30000, 1ull << 40})},
      {"stream_barrier", codec::encode_barrier_frame(topic, {kEpoch, Run(0xaabbccdd00112233), Revision(43)})},
  };
}

}  // namespace prismbus::golden
