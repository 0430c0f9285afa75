// What is published sealed: period and generation, and that a frame opens with the leaf of its moment alone.
#include "broker/core/stream_sealer.hpp"

#include <catch2/catch.hpp>

namespace prismbus {
namespace {

using namespace std::chrono_literals;

const StreamKey kMaster = *StreamKey::from(std::string(32, 'm'));
constexpr Epoch kEpoch(7);

Now at(std::chrono::nanoseconds steady, std::chrono::microseconds wall) {
  return {Steady(steady), Wall(wall)};
}

std::string opened(const std::string& frame, std::string_view ns, Period period) {
  const KeyTree tree(kMaster, kEpoch);
  std::string plain;
  const std::string_view bytes(frame);
  const auto ok =
      open_body(tree.leaf(period, ns), bytes.substr(0, ns.size() + 1), bytes.substr(ns.size() + 1), plain);
  return ok ? plain : "closed";
}

}  // namespace

TEST_CASE("a period is a minute of a generation, and goes on with the steady clock") {
  StreamSealer sealer(kMaster, kEpoch);
  sealer.set_time(at(1h, 90min + 59s));
  CHECK(sealer.period() == Period::of(0, 90));
  CHECK(sealer.ends_in() == 1s);
  sealer.set_time(at(1h + 1s, 5min));  // somebody set the clock back
  CHECK(sealer.period() == Period::of(0, 91));
  CHECK(sealer.ends_in() == 60s);
  sealer.set_generation(3);
  CHECK(sealer.period() == Period::of(3, 91));
  sealer.set_time(at(1h + 61s, 5min));
  CHECK(sealer.period() == Period::of(3, 92));
}

TEST_CASE("a frame opens with the leaf of its name, period and generation, and with no other (I10)") {
  StreamSealer sealer(kMaster, kEpoch);
  sealer.set_time(at(1h, 90min));
  const std::string first = sealer.seal("a.b", "a.b/body");
  CHECK(first.starts_with("a.b/\xc1"));
  CHECK(opened(first, "a.b", Period::of(0, 90)) == "body");
  CHECK(opened(first, "a.b", Period::of(0, 91)) == "closed");
  CHECK(opened(first, "a.b", Period::of(1, 90)) == "closed");
  sealer.set_generation(1);
  const std::string second = sealer.seal("a.b", "a.b/body");
  CHECK(opened(second, "a.b", Period::of(0, 90)) == "closed");
  CHECK(opened(second, "a.b", Period::of(1, 90)) == "body");
  CHECK(sealer.seal("a.b", "a.b/body") != second);  // a nonce of its own
}

}  // namespace prismbus
