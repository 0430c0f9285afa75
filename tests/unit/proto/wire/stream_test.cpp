#include "proto/wire/codec/stream.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "proto/wire/names.hpp"
#include "tests/unit/proto/wire/json_bytes.hpp"

using namespace prismbus;
using namespace prismbus::codec;
using testing::pack_json;
using testing::pack_text;

namespace {

std::string change_set(Seq seq, std::vector<ChangeOffsets>* offsets = nullptr) {
  std::string out;
  std::vector<ChangeOffsets> here;
  encode_change_set(out, {Epoch(9), Revision(40), seq, from_micros(8), "me", std::nullopt},
                    {{ChangeOp::put, "k1", "\xa5value", 3}, {ChangeOp::del, "k2", {}, 0}}, here);
  if (offsets) *offsets = here;
  return out;
}

}  // namespace

TEST_CASE("a change set comes back as it went and says where its keys and values lie") {
  std::vector<ChangeOffsets> offsets;
  const auto encoded = change_set(Seq(5), &offsets);
  const auto set = decode_change_set(encoded);
  REQUIRE(set);
  CHECK(set->epoch == Epoch(9));
  CHECK(set->rev == Revision(40));
  CHECK(set->seq == Seq(5));
  CHECK(set->by == "me");
  CHECK_FALSE(set->is_marker());
  REQUIRE(set->changes.size() == 2);
  CHECK(set->changes[0] == Change{ChangeOp::put, "k1", "\xa5value", 3});
  CHECK(set->changes[1] == Change{ChangeOp::del, "k2", "", 0});
  REQUIRE(offsets.size() == 2);
  const std::string_view bytes = encoded;
  CHECK(bytes.substr(offsets[0].key_at, offsets[0].key_size) == "k1");
  CHECK(bytes.substr(offsets[0].value_at, offsets[0].value_size) == "\xa5value");
  CHECK(bytes.substr(offsets[1].key_at, offsets[1].key_size) == "k2");
  CHECK(offsets[1].value_size == 0);
  const auto views = view_changes(encoded);
  REQUIRE(views);
  REQUIRE(views->size() == 2);
  CHECK((*views)[0].value.data() == encoded.data() + offsets[0].value_at);
  CHECK((*views)[1].op == ChangeOp::del);
}

TEST_CASE("offsets hold when the set is appended to what is there already") {
  std::string out = "already here";
  std::vector<ChangeOffsets> offsets;
  encode_change_set(out, {Epoch(9), Revision(1), Seq(1), from_micros(8), "me", "a note"},
                    {{ChangeOp::put, "key", "\x05", 1}}, offsets);
  CHECK(out.substr(offsets[0].key_at, offsets[0].key_size) == "key");
  CHECK(out.substr(offsets[0].value_at, offsets[0].value_size) == "\x05");
}

TEST_CASE("a frame is the namespace, a slash and an array of its sets in the order of seq") {
  const auto a = change_set(Seq(5)), b = change_set(Seq(6));
  const auto frame = encode_stream_frame("a.b", {a, b});
  CHECK(frame == "a.b/\x92" + a + b);
  const auto split = split_stream_frame(frame);
  REQUIRE(split);
  CHECK(split->kind == StreamFrame::Kind::changes);
  CHECK(split->ns == "a.b");
  const auto sets = decode_change_sets(split->body);
  REQUIRE(sets);
  CHECK(sets->size() == 2);
  CHECK_FALSE(decode_change_sets("\x92" + b + a));
  CHECK_FALSE(decode_change_sets("\x92" + a + a));
  CHECK_FALSE(decode_change_sets("\x90"));
  CHECK_FALSE(decode_change_sets("\x91" + a + '\xc0'));
  CHECK_FALSE(decode_change_sets("\xc1" + std::string(60, 'x')));  // sealed: not this version's to open
}

TEST_CASE("a marker comes alone, with a hash and without an author") {
  const Head head{Seq(7), Revision(44), from_micros(8), 0xabcdefull, Lane::express};
  const auto marker = encode_marker(Epoch(9), head);
  const auto sets = decode_change_sets("\x91" + marker);
  REQUIRE(sets);
  CHECK((*sets)[0].is_marker());
  CHECK((*sets)[0].hash == 0xabcdefull);
  CHECK((*sets)[0].lane == Lane::express);
  CHECK((*sets)[0].seq == Seq(7));
  CHECK_FALSE(decode_change_sets("\x92" + marker + change_set(Seq(8))));
  CHECK_FALSE(decode_change_sets("\x92" + change_set(Seq(6)) + marker));
}

TEST_CASE("a set may name its lane and what has to be understood to apply it") {
  auto json = nlohmann::json::parse(
      R"({"epoch":1,"rev":2,"seq":3,"time":4,"by":"x","note":"n","lane":"changes","must":["fold","x"],"new":[1],
    "changes":[{"op":"put","key":"k","value":null,"version":1,"later":true}]})");
  const auto set = decode_change_set(pack_json(json));
  REQUIRE(set);
  CHECK(set->lane == Lane::changes);
  CHECK(set->must == std::vector<std::string>{"fold", "x"});
  CHECK(set->note == "n");
  for (const auto& [field, wrong] : std::initializer_list<std::pair<const char*, nlohmann::json>>{
           {"lane", "slow"},
           {"must", "fold"},
           {"must", {1}},
           {"note", 5},
           {"changes", 5},
           {"epoch", -1},
           {"seq", nullptr},
           {"by", 5},
           {"changes", {{{"op", "put"}, {"key", "k"}, {"version", 1}}}},
           {"changes", {{{"op", "swap"}, {"key", "k"}}}},
           {"changes", {{{"op", "delete"}, {"key", ""}}}},
           {"changes", {5}},
           {"changes", {{{"op", "put"}, {"key", "k"}, {"value", 1}}}}}) {
    auto broken = json;
    broken[field] = wrong;
    CAPTURE(field, wrong.dump());
    CHECK_FALSE(decode_change_set(pack_json(broken)));
  }
  for (const char* field : {"epoch", "rev", "seq", "time", "by", "changes"}) {
    auto broken = json;
    broken.erase(field);
    CAPTURE(field);
    CHECK_FALSE(decode_change_set(pack_json(broken)));
  }
}

TEST_CASE("frames are told apart by their topics") {
  const Heartbeat beat{Epoch(1), Run(2), Revision(3), 1000, std::nullopt};
  const auto beat_frame = encode_heartbeat_frame(beat);
  CHECK(beat_frame.starts_with(kHeartbeatTopic));
  const auto split = split_stream_frame(beat_frame);
  REQUIRE(split);
  CHECK(split->kind == StreamFrame::Kind::heartbeat);
  CHECK(*decode_heartbeat(split->body) == beat);

  const std::string topic = std::string(kBarrierPrefix) + "0123456789/bcdef";
  const Barrier barrier{Epoch(1), Run(2), Revision(3)};
  const auto barrier_frame = encode_barrier_frame(topic, barrier);
  const auto barrier_split = split_stream_frame(barrier_frame);
  REQUIRE(barrier_split);
  CHECK(barrier_split->kind == StreamFrame::Kind::barrier);
  CHECK(barrier_split->topic == topic);
  CHECK(*decode_barrier(barrier_split->body) == barrier);

  for (const auto& bad : {std::string(), std::string("/"), std::string("no end"), std::string("a b/\x90"),
                          std::string(121, 'n') + "/\x90",
                          std::string("\xff"
                                      "bar/short"),
                          std::string("_sys\xc3/x")}) {
    CHECK_FALSE(split_stream_frame(bad));
  }
  CHECK(split_stream_frame(std::string(120, 'n') + "/\x90"));
}

TEST_CASE("a heartbeat may tell the period; a barrier is exactly its three fields") {
  const Heartbeat beat{Epoch(1), Run(2), Revision(3), 1000, 77};
  CHECK(*decode_heartbeat(encode_heartbeat_frame(beat).substr(kHeartbeatTopic.size())) == beat);
  CHECK_FALSE(decode_heartbeat(pack_text(R"({"epoch":1,"run":2,"rev":3})")));
  CHECK(decode_heartbeat(pack_text(R"({"epoch":1,"run":2,"rev":3,"next_ms":4,"later":5})")));
  CHECK(decode_barrier(pack_text(R"({"rev":3,"run":2,"epoch":1})")));
  CHECK_FALSE(decode_barrier(pack_text(R"({"epoch":1,"run":2,"rev":3,"more":4})")));
  CHECK_FALSE(decode_barrier(pack_text(R"({"epoch":1,"run":2})")));
  CHECK_FALSE(decode_barrier(pack_text(R"({"epoch":1,"run":2,"rev":3})") + '\xc0'));
  CHECK_FALSE(decode_barrier(""));
}
