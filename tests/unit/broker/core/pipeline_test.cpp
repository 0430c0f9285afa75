// What the model of the whole broker shows by chance, shown on purpose: how the hallway starts, fails and
// ends.
#include "broker/core/pipeline.hpp"

#include <map>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/codec/stream.hpp"
#include "tests/model/fake_broker.hpp"
#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

using model::FakeBroker;
using model::FakeDisk;

struct House final : ReplySink, Feed {
  House() {
    settings.dir = scratch.path() + "/data";
    settings.fold.wait_max = std::chrono::milliseconds(0);
    restart();
  }
  void restart() {
    broker.reset();
    journal_disk.mood = state_disk.mood = FakeDisk::Mood::sound;
    broker.emplace(settings, journal_disk, state_disk, *this, *this);
  }
  std::uint64_t send(RequestBody body) {
    const Request request{{false, ++last_id}, {}, {}, std::move(body)};
    broker->pipeline.on_request({asker, "peer", {}}, codec::encode_request(request), now);
    return last_id;
  }
  std::uint64_t put(std::string_view key, std::uint64_t n = 0, std::optional<Revision> if_rev = {}) {
    PutRequest put{"a", key, "\xc0", if_rev, {}};
    if (n != 0) {
      put.write.session = "sessions";
      put.write.n = n;
    }
    return send(put);
  }
  void step() { broker->pipeline.step(now); }
  void commit() {
    broker->pipeline.flush(now);
    broker->journal.step(now);
    step();
  }
  void fold() {
    broker->fold.step(now);
    step();
  }
  // The error an id was answered with; `ok` none.
  std::string answer(std::uint64_t id) {
    const auto it = answers.find(id);
    return it == answers.end() ? "none yet" : it->second;
  }
  void reply(const ReplyTo&, std::string payload) override {
    const auto header = codec::decode_reply(payload);
    REQUIRE(header.has_value());
    std::string text = header->error ? std::string(error_row(header->error->code).name) : "ok";
    text += "@" + std::to_string(header->rev.value());
    REQUIRE(answers.emplace(header->id.bits, text).second);
  }
  void publish(Lane, std::string frame) override { frames.push_back(std::move(frame)); }

  testing::Scratch scratch;
  model::FakeBrokerSettings settings;
  FakeDisk journal_disk, state_disk;
  std::optional<FakeBroker> broker;
  Now now{Steady(std::chrono::hours(1)), Wall(std::chrono::hours(500'000))};
  ConnectionId asker{1};
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, std::string> answers;
  std::vector<std::string> frames;
};

}  // namespace

TEST_CASE("a restart goes on where the disk stands, folded or not (I1)") {
  House house;
  house.put("k");
  house.commit();
  house.fold();
  house.restart();
  CHECK(house.answer(house.send(GetRequest{"a", "k", {}})) == "ok@1");
  house.put("k");
  house.commit();
  house.restart();
  CHECK(house.answer(house.send(GetRequest{"a", "k", {}})) == "ok@2");
  const auto third = house.put("k");
  house.commit();
  CHECK(house.answer(third) == "ok@3");
}

TEST_CASE("I7: a request whose journal record was trimmed is refused by its id and never applied again") {
  House house;
  house.settings.fold.retention = {4, std::chrono::seconds(0), std::chrono::seconds(0)};
  house.restart();
  for (std::uint64_t n = 1; n <= 20; ++n) {
    house.put("k", n);
    house.commit();
    house.fold();
    house.fold();  // the floor's turn
    house.commit();
  }
  const auto floor = house.broker->store.journal.meta().floor;
  CHECK(floor == Revision(16));
  CHECK(house.broker->store.state.meta().floor == Revision(16));
  for (const bool restarted : {false, true}) {
    if (restarted) house.restart();
    CHECK(house.answer(house.put("k", 16)) == "invalid_argument@20");
    CHECK(house.answer(house.put("k", 1)) == "invalid_argument@20");
    CHECK(house.answer(house.put("k", 17)) == "ok@17");
    CHECK(house.answer(house.put("k", 20)) == "ok@20");
    house.commit();
    CHECK(house.broker->store.journal.meta().last == Revision(20));
  }
}

TEST_CASE("time goes on after a restart with everything folded and trimmed") {
  House house;
  house.settings.fold.retention = {1, std::chrono::seconds(0), std::chrono::seconds(0)};
  house.restart();
  for (int i = 0; i < 3; ++i) {
    house.put("k");
    house.commit();
    house.fold();
    house.fold();
    house.commit();
  }
  CHECK(house.broker->store.journal.meta().floor == Revision(2));
  house.now.wall -= std::chrono::hours(1);  // the clock was set back
  house.restart();
  house.put("k");
  house.commit();
  JournalReader reader(house.broker->store.journal);
  CHECK((*reader.read(Revision(4)))->time >= (*reader.read(Revision(3)))->time);
}

TEST_CASE("a trim that breaks the journal ends the broker, and what was in flight has an unknown outcome") {
  House house;
  house.settings.fold.retention = {1, std::chrono::seconds(0), std::chrono::seconds(0)};
  house.restart();
  house.put("k");
  house.put("k");
  house.commit();
  house.fold();
  house.fold();  // tells the floor
  house.journal_disk.mood = FakeDisk::Mood::broken;
  house.broker->journal.step(house.now);
  const auto late = house.put("k");
  house.step();
  CHECK(house.answer(late) == "timeout@2");
  CHECK(house.broker->pipeline.fatal() == Fatal::journal);
  house.restart();
  CHECK(house.answer(house.send(GetRequest{"a", "k", {}})) == "ok@2");
}

TEST_CASE("after a start each replayed namespace gets its markers, by the steps' clock") {
  House house;
  house.put("k");
  house.commit();
  house.restart();
  house.frames.clear();
  const auto markers = [&house] {
    std::size_t n = 0;
    for (const std::string& frame : std::exchange(house.frames, {})) n += frame.starts_with("a/") ? 1 : 0;
    return n;
  };
  house.step();
  CHECK(markers() == 0);
  house.now.steady += std::chrono::seconds(1);
  house.step();
  CHECK(markers() == 1);
  house.now.steady += std::chrono::seconds(4);
  house.step();
  CHECK(markers() == 1);
}

TEST_CASE("a refusal that rests on a pending write waits for it and is answered at its revision (I2)") {
  House house;
  house.put("k");
  const auto refused = house.put("k", 0, Revision(0));
  house.put("k");
  CHECK(house.answer(refused) == "none yet");
  house.commit();
  CHECK(house.answer(refused) == "conflict@1");
}

TEST_CASE("a refusal that rested on a write that failed is judged again") {
  House house;
  house.journal_disk.mood = FakeDisk::Mood::full;
  const auto first = house.put("k");
  const auto refused = house.put("k", 0, Revision(0));
  house.commit();
  CHECK(house.answer(first) == "read_only@0");
  CHECK(house.answer(refused) == "read_only@0");  // judged again: there is no room for it either
}

TEST_CASE("a full disk refuses writes, heals by itself and gives the revision again (I1)") {
  House house;
  house.journal_disk.mood = FakeDisk::Mood::full_at_commit;
  const auto first = house.put("k", 1);
  house.commit();
  CHECK(house.answer(first) == "read_only@0");
  CHECK(house.answer(house.put("k", 1)) == "read_only@0");
  CHECK(house.answer(house.send(GetRequest{"a", "k", {}})) == "not_found@0");
  house.journal_disk.mood = FakeDisk::Mood::sound;
  house.now.steady += house.settings.pipeline.no_space_probe;
  house.commit();
  const auto again = house.put("k", 1);
  house.commit();
  CHECK(house.answer(again) == "ok@1");
  CHECK(house.broker->pipeline.fatal() == Fatal::none);
}

TEST_CASE("a repeat of a write whose outcome is unknown hears that too, and a restart decides it (I7)") {
  House house;
  house.put("k");
  house.commit();
  house.journal_disk.mood = FakeDisk::Mood::unknown;
  const auto first = house.put("l", 1);
  const auto repeat = house.put("l", 1);
  house.commit();
  CHECK(house.answer(first) == "timeout@1");
  CHECK(house.answer(repeat) == "timeout@1");
  CHECK(house.answer(house.put("l", 1)) == "unavailable@1");  // never read_only: it may be there
  CHECK(house.broker->pipeline.fatal() == Fatal::journal);
  house.restart();
  CHECK(house.answer(house.put("l", 1)) == "ok@2");  // it was there
}

TEST_CASE("what was durable before a failure is answered first, and nothing is taken in between") {
  House house;
  house.settings.pipeline.batch_txns_max = 600;
  house.restart();
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 700; ++i) ids.push_back(house.put("k" + std::to_string(i)));
  house.broker->pipeline.flush(house.now);
  house.broker->journal.step(house.now);
  house.step();  // 600 are durable, 512 of them answered
  house.journal_disk.mood = FakeDisk::Mood::full;
  house.broker->pipeline.flush(house.now);
  house.broker->journal.step(house.now);
  house.step();
  house.step();
  for (std::size_t i = 0; i < 700; ++i) {
    CHECK(house.answer(ids[i]) == (i < 600 ? "ok@" + std::to_string(i + 1) : "read_only@600"));
  }
}

TEST_CASE("request ids are judged before rights: a repeat gets its outcome whatever the body (I7)") {
  House house;
  house.put("k", 1);
  house.commit();
  PutRequest other{"_system.other", "k", "\xc0", {}, {}};
  other.write.session = "sessions";
  other.write.n = 1;
  CHECK(house.answer(house.send(other)) == "ok@1");
  other.write.n = 2;
  CHECK(house.answer(house.send(other)) == "unsupported@1");
}

TEST_CASE("a read above the applied revision waits, for 2 s at most") {
  House house;
  GetRequest get{"a", "k", {}};
  get.read.min_rev = Revision(1);
  const auto served = house.send(get);
  house.put("k");
  house.commit();
  CHECK(house.answer(served) == "ok@1");
  get.read.min_rev = Revision(9);
  const auto late = house.send(get);
  house.now.steady += std::chrono::milliseconds(1999);
  house.step();
  CHECK(house.answer(late) == "none yet");
  house.now.steady += std::chrono::milliseconds(1);
  house.step();
  CHECK(house.answer(late) == "unavailable@1");
}

TEST_CASE(
    "reads beyond those in hand wait, beyond that they are overloaded, and the reader never blocks (I8)") {
  House house;
  house.settings.read_queue = 2;
  house.settings.pipeline.reads_waiting_max = 4;  // one of this connection
  house.restart();
  const auto list = [&house] {
    ListRequest request;
    request.ns = "a";
    return house.send(request);
  };
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(list());
    house.broker->reader.step();
  }
  house.step();
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(house.answer(ids[i]) == (i < 2 ? "ok@0" : i == 2 ? "none yet" : "overloaded@0"));
  }
  house.broker->reader.step();
  house.step();
  CHECK(house.answer(ids[2]) == "ok@0");
  CHECK(house.answer(list()) == "none yet");
}

TEST_CASE("a drain refuses what is new, answers what is in flight and then is done") {
  House house;
  const auto write = house.put("k");
  GetRequest get{"a", "k", {}};
  get.read.min_rev = Revision(9);
  const auto parked = house.send(get);
  house.broker->pipeline.drain();
  CHECK_FALSE(house.broker->pipeline.drained());
  CHECK(house.answer(house.put("l")) == "unavailable@0");
  house.commit();
  CHECK(house.answer(write) == "ok@1");
  CHECK(house.answer(parked).starts_with("unavailable"));
  CHECK(house.broker->pipeline.drained());
}

TEST_CASE("requests that wait are bounded per connection (I8)") {
  House house;
  house.settings.pipeline.connection_in_flight_max = 2;
  house.restart();
  const auto first = house.put("k");
  house.put("k");
  CHECK(house.answer(house.put("k")) == "overloaded@0");
  house.commit();
  CHECK(house.answer(first) == "ok@1");
  CHECK(house.answer(house.put("k")) == "none yet");
}

TEST_CASE("writes that come faster than they are folded are overloaded, until fold caught up (I8)") {
  House house;
  house.settings.pipeline.recent_changes_max = 3;
  house.restart();
  for (int i = 0; i < 3; ++i) house.put("k");
  CHECK(house.answer(house.put("k")) == "overloaded@0");
  house.commit();
  CHECK(house.answer(house.put("k")) == "overloaded@3");
  house.fold();
  const auto next = house.put("k");
  house.commit();
  CHECK(house.answer(next) == "ok@4");
}

TEST_CASE(
    "a writer with much in flight fills seven eighths of the room, the rest is for those with few (I8)") {
  House house;
  house.settings.pipeline.recent_changes_max = 800;
  house.restart();
  std::uint64_t flood = 0;
  while (house.answer(flood = house.put("k")) == "none yet") {
  }
  CHECK(house.answer(flood) == "overloaded@0");
  CHECK(flood == 701);
  house.asker = ConnectionId(2);
  const auto light = house.put("k");
  house.commit();
  house.step();  // a step applies 512
  CHECK(house.answer(light) == "ok@701");
}

}  // namespace prismbus
