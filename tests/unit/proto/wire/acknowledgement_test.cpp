// ack, subscribers and wait_applied on the wire: what is decoded, what is refused, what comes back as it
// went.
#include "proto/wire/codec/acknowledgement.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/wire/codec/request.hpp"
#include "proto/wire/limits.hpp"
#include "tests/unit/proto/wire/json_bytes.hpp"

using namespace prismbus;
using codec::decode_request;
using nlohmann::json;
using testing::pack_json;
using testing::pack_text;

namespace {

const codec::ReplyHead kHead{{false, 7}, Epoch(0xfeedULL), Revision(42)};

template <class Body>
Body body_of(const std::string& payload) {  // lends from `payload`
  auto request = decode_request(payload);
  if (!request) FAIL(request.error().error.message << " at " << request.error().error.field.value_or("-"));
  CHECK(decode_request(codec::encode_request(*request)));
  return std::get<Body>(request->body);
}

Error refused(const json& message) {
  const auto payload = pack_json(message);
  const auto request = decode_request(payload);
  REQUIRE_FALSE(request);
  return request.error().error;
}

Result<ReplyHeader> header_of(const std::string& payload) {
  return codec::decode_reply(payload);
}

}  // namespace

TEST_CASE("ack tells seqs, refusals, latencies and a state; nothing new is an empty map") {
  const auto payload = pack_text(R"({"op":"ack","applied":{"a.b":5,"c":0},
    "rejected":[{"ns":"a.b","seq":4,"key":"k","reason":"must be > 0"}],"latency_us":[310,7],"state":"live"})");
  const auto ack = body_of<AckRequest>(payload);
  CHECK(ack.applied == std::vector<std::pair<std::string_view, Seq>>{{"a.b", Seq(5)}, {"c", Seq(0)}});
  REQUIRE(ack.rejected.size() == 1);
  CHECK(ack.rejected[0].seq == Seq(4));
  CHECK(ack.rejected[0].reason == "must be > 0");
  CHECK(ack.latency_us == std::vector<std::uint64_t>{310, 7});
  CHECK(ack.state == "live");
  const auto bare = pack_text(R"({"op":"ack","applied":{}})");
  CHECK(body_of<AckRequest>(bare).applied.empty());
}

TEST_CASE("subscribers takes a namespace and a page, wait_applied a seq, a time and a count") {
  const auto all = pack_text(R"({"op":"subscribers"})");
  CHECK_FALSE(body_of<SubscribersRequest>(all).ns);
  const auto some = pack_text(R"({"op":"subscribers","ns":"a.b","limit":3,"after":{"$bin":"cur"}})");
  const auto subscribers = body_of<SubscribersRequest>(some);
  CHECK(subscribers.ns == "a.b");
  CHECK(subscribers.page.after == "cur");
  const auto every = pack_text(R"({"op":"wait_applied","ns":"a","seq":5,"timeout_ms":2000})");
  CHECK_FALSE(body_of<WaitAppliedRequest>(every).count);
  const auto three = pack_text(R"({"op":"wait_applied","ns":"a","seq":5,"timeout_ms":0,"count":3})");
  CHECK(body_of<WaitAppliedRequest>(three).count == 3u);
}

TEST_CASE("a field of ack, subscribers or wait_applied that is missing or mistyped is refused at its path") {
  struct Row {
    const char *message, *field;
  };
  const Row rows[] = {
      {R"({"op":"ack"})", "applied"},
      {R"({"op":"ack","applied":[]})", "applied"},
      {R"({"op":"ack","applied":{"a/":1}})", "applied"},
      {R"({"op":"ack","applied":{"a":-1}})", "applied.a"},
      {R"({"op":"ack","applied":{},"rejected":{}})", "rejected"},
      {R"({"op":"ack","applied":{},"rejected":[5]})", "rejected[0]"},
      {R"({"op":"ack","applied":{},"rejected":[{"ns":"a","seq":1,"key":"k"}]})", "rejected[0].reason"},
      {R"({"op":"ack","applied":{},"rejected":[{"ns":"a","seq":1,"key":"","reason":""}]})",
       "rejected[0].key"},
      {R"({"op":"ack","applied":{},"rejected":[{"ns":"a","seq":1,"key":"k","reason":"a\nb"}]})",
       "rejected[0].reason"},
      {R"({"op":"ack","applied":{},"latency_us":[1,"x"]})", "latency_us[1]"},
      {R"({"op":"ack","applied":{},"state":7})", "state"},
      {R"({"op":"subscribers","ns":"a."})", "ns"},
      {R"({"op":"subscribers","limit":0})", "limit"},
      {R"({"op":"wait_applied","seq":1,"timeout_ms":1})", "ns"},
      {R"({"op":"wait_applied","ns":"a","timeout_ms":1})", "seq"},
      {R"({"op":"wait_applied","ns":"a","seq":1})", "timeout_ms"},
      {R"({"op":"wait_applied","ns":"a","seq":1,"timeout_ms":1,"count":0})", "count"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.message);
    const Error error = refused(json::parse(row.message));
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(error.field == row.field);
  }
}

TEST_CASE("a namespace that stands twice in `applied` is refused") {
  const std::string twice =
      "\x82\xa2op\xa3"
      "ack\xa7"
      "applied\x82\xa1"
      "a\x01\xa1"
      "a\x02";
  const auto request = decode_request(twice);
  REQUIRE_FALSE(request);
  CHECK(request.error().error.field == "applied");
}

TEST_CASE("every list and text of an ack has its limit, and so has a wait (I8)") {
  json names = json::object(), rejections = json::array(), samples = json::array();
  for (int i = 0; i < 10'001; ++i) {
    names["n" + std::to_string(i)] = 1;
    if (i < 257) rejections.push_back({{"ns", "a"}, {"seq", 1}, {"key", "k"}, {"reason", ""}});
    if (i < 257) samples.push_back(1);
  }
  const json long_reason = {{{"ns", "a"}, {"seq", 1}, {"key", "k"}, {"reason", std::string(513, 'r')}}};
  struct Row {
    json message;
    const char* field;
    std::uint64_t limit, size;
  };
  const Row rows[] = {
      {{{"op", "ack"}, {"applied", names}}, "applied", 10'000, 10'001},
      {{{"op", "ack"}, {"applied", json::object()}, {"rejected", rejections}}, "rejected", 256, 257},
      {{{"op", "ack"}, {"applied", json::object()}, {"rejected", long_reason}},
       "rejected[0].reason",
       512,
       513},
      {{{"op", "ack"}, {"applied", json::object()}, {"latency_us", samples}}, "latency_us", 256, 257},
      {{{"op", "ack"}, {"applied", json::object()}, {"state", std::string(65, 's')}}, "state", 64, 65},
      {{{"op", "wait_applied"}, {"ns", "a"}, {"seq", 1}, {"timeout_ms", 60'001}},
       "timeout_ms",
       60'000,
       60'001},
  };
  for (const auto& row : rows) {
    CAPTURE(row.field);
    const Error error = refused(row.message);
    CHECK(error.code == ErrorCode::too_large);
    CHECK(error.field == row.field);
    CHECK(error.limit == row.limit);
    CHECK(error.size == row.size);
  }
}

TEST_CASE("replies to ack, subscribers and wait_applied come back as they went") {
  const AckReply ack{{{"a.b", {Seq(5), Revision(41), from_micros(7), 9, Lane::express}}}, 5000};
  const auto ack_bytes = codec::encode_ack_reply(kHead, ack);
  CHECK(codec::decode_ack_reply(*header_of(ack_bytes)).value() == ack);

  SubscriberRow row{.principal = "anonymous",
                    .instance = "i",
                    .name = "n",
                    .labels = {{"zone", "b"}},
                    .since = from_micros(1),
                    .endpoint = "10.0.0.7",
                    .applied = {{"a.b", Seq(5)}},
                    .names = 1,
                    .lag = 2,
                    .rejected = {{"a.b", Seq(4), "k", "must be > 0"}},
                    .rejections = 1,
                    .state = "live",
                    .silent = true,
                    .last_seen = from_micros(3),
                    .latency_us = LatencyFigures{5, 6}};
  SubscriberRow quiet = row;
  quiet.latency_us.reset();
  const auto rows = codec::encode_subscribers_reply(kHead, {{row, quiet}, true, "cur"});
  const auto page = codec::decode_subscribers_reply(*header_of(rows));
  REQUIRE(page);
  CHECK(page->subscribers == std::vector<SubscriberRow>{row, quiet});
  CHECK(page->after == "cur");

  const WaitAppliedReply waited{{"a", "b"}, {"c"}, {"d"}, {{"c", "k", "must be > 0"}}};
  const auto waited_bytes = codec::encode_wait_applied_reply(kHead, waited);
  CHECK(codec::decode_wait_applied_reply(*header_of(waited_bytes)).value() == waited);
  const auto nobody = codec::encode_wait_applied_reply(kHead, {});
  CHECK(codec::decode_wait_applied_reply(*header_of(nobody)).value() == WaitAppliedReply{});
}

TEST_CASE("a reply to ack, subscribers or wait_applied that lacks a field is refused with its path") {
  const auto field_of = [](auto decode, const char* fields) {
    json reply = json::parse(R"({"id":7,"ok":true,"epoch":1,"rev":2})");
    reply.update(json::parse(fields));
    const auto payload = pack_json(reply);
    const auto decoded = decode(*header_of(payload));
    REQUIRE_FALSE(decoded);
    return decoded.error().field.value_or("-");
  };
  CHECK(field_of(codec::decode_ack_reply, R"({"ack_ms":1})") == "behind");
  CHECK(field_of(codec::decode_ack_reply, R"({"behind":{}})") == "ack_ms");
  CHECK(field_of(codec::decode_ack_reply, R"({"behind":{"a":{}},"ack_ms":1})") == "behind.a.seq");
  CHECK(field_of(codec::decode_subscribers_reply, R"({"more":false})") == "subscribers");
  CHECK(field_of(codec::decode_subscribers_reply, R"({"subscribers":[{}],"more":false})") ==
        "subscribers[0].principal");
  CHECK(field_of(codec::decode_subscribers_reply, R"({"subscribers":[],"more":true})") == "after");
  CHECK(field_of(codec::decode_wait_applied_reply, R"({"applied":[],"rejected":[]})") == "silent");
  CHECK(field_of(codec::decode_wait_applied_reply, R"({"applied":[5],"rejected":[],"silent":[]})") ==
        "applied[0]");
}
