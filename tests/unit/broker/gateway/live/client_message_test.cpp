#include "broker/gateway/live/client_message.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

namespace {

template <class Message>
Message parsed(std::string_view text) {
  auto message = parse_client_message(text);
  INFO(text);
  REQUIRE(message.has_value());
  REQUIRE(std::holds_alternative<Message>(*message));
  return std::move(std::get<Message>(*message));
}

}  // namespace

TEST_CASE("each message as section 8 has it") {
  const auto all = parsed<SubscribeMessage>(
      R"({"type":"subscribe","id":7,"ns":"a","subtree":true,"glob":"x/*","since":{"a.b":3},"snapshot":false,"epoch":"00000000000000ff"})");
  CHECK(all.id == 7);
  CHECK(all.ns == "a");
  CHECK(all.subtree);
  CHECK(all.glob == "x/*");
  CHECK(all.since == std::map<std::string, Seq>{{"a.b", Seq(3)}});
  CHECK_FALSE(all.snapshot);
  CHECK(all.epoch == Epoch(255));
  const auto least = parsed<SubscribeMessage>(R"({"type":"subscribe","id":18446744073709551615,"ns":"a"})");
  CHECK(least.id == ~std::uint64_t{0});
  CHECK((!least.subtree && least.glob.empty() && !least.since && least.snapshot && !least.epoch));
  CHECK(parsed<SubscribeMessage>(R"({"type":"subscribe","id":1,"ns":"a","glob":"**"})").glob.empty());
  CHECK(parsed<SubscribeMessage>(R"({"type":"subscribe","id":1,"ns":"a","since":4})").since ==
        std::map<std::string, Seq>{{"a", Seq(4)}});
  CHECK(parsed<SubscribeMessage>(R"({"type":"subscribe","id":1,"ns":"a","since":{}})").since ==
        std::map<std::string, Seq>{{"a", Seq(0)}});
  CHECK(parsed<UnsubscribeMessage>(R"({"type":"unsubscribe","id":1})").id == 1);
  CHECK(parsed<PauseMessage>(R"({"type":"pause","id":0})").id == 0);
  CHECK(parsed<ResumeMessage>(R"({"id":2,"type":"resume"})").id == 2);
  CHECK(parsed<TokenMessage>(R"({"type":"token","token":"x"})").token == "x");
  const auto ack = parsed<AckMessage>(R"({"type":"ack","applied":{"a":1},"state":"s"})");
  CHECK(ack.fields.as<Value::Map>()->size() == 2);
  CHECK(ack.fields.find("type") == nullptr);
}

TEST_CASE("each mistake names its field, and its subscription where it can be read") {
  struct Row {
    const char* text;
    ErrorCode code;
    const char* field;
    std::optional<SubscriptionId> id{};
  };
  constexpr auto invalid = ErrorCode::invalid_argument, no_such = ErrorCode::unsupported;
  const std::vector<Row> rows{
      {"", invalid, "message"},
      {"nonsense", invalid, "message"},
      {"[]", invalid, "message"},
      {"null", invalid, "message"},
      {R"({"type":"pause","id":1)", invalid, "message"},
      {R"({"type":"pause","id":1}{})", invalid, "message"},
      {R"({"id":1})", invalid, "type"},
      {R"({"type":5,"id":1})", invalid, "type"},
      {R"({"type":"","id":1})", no_such, "type", 1},
      {R"({"type":"Subscribe","id":1})", no_such, "type", 1},
      {R"({"type":"pause"})", invalid, "id"},
      {R"({"type":"pause","id":"1"})", invalid, "id"},
      {R"({"type":"pause","id":-1})", invalid, "id"},
      {R"({"type":"pause","id":1.0})", invalid, "id"},
      {R"({"type":"pause","id":1,"x":1})", no_such, "x", 1},
      {R"({"type":"subscribe","id":1})", invalid, "ns", 1},
      {R"({"type":"subscribe","id":1,"ns":1})", invalid, "ns", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","subtree":"yes"})", invalid, "subtree", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","snapshot":1})", invalid, "snapshot", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","glob":1})", invalid, "glob", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","glob":"x\\"})", invalid, "glob", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","epoch":"f"})", invalid, "epoch", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","epoch":"00000000000000fg"})", invalid, "epoch", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","epoch":255})", invalid, "epoch", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","since":-1})", invalid, "since", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","since":null})", invalid, "since", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","since":{"a":-1}})", invalid, "since", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","since":{"a.b":1}})", invalid, "since", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","subtree":true,"since":1})", invalid, "since", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","subtree":true,"since":{"ab":1}})", invalid, "since", 1},
      {R"({"type":"subscribe","id":1,"ns":"a","since":{"$map":[[5,1]]}})", invalid, "since", 1},
      {R"({"type":"token"})", invalid, "token"},
      {R"({"type":"token","token":5})", invalid, "token"},
      {R"({"type":"token","token":"x","id":1})", no_such, "id"},
      {R"({"type":"ack","applied":{},"op":"put"})", no_such, "op"},
      {R"({"type":"ack","applied":{},"token":"x"})", no_such, "token"},
      {R"({"$map":[["type","ack"],[5,1]]})", no_such, "message"},
      {R"({"$map":[[5,1],["type","pause"],["id",1]]})", no_such, "message", 1},
      {R"({"$bin":"AAAA"})", invalid, "message"},
      {R"({"type":"pause","id":1,"":1})", no_such, "message", 1},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto message = parse_client_message(row.text);
    REQUIRE_FALSE(message.has_value());
    CHECK(message.error().error.code == row.code);
    CHECK(message.error().error.field == row.field);
    CHECK(message.error().id == row.id);
    CHECK_FALSE(message.error().error.message.empty());
  }
}

TEST_CASE("`since` has as many names as a follower may have, and no more (I8)") {
  const auto with = [](int names) {
    std::string text = R"({"type":"subscribe","id":1,"ns":"a","subtree":true,"since":{)";
    for (int n = 0; n < names; ++n) text += (n > 0 ? ",\"a.n" : "\"a.n") + std::to_string(n) + "\":1";
    return text + "}}";
  };
  CHECK(parsed<SubscribeMessage>(with(10'000)).since->size() == 10'000);
  const auto more = parse_client_message(with(10'001));
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().error.field == "since");
  CHECK(parse_client_message(with(200'000)).error().error.field == "message");
}
