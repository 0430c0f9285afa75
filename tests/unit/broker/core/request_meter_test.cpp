// Requests counted by operation and code, and how long they took by the clock of the steps: the meter alone,
// then through the whole hallway.
#include "broker/core/request_meter.hpp"

#include <utility>

#include "proto/json/json_value.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"
#include "tests/model/fake_broker.hpp"
#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct Meter {
  RequestMeter meter;
  Steady now{std::chrono::hours(1)};

  Meter() { meter.begin_step(now); }
  RequestMark take(const RequestBody& body) {
    const ReplyTo from{ConnectionId(1), "p", {}};
    meter.enter(from, now);
    from.mark.op = RequestMeter::op_of(body);
    return from.mark;
  }
  void step(microseconds later) { meter.begin_step(now += later); }
  std::uint64_t answers(std::string_view op, std::string_view code) const {
    for (std::size_t row = 0; row < kOpRows; ++row) {
      for (std::size_t at = 0; at < RequestMeter::kCodes; ++at) {
        if (kOpTable[row].name == op && RequestMeter::name_of_code(at) == code)
          return meter.answers()[row][at];
      }
    }
    FAIL("no such row");
    return 0;
  }
};

template <std::size_t... I>
void check_names(std::index_sequence<I...>) {
  const auto check = [](std::size_t row, const RequestBody& body) {
    CHECK(body.index() == row);
    if (row > 0) CHECK(codec::op_of(body) == kOpTable[row].name);
  };
  (check(I, RequestBody(std::in_place_index<I>)), ...);
}

// A broker that answers nobody, and its own status.
struct House final : ReplySink, Feed {
  House() {
    settings.dir = scratch.path() + "/data";
    broker.emplace(settings, journal_disk, state_disk, *this, *this);
    step();
  }
  void send(RequestBody body) {
    broker->pipeline.on_request({ConnectionId(1), "peer", {}},
                                codec::encode_request({{false, 1}, {}, {}, std::move(body)}), now);
  }
  void step(milliseconds later = milliseconds(0)) {
    now.steady += later;
    broker->pipeline.step(now);
  }
  Value status() {
    send(StatusRequest{});
    return *from_message_pack(last);
  }
  std::string told(std::initializer_list<std::string_view> path) {
    const Value status_now = status();
    const Value* at = &status_now;
    for (const std::string_view name : path) {
      at = at->find(name);
      if (at == nullptr) return "nothing";
    }
    return to_json(*at);
  }
  void reply(const ReplyTo&, std::string payload) override { last = std::move(payload); }
  void publish(Lane, std::string) override {}

  testing::Scratch scratch;
  model::FakeBrokerSettings settings;
  model::FakeDisk journal_disk, state_disk;
  std::optional<model::FakeBroker> broker;
  Now now{Steady(std::chrono::hours(1)), Wall(std::chrono::hours(500'000))};
  std::string last;
};

}  // namespace

TEST_CASE("the table names every operation as the wire does, in the order of the requests") {
  check_names(std::make_index_sequence<std::variant_size_v<RequestBody>>());
  CHECK(kOpTable.front().name == "unknown");
  CHECK(kOpTable.back().name == "malformed");
  for (std::size_t code = 1; code < RequestMeter::kCodes; ++code)
    CHECK(static_cast<std::size_t>(*error_code_named(RequestMeter::name_of_code(code))) == code);
}

TEST_CASE("what a step takes and answers lasts as long as the step; the rest until the end of the answer's") {
  Meter m;
  m.meter.answered(m.take(GetRequest{}), std::nullopt);
  m.meter.answered(m.take(GetRequest{}), ErrorCode::not_found);
  const RequestMark put = m.take(PutRequest{});
  CHECK(m.meter.took(OpClass::get).count() == 0);  // the step goes on
  m.step(microseconds(70));
  CHECK(m.meter.took(OpClass::get).count() == 2);
  CHECK(m.meter.took(OpClass::get).sum() == 140);
  CHECK(m.meter.took(OpClass::get).counts()[1] == 2);  // above 50, at most 100
  m.step(microseconds(400));
  m.meter.answered(put, std::nullopt);
  m.step(microseconds(30));
  CHECK(m.meter.took(OpClass::write).count() == 1);
  CHECK(m.meter.took(OpClass::write).sum() == 500);
  CHECK(m.answers("get", "ok") == 1);
  CHECK(m.answers("get", "not_found") == 1);
  CHECK(m.answers("put", "ok") == 1);
  CHECK(m.meter.entered() == 3);
  CHECK(m.meter.refused() == 1);
}

TEST_CASE("status tells each answer once, with its code, also those of the reader and of what waited") {
  House house;
  house.send(PutRequest{"a", "k", "\xc0", {}, {}});
  house.broker->pipeline.flush(house.now);
  house.send(PutRequest{"a", "k", "\xc0", Revision(0), {}});  // waits for the first one's fate
  house.broker->journal.step(house.now);
  house.step(milliseconds(2));
  house.send(GetRequest{"a", "k", {}});
  house.send(GetRequest{"a", "none", {}});
  GetRequest ahead{"a", "k", {}};
  ahead.read.min_rev = Revision(2);
  house.send(ahead);  // parked
  ListRequest list;
  list.ns = "a";
  list.read.at = Revision(1);
  house.send(list);
  DiffRequest diff;
  diff.ns = "a";
  diff.page.after = "no cursor";
  house.send(diff);
  house.broker->pipeline.on_request({ConnectionId(1), "peer", {}}, "\x81\xa2op\xa7made-up", house.now);
  house.broker->pipeline.on_request({ConnectionId(1), "peer", {}}, "no request", house.now);
  house.broker->pipeline.on_malformed({ConnectionId(1), "peer", {}}, "two frames", house.now);
  house.broker->reader.step();
  house.step(milliseconds(1));
  house.step(milliseconds(5000));  // the parked one is over
  CHECK(house.told({"answers", "put"}) == R"({"ok":1,"conflict":1,"internal":0})");
  CHECK(house.told({"answers", "get"}) == R"({"ok":1,"not_found":1,"internal":0,"unavailable":1})");
  CHECK(house.told({"answers", "list"}) == R"({"ok":1,"internal":0})");
  CHECK(house.told({"answers", "diff"}) == R"({"ok":0,"invalid_argument":1,"internal":0})");
  CHECK(house.told({"answers", "unknown"}) == R"({"ok":0,"internal":0,"unsupported":1})");
  CHECK(house.told({"answers", "malformed"}) == R"({"ok":0,"invalid_argument":2,"internal":0})");
  CHECK(house.told({"answers", "status"}) == R"({"ok":6,"internal":0})");
  CHECK(house.told({"answers", "made-up"}) == "nothing");
  CHECK(house.told({"errors"}) == "7");
  CHECK(house.told({"requests"}) == "20");
  house.step();
  CHECK(house.told({"latency_us", "write", "sum"}) == "6000");  // 3 ms each: two of the disk, one of a step
  CHECK(house.told({"store", "batch_changes", "counts"}) == "[1,0,0,0,0,0,0,0,0,0]");
}

TEST_CASE("resyncs are what was begun, not their pages; history that is gone counts by name") {
  House house;
  ChangesRequest changes;
  changes.since = {{"a", Seq(0)}, {"b", Seq(9)}};
  house.send(changes);
  SnapshotRequest snapshot;
  snapshot.under = "";
  house.send(snapshot);
  snapshot.after = "no cursor";
  house.send(snapshot);
  house.broker->pipeline.on_request(
      {ConnectionId(1), "peer", {}},
      codec::encode_request({{false, 1}, {}, Epoch(1), GetRequest{"a", "k", {}}}), house.now);
  house.broker->reader.step();
  house.step();
  CHECK(house.told({"resyncs"}) == R"({"snapshot":1,"catch_up":1,"compacted":0,"other_history":1})");
}

TEST_CASE("the fold's lag is the age of what is not in the state") {
  House house;
  house.send(PutRequest{"a", "k", "\xc0", {}, {}});
  house.broker->pipeline.flush(house.now);
  house.broker->journal.step(house.now);
  house.step();
  CHECK(house.told({"fold_lag_ms"}) == "0");
  house.now.wall += std::chrono::milliseconds(700);
  CHECK(house.told({"fold_lag_ms"}) == "700");
  house.broker->fold.step(house.now);
  house.now.steady += std::chrono::seconds(10);  // longer than a fold waits for company
  house.broker->fold.step(house.now);
  house.step();
  CHECK(house.told({"folded"}) == "1");
  CHECK(house.told({"fold_lag_ms"}) == "0");
  CHECK(house.told({"store", "fold_ms", "sum"}) != "nothing");
}

}  // namespace prismbus
