#include "proto/json/json_value.hpp"
#include "tests/unit/broker/core/ack_bus.hpp"

namespace prismbus {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Bus = testing::AckBus;
using Names = testing::Names;

TEST_CASE("an ack on a connection that did not say what it follows is unauthenticated") {
  Bus bus;
  CHECK(bus.refusal(bus.ack(1, {{"a", Seq(1)}})) == ErrorCode::unauthenticated);
  bus.send(1, HelloRequest{});
  CHECK(bus.refusal(bus.ack(1, {})) == ErrorCode::unauthenticated);
  bus.hello(1, "i", {"a"});
  CHECK_FALSE(bus.header(bus.ack(1, {})).error);
  bus.broker->pipeline.on_gone(ConnectionId(1), Now{});
  CHECK(bus.refusal(bus.ack(1, {})) == ErrorCode::unauthenticated);
}

TEST_CASE("an ack is answered with what its connection follows and has not reached (I6)") {
  Bus bus;
  bus.put("a");
  bus.put("other");
  bus.hello(1, "i", {"a", "never"});
  CHECK(bus.behind(bus.ack(1, {})) == Names{"a@1"});  // of before the hello
  CHECK(bus.behind(bus.ack(1, {})) == Names{"a@1"});  // until it is reached
  CHECK(bus.behind(bus.ack(1, {{"a", Seq(1)}})).empty());
  bus.put("a");
  bus.put("other");
  CHECK(bus.behind(bus.ack(1, {})) == Names{"a@2"});
  CHECK(bus.behind(bus.ack(1, {{"a", Seq(2)}, {"other", Seq(1)}})).empty());
}

TEST_CASE("acks are asked for at common moments, within the interval of hello") {
  Bus bus;
  const auto greeted = codec::decode_hello_reply(bus.header(bus.hello(1, "i", {"a"}))).value();
  const milliseconds interval(greeted.ack_ms);
  for (const auto pause : {0, 1, 3, 9, 10, 1234}) {
    bus.pass(milliseconds(pause));
    const milliseconds told(codec::decode_ack_reply(bus.header(bus.ack(1, {}))).value().ack_ms);
    CHECK((bus.now.steady + told).time_since_epoch() % AckDesk::kGather < milliseconds(1));
    CHECK(told <= interval);
    CHECK(told > interval - AckDesk::kGather);
  }
}

TEST_CASE("whoever follows a subtree is told of every name below that changed since it came") {
  Bus bus;
  bus.hello(1, "i", {}, {"a.b"});
  bus.put("a.b");
  bus.put("a.b.c");
  bus.put("a.bc");
  CHECK(bus.behind(bus.ack(1, {})) == Names{"a.b@1", "a.b.c@1"});
  CHECK(bus.behind(bus.ack(1, {{"a.b.c", Seq(1)}})) == Names{"a.b@1"});
  bus.put("a.b.c");
  CHECK(bus.behind(bus.ack(1, {{"a.b", Seq(1)}})) == Names{"a.b.c@2"});
  CHECK(bus.behind(bus.ack(1, {{"a.b.c", Seq(2)}})).empty());
}

TEST_CASE("what is behind is cut to fit, and the rest comes with the next ack (I8)") {
  Bus bus;
  bus.hello(1, "i", {}, {""});
  bus.ack(1, {});
  Names names;
  for (int i = 0; i < 300; ++i) names.push_back("n" + std::to_string(i));
  for (const auto& ns : names) bus.put(ns);
  CHECK(bus.behind(bus.ack(1, {})).size() == AckDesk::kBehindMax);
  CHECK(bus.behind(bus.ack(1, {})).size() == 300 - AckDesk::kBehindMax);
  std::vector<std::pair<std::string_view, Seq>> all;
  for (const auto& ns : names) all.emplace_back(ns, Seq(1));
  CHECK(bus.behind(bus.ack(1, all)).empty());
}

TEST_CASE("an instance has so many connections that follow; a further one may come when one has gone (I8)") {
  Bus bus;
  const std::uint64_t most = FollowerTable::kInstanceRowsMax;
  for (std::uint64_t i = 1; i <= most + 1; ++i) bus.hello(i, "one", {"a"});
  CHECK_FALSE(bus.header(bus.ack(most, {})).error);
  CHECK(bus.refusal(bus.ack(most + 1, {})) == ErrorCode::overloaded);
  bus.broker->pipeline.on_gone(ConnectionId(1), Now{});
  CHECK(bus.refusal(bus.ack(most + 1, {})) == ErrorCode::unauthenticated);  // it says hello again
  bus.hello(most + 1, "one", {"a"});
  CHECK_FALSE(bus.header(bus.ack(most + 1, {})).error);
}

TEST_CASE("who stays silent is called so, and forgotten after a time") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  bus.hello(2, "two", {"a"});
  bus.pass(seconds(14));
  bus.ack(1, {});
  bus.pass(seconds(2));
  auto rows = bus.rows().subscribers;
  REQUIRE(rows.size() == 2);
  CHECK_FALSE(rows[0].silent);
  CHECK(rows[1].silent);
  bus.pass(seconds(44));
  rows = bus.rows().subscribers;
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].instance == "one");
  CHECK(bus.refusal(bus.ack(2, {})) == ErrorCode::unauthenticated);
  bus.hello(2, "two", {"a"});
  CHECK_FALSE(bus.header(bus.ack(2, {})).error);
}

TEST_CASE(
    "a row tells who it is, what it applied, how far it is behind, what it refused and how fast it is") {
  Bus bus;
  bus.put("a");
  bus.put("a");
  bus.hello(1, "one", {"a", "b"});
  bus.send(1, AckRequest{{{"a", Seq(1)}}, {{"a", Seq(1), "k", "no"}}, {10, 30, 20}, "live"});
  const auto rows = bus.rows().subscribers;
  REQUIRE(rows.size() == 1);
  const SubscriberRow& row = rows.front();
  CHECK(row.principal == "anonymous");
  CHECK(row.instance == "one");
  CHECK(row.name == "pricing");
  CHECK(row.labels == std::vector<std::pair<std::string, std::string>>{{"zone", "b"}});
  CHECK(row.endpoint == "10.0.0.1");
  CHECK(row.applied == std::vector<std::pair<std::string, Seq>>{{"a", Seq(1)}, {"b", Seq(0)}});
  CHECK(row.lag == 1);
  CHECK(row.rejected == std::vector<Rejection>{{"a", Seq(1), "k", "no"}});
  CHECK(row.latency_us == LatencyFigures{20, 20});
  CHECK(row.state == "live");
  CHECK(bus.rows({"b", {}}).subscribers.at(0).lag == 0);
  CHECK(bus.rows({"c", {}}).subscribers.empty());
}

TEST_CASE("subscribers come in pages, each row once") {
  Bus bus;
  for (std::uint64_t i = 1; i <= 5; ++i) bus.hello(i, "i" + std::to_string(i), {"a"});
  Names seen;
  std::optional<std::string> after;
  do {
    SubscribersRequest request{"a", {{}, 2}};
    if (after) request.page.after = *after;
    const auto page = bus.rows(request);
    for (const auto& row : page.subscribers) seen.push_back(row.instance);
    after = page.after;
  } while (after);
  CHECK(seen == Names{"i1", "i2", "i3", "i4", "i5"});
  CHECK(bus.refusal(bus.send(98, SubscribersRequest{{}, {"nonsense", {}}})) == ErrorCode::invalid_argument);
}

TEST_CASE("the latest refusals of a follower are kept, all are counted (I8)") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  for (std::uint64_t n = 1; n <= 20; ++n)
    bus.ack(1, {}, {{"a", Seq(n), "k", "no"}, {"b", Seq(n), "k", "no"}});
  const auto row = bus.rows().subscribers.at(0);
  CHECK(row.rejections == 20);
  REQUIRE(row.rejected.size() == 16);
  CHECK(row.rejected.back().seq == Seq(20));
}

TEST_CASE("acks are asked for less often when many follow: 1,000 of them every 1.25 s, 10,000 every 5 s") {
  FollowerTable table(milliseconds(1000));
  const Now now{Steady(seconds(1)), Wall(seconds(1))};
  const auto follow = [&](std::uint64_t up_to) {
    while (table.size() < up_to) {
      HelloRequest hello;
      hello.follow_ns = {"a"};
      REQUIRE(table.add(ConnectionId(table.size() + 1), hello, {"anonymous"}, now) != nullptr);
    }
  };
  follow(200);
  CHECK(table.ack_interval() == milliseconds(1000));
  follow(1'000);
  CHECK(table.ack_interval() == milliseconds(1250));
  follow(10'000);
  CHECK(table.ack_interval() == milliseconds(5000));
  CHECK(table.forget_after() == seconds(150));
  follow(FollowerTable::kRowsMax);
  HelloRequest hello;
  hello.follow_ns = {"a"};
  CHECK(table.add(ConnectionId(1'000'000), hello, {"anonymous"}, now) == nullptr);
  table.remove(ConnectionId(7));
  CHECK(table.add(ConnectionId(1'000'000), hello, {"anonymous"}, now) != nullptr);
}

TEST_CASE("a follower follows its names, its subtrees, and with `` all but the broker's own") {
  FollowerTable table(milliseconds(1000));
  HelloRequest some, all;
  some.follow_ns = {"x.y"};
  some.follow_under = {"c", "a.b"};
  all.follow_under = {""};
  const Follower& few = *table.add(ConnectionId(1), some, {"anonymous"}, {});
  const Follower& every = *table.add(ConnectionId(2), all, {"anonymous"}, {});
  for (const auto* ns : {"x.y", "c", "c.d", "a.b", "a.b.c.d"}) CHECK(few.follows(ns));
  for (const auto* ns : {"x", "x.y.z", "a", "a.bc", "cd"}) CHECK_FALSE(few.follows(ns));
  CHECK(every.follows("x"));
  CHECK_FALSE(every.follows("_system.policy"));
}

namespace {

// Values of a histogram of `status`, its buckets one by one.
std::string counts_of(Bus& bus, std::string_view name) {
  const Value status = *from_message_pack(bus.answers.at(bus.send(97, StatusRequest{})));
  return to_json(*status.find("lags")->find(name)->find("counts"));
}

}  // namespace

TEST_CASE("each ack says how many change sets it lacks, and since when one was seen lacking") {
  Bus bus;
  bus.hello(1, "i", {"a", "b"});
  bus.ack(1, {});
  CHECK(counts_of(bus, "change_sets") == "[1,0,0,0,0,0,0,0,0,0]");
  bus.put("a");
  bus.put("a");
  bus.put("b");
  bus.put("elsewhere");
  bus.ack(1, {});  // three are missing, seen for the first time
  CHECK(counts_of(bus, "change_sets") == "[1,0,1,0,0,0,0,0,0,0]");
  CHECK(counts_of(bus, "lacking_us") == "[2,0,0,0,0,0,0,0,0]");
  bus.pass(seconds(4));
  bus.ack(1, {{"b", Seq(1)}});  // `a` has been missing for 4 s
  CHECK(counts_of(bus, "lacking_us") == "[2,0,0,1,0,0,0,0,0]");
  bus.put("b");
  bus.ack(1, {{"a", Seq(2)}});  // what was missing is there; another one is seen for the first time
  CHECK(counts_of(bus, "change_sets") == "[1,1,2,0,0,0,0,0,0,0]");
  CHECK(counts_of(bus, "lacking_us") == "[3,0,0,1,0,0,0,0,0]");
}

TEST_CASE("a follower of a subtree lacks what changed below it, heads of before its hello among it") {
  Bus bus;
  bus.put("a.old");
  bus.hello(1, "i", {"a.old"}, {"a"});
  for (int i = 0; i < 12; ++i) bus.put("a.new");
  bus.ack(1, {});
  CHECK(counts_of(bus, "change_sets") == "[0,0,0,0,1,0,0,0,0,0]");  // thirteen
  bus.ack(1, {{"a.old", Seq(1)}, {"a.new", Seq(12)}});
  CHECK(counts_of(bus, "change_sets") == "[1,0,0,0,1,0,0,0,0,0]");
}

TEST_CASE("status tells latencies, rejections and who is silent of all followers together") {
  Bus bus;
  bus.hello(1, "i", {"a"});
  bus.hello(2, "j", {"a"});
  bus.put("a");
  bus.send(1,
           AckRequest{
               {{"a", Seq(1)}}, {{"a", Seq(1), "k", "no"}, {"a", Seq(1), "l", "no"}}, {200, 70'000'000}, {}});
  bus.ack(1, {}, {{"a", Seq(1), "k", "no"}});  // told again
  CHECK(counts_of(bus, "apply_us") == "[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]");
  const auto figure = [&](std::string_view name) {
    return to_json(*from_message_pack(bus.answers.at(bus.send(97, StatusRequest{})))->find(name));
  };
  CHECK(figure("rejections") == "2");
  CHECK(figure("followers_silent") == "0");
  bus.pass(seconds(16));
  CHECK(figure("followers_silent") == "2");
  bus.ack(2, {});
  CHECK(figure("followers_silent") == "1");
}

TEST_CASE(
    "who keeps up with steady writes is not lagging; who lacks one change set for seconds is, until then") {
  Bus bus;
  bus.hello(1, "i", {"a", "b"});
  REQUIRE(bus.notices.size() == 1);
  CHECK(bus.notices[0].what == Notice::What::joined);
  for (std::uint64_t seq = 1; seq <= 12; ++seq) {  // each ack tells the set of a second before
    bus.put("a");
    bus.ack(1, {{"a", Seq(seq - 1)}});
    bus.pass(seconds(1));
  }
  CHECK(bus.notices.size() == 1);
  bus.put("b");
  bus.ack(1, {{"a", Seq(12)}});
  bus.pass(seconds(5));
  bus.put("a");
  bus.ack(1, {{"a", Seq(13)}});
  REQUIRE(bus.notices.size() == 2);
  CHECK(bus.notices[1].what == Notice::What::lagging);
  CHECK(bus.notices[1].ns == "b");
  CHECK(bus.notices[1].seq == Seq(1));
  bus.ack(1, {{"b", Seq(1)}});
  REQUIRE(bus.notices.size() == 3);
  CHECK(bus.notices[2].what == Notice::What::caught_up);
}

}  // namespace prismbus
