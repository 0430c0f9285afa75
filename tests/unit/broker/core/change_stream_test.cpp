#include "broker/core/change_stream.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "proto/wire/codec/stream.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

struct FakeFeed final : Feed {
  struct Sent {
    Lane lane;
    std::string frame;
  };
  std::vector<Sent> sent;
  void publish(Lane lane, std::string frame) override { sent.push_back({lane, std::move(frame)}); }
  std::vector<Sent> take() { return std::exchange(sent, {}); }
};

struct FakeHeads final : HeadSource {
  Head head{Seq(3), Revision(9), from_micros(1), 77, Lane::changes};
  std::optional<Head> head_of(std::string_view) override { return head; }
};

// A stream whose heartbeats are out of the way, at a fake time.
struct Desk {
  explicit Desk(PipelineSettings given = quiet())
      : settings(std::move(given)), stream(settings, Epoch(5), feed) {
    step();
    feed.take();
  }
  static PipelineSettings quiet() {
    PipelineSettings settings;
    settings.run = Run(6);
    settings.heartbeat = std::chrono::hours(10);
    return settings;
  }
  void pass(std::chrono::milliseconds by) { now.steady += by; }
  std::size_t step() { return stream.step(Revision(9), heads, now); }
  void set_generation(std::uint64_t generation) {
    auto rules = std::make_shared<AccessRules>();
    rules->generation = generation;
    stream.set_rules(rules);
  }
  // Namespaces of the markers that a step sends now.
  std::vector<std::string> markers() {
    step();
    std::vector<std::string> names;
    for (const auto& sent : feed.take()) {
      const auto frame = codec::split_stream_frame(sent.frame);
      const auto sets = codec::decode_change_sets(frame->body);
      REQUIRE(sets->size() == 1);
      REQUIRE(sets->front().is_marker());
      names.emplace_back(frame->ns);
    }
    return names;
  }
  PipelineSettings settings;
  FakeFeed feed;
  FakeHeads heads;
  ChangeStream stream;
  Now now{Steady(std::chrono::hours(1)), {}};
};

using Names = std::vector<std::string>;
using std::chrono::milliseconds;

std::unique_ptr<StoredSet> stored_set(const std::string& ns, std::uint64_t seq, std::size_t value_bytes = 1) {
  auto set = std::make_unique<StoredSet>();
  set->ns = ns;
  set->seq = Seq(seq);
  std::vector<codec::ChangeOffsets> offsets;
  std::string value{'\xc5', static_cast<char>(value_bytes >> 8), static_cast<char>(value_bytes & 0xff)};
  value.resize(3 + value_bytes);
  codec::encode_change_set(set->encoded, {Epoch(5), Revision(seq), Seq(seq), from_micros(1), "me", {}},
                           {{ChangeOp::put, "k", value, 1}}, offsets);
  return set;
}

}  // namespace

TEST_CASE("a marker goes out 1 s after a namespace's last change and once more 4 s later") {
  Desk desk;
  desk.stream.owe_marker("a", desk.now);
  desk.pass(milliseconds(999));
  CHECK(desk.markers().empty());
  desk.pass(milliseconds(1));
  CHECK(desk.markers() == Names{"a"});
  desk.pass(milliseconds(3999));
  CHECK(desk.markers().empty());
  desk.pass(milliseconds(1));
  CHECK(desk.markers() == Names{"a"});
  desk.pass(milliseconds(100'000));
  CHECK(desk.markers().empty());
  CHECK(desk.stream.counters().markers == 2);
}

TEST_CASE("a change before its marker is due puts it off, one after it owes both anew") {
  Desk desk;
  desk.stream.owe_marker("a", desk.now);
  desk.pass(milliseconds(600));
  desk.stream.owe_marker("a", desk.now);
  desk.pass(milliseconds(600));
  CHECK(desk.markers().empty());
  desk.pass(milliseconds(400));
  CHECK(desk.markers() == Names{"a"});
  desk.pass(milliseconds(2000));
  desk.stream.owe_marker("a", desk.now);
  desk.pass(milliseconds(999));
  CHECK(desk.markers().empty());
  desk.pass(milliseconds(1));
  CHECK(desk.markers() == Names{"a"});
  desk.pass(milliseconds(4000));
  CHECK(desk.markers() == Names{"a"});
}

TEST_CASE("markers have a budget a second; those over it go out in the next ones") {
  PipelineSettings settings = Desk::quiet();
  settings.markers_per_second = 2;
  Desk desk(settings);
  for (const char* ns : {"a", "b", "c", "d", "e"}) desk.stream.owe_marker(ns, desk.now);
  desk.pass(milliseconds(1000));
  CHECK(desk.markers() == Names{"a", "b"});
  CHECK(desk.markers().empty());
  CHECK(desk.stream.next_deadline(desk.now.steady + std::chrono::hours(1)) ==
        desk.now.steady + std::chrono::seconds(1));
  desk.pass(milliseconds(1000));
  CHECK(desk.markers() == Names{"c", "d"});
  desk.pass(milliseconds(1000));
  CHECK(desk.markers() == Names{"e"});
}

TEST_CASE("a step sends a bounded number of markers") {
  Desk desk;
  for (int i = 0; i < 1000; ++i) desk.stream.owe_marker("n" + std::to_string(i), desk.now);
  desk.pass(milliseconds(1000));
  std::size_t sent = 0;
  for (int steps = 0; sent < 1000; ++steps) {
    REQUIRE(steps < 100);
    const std::size_t now = desk.markers().size();
    CHECK(now <= 64);
    sent += now;
  }
}

TEST_CASE("a heartbeat goes out at the first step and every interval, on both lanes when there are two") {
  FakeFeed feed;
  FakeHeads heads;
  PipelineSettings settings;
  settings.run = Run(6);
  settings.express = {"tcp://127.0.0.1:1"};
  ChangeStream stream(settings, Epoch(5), feed);
  Now now{Steady(std::chrono::hours(1)), {}};
  CHECK(stream.step(Revision(9), heads, now) == 1);
  const auto sent = feed.take();
  REQUIRE(sent.size() == 2);
  CHECK(sent[1].lane == Lane::express);
  const auto frame = codec::split_stream_frame(sent[0].frame);
  REQUIRE(frame->kind == codec::StreamFrame::Kind::heartbeat);
  CHECK(*codec::decode_heartbeat(frame->body) == Heartbeat{Epoch(5), Run(6), Revision(9), 1000, {}});
  now.steady += milliseconds(999);
  CHECK(stream.step(Revision(9), heads, now) == 0);
  CHECK(stream.next_deadline(now.steady + std::chrono::hours(1)) == now.steady + milliseconds(1));
  now.steady += milliseconds(1);
  CHECK(stream.step(Revision(9), heads, now) == 1);
}

TEST_CASE("I10: changed rules are told by a heartbeat soon, many of them in a row by few") {
  PipelineSettings settings = Desk::quiet();
  settings.stream_master = *StreamKey::from(std::string(StreamKey::kBytes, 'm'));
  Desk desk(settings);
  const auto generations = [&desk] {
    desk.stream.set_time(desk.now);
    desk.step();
    std::vector<std::uint64_t> told;
    for (const auto& sent : desk.feed.take()) {
      const auto beat = codec::decode_heartbeat(codec::split_stream_frame(sent.frame)->body);
      told.push_back(Period(beat->period.value()).generation());
    }
    return told;
  };
  desk.pass(milliseconds(5000));
  CHECK(generations().empty());
  desk.set_generation(4);
  CHECK(generations() == std::vector<std::uint64_t>{4});
  desk.set_generation(5);
  desk.set_generation(6);
  CHECK(generations().empty());
  desk.pass(ChangeStream::kGenerationHeartbeats);
  CHECK(generations() == std::vector<std::uint64_t>{6});
  desk.pass(milliseconds(5000));
  CHECK(generations().empty());
}

TEST_CASE("a barrier answers a subscription of exactly 22 bytes and nothing else") {
  Desk desk;
  const std::string topic = std::string(kBarrierPrefix) + "0123456789abcdef";
  for (const std::string& ignored :
       {"\x01" + topic + "0", "\x01" + topic.substr(0, 20), std::string("\0", 1) + topic, topic + "0",
        std::string("\x01"
                    "0123456789abcdefghijk"),
        std::string("\x01"), std::string(),
        std::string("\x01"
                    "a/")}) {
    desk.stream.on_subscription(Lane::changes, ignored, Revision(9));
    CHECK(desk.feed.take().empty());
  }
  desk.stream.on_subscription(Lane::express, "\x01" + topic, Revision(9));
  const auto sent = desk.feed.take();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].lane == Lane::express);
  const auto frame = codec::split_stream_frame(sent[0].frame);
  REQUIRE(frame->kind == codec::StreamFrame::Kind::barrier);
  CHECK(frame->topic == topic);
  CHECK(*codec::decode_barrier(frame->body) == Barrier{Epoch(5), Run(6), Revision(9)});
}

TEST_CASE("change sets of one step are coalesced per namespace, in seq order, up to a frame's size (I3)") {
  PipelineSettings settings = Desk::quiet();
  settings.frame_bytes_target = 1000;
  Desk desk(settings);
  std::vector<std::shared_ptr<StoredTransaction>> txns(6);
  for (std::uint64_t i = 0; i < 6; ++i) {
    txns[i] = std::make_shared<StoredTransaction>();
    txns[i]->sets.push_back(stored_set(i % 2 == 0 ? "a" : "b", i / 2 + 1, i % 2 == 0 ? 10 : 700));
    desk.stream.add(txns[i], desk.now);
  }
  CHECK(desk.feed.sent.empty());
  desk.stream.flush();
  std::vector<std::pair<std::string, Names>> frames;
  for (const auto& sent : desk.feed.take()) {
    const auto frame = codec::split_stream_frame(sent.frame);
    Names seqs;
    const auto sets = codec::decode_change_sets(frame->body);
    for (const ChangeSet& set : *sets) seqs.push_back(std::to_string(set.seq.value()));
    frames.emplace_back(frame->ns, seqs);
  }
  CHECK(frames == std::vector<std::pair<std::string, Names>>{
                      {"a", {"1", "2", "3"}}, {"b", {"1"}}, {"b", {"2"}}, {"b", {"3"}}});
  desk.stream.flush();
  CHECK(desk.feed.sent.empty());
  desk.pass(milliseconds(1000));
  CHECK(desk.markers() == Names{"a", "b"});
}

TEST_CASE("sets go out on their lane, on both while it changes, in seq order on each (I3)") {
  PipelineSettings settings = Desk::quiet();
  settings.express = {"tcp://127.0.0.1:1"};
  Desk desk(settings);
  std::vector<std::shared_ptr<StoredTransaction>> txns(5);
  const auto add = [&](std::size_t i, const std::string& ns, std::uint64_t seq, Lane lane, bool both) {
    txns[i] = std::make_shared<StoredTransaction>();
    txns[i]->sets.push_back(stored_set(ns, seq));
    txns[i]->sets.back()->lane = lane;
    txns[i]->sets.back()->both_lanes = both;
    desk.stream.add(txns[i], desk.now);
  };
  const auto before = desk.stream.counters().lanes;
  const auto beats = [&](Lane lane) { return before[static_cast<std::size_t>(lane)].bytes; };
  add(0, "b", 1, Lane::changes, false);
  add(1, "a", 1, Lane::changes, false);
  add(2, "a", 2, Lane::express, true);
  add(3, "a", 3, Lane::express, true);
  add(4, "a", 4, Lane::express, false);
  desk.stream.flush();
  std::map<Lane, Names> heard;
  std::map<Lane, std::size_t> bytes;
  for (const auto& sent : desk.feed.take()) {
    bytes[sent.lane] += sent.frame.size();
    const auto frame = codec::split_stream_frame(sent.frame);
    const auto sets = codec::decode_change_sets(frame->body);
    for (const ChangeSet& set : *sets) {
      heard[sent.lane].push_back(std::string(frame->ns) + std::to_string(set.seq.value()));
    }
  }
  CHECK(heard[Lane::express] == Names{"a2", "a3", "a4"});
  CHECK(heard[Lane::changes] == Names{"b1", "a1", "a2", "a3"});
  for (const Lane lane : {Lane::changes, Lane::express}) {
    const auto& counted = desk.stream.counters().lanes[static_cast<std::size_t>(lane)];
    CHECK(counted.sets == heard[lane].size());
    CHECK(counted.bytes - beats(lane) == bytes[lane]);
  }
}

TEST_CASE("what goes by express does not wait for the other namespaces of its step") {
  PipelineSettings settings = Desk::quiet();
  settings.express = {"tcp://127.0.0.1:1"};
  Desk desk(settings);
  std::vector<std::shared_ptr<StoredTransaction>> txns(3);
  for (std::size_t i = 0; i < 3; ++i) {
    txns[i] = std::make_shared<StoredTransaction>();
    txns[i]->sets.push_back(stored_set("n" + std::to_string(i), 1));
    txns[i]->sets.back()->lane = i == 2 ? Lane::express : Lane::changes;
    desk.stream.add(txns[i], desk.now);
  }
  desk.stream.flush();
  const auto sent = desk.feed.take();
  REQUIRE(sent.size() == 3);
  CHECK(sent[0].lane == Lane::express);
}

TEST_CASE("the heartbeat slows down with its followers, each longer interval announced a frame before") {
  PipelineSettings settings = Desk::quiet();
  settings.heartbeat = milliseconds(1000);
  Desk desk(settings);
  // {since the frame before, announced for the next} of the next frame
  const auto next_beat = [&] {
    for (milliseconds waited{0};; waited += milliseconds(1), desk.pass(milliseconds(1))) {
      desk.step();
      for (const auto& sent : desk.feed.take()) {
        const auto frame = codec::split_stream_frame(sent.frame);
        const auto beat = codec::decode_heartbeat(frame->body);
        desk.pass(milliseconds(1));
        return std::pair<std::int64_t, std::int64_t>(waited.count() + 1, beat->next_ms);
      }
    }
  };
  next_beat();
  CHECK(next_beat() == std::pair<std::int64_t, std::int64_t>(1000, 1000));
  desk.stream.set_followers(1000);  // 12 ms a second is affordable
  CHECK(next_beat() == std::pair<std::int64_t, std::int64_t>(1000, 1000));
  desk.stream.set_followers(10'000);
  std::int64_t used = 1000, announced = 1000;
  for (int i = 0; i < 12; ++i) {
    const auto [waited, next] = next_beat();
    CHECK(waited == used);
    used = announced;
    CHECK(next >= announced);
    CHECK(next <= announced * 3 / 2 + 1);
    announced = next;
    CHECK(desk.stream.heartbeat().count() == announced);
  }
  CHECK(announced == 4000);  // 120 ms are 3 % of it
  desk.stream.set_followers(10'000'000);
  for (int i = 0; i < 12; ++i) announced = next_beat().second;
  CHECK(announced == 30'000);
  desk.stream.set_followers(1);
  next_beat();  // announces the shorter one, and uses it at once
  CHECK(next_beat() == std::pair<std::int64_t, std::int64_t>(1000, 1000));
}

}  // namespace prismbus
