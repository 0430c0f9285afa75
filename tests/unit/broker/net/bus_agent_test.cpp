// The bus agent between real sockets and a real pipeline, with journal, fold and reader stepped by hand.
#include "broker/net/bus_agent.hpp"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "broker/core/reader_agent.hpp"
#include "broker/sequencer/local.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"
#include "tests/unit/broker/net/door_fixture.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

struct ScratchDir {
  ScratchDir() {
    std::string name = (std::filesystem::temp_directory_path() / "prismbus-net-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~ScratchDir() { std::filesystem::remove_all(path); }
  std::string path;
};

StoreSettings store_in(const std::string& dir) {
  StoreSettings settings;
  settings.dir = dir + "/data";
  settings.map_bytes = 64u << 20;
  return settings;
}

struct BusFixture {
  BusFixture() : store(*Store::open(store_in(dir.path))) {
    endpoint = *requests.bind(*Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind));
    stream = *streams.add(context, Lane::changes, {})
                  .bind(*Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind));
    pipeline.emplace(PipelineSettings{}, store, sequencer,
                     PipelineQueues{to_fold, from_fold, to_trim, to_reader, from_reader}, requests, streams,
                     rates, log);
    bus.emplace(*pipeline, rates, requests, streams, waker, log);
  }
  bool step() {
    const Now now = read_clock();
    bus->step(now);
    if (with_disk) journal.step(now);
    reader.step();
    return true;
  }
  // Sends one request and gives its reply.
  std::string ask(Peer& peer, const Request& request) {
    peer.send({"", codec::encode_request(request)});
    return answer(peer);
  }
  std::string answer(Peer& peer) {
    Frames reply;
    REQUIRE(eventually([&] { return step() && peer.receive(reply); }));
    return reply.back();
  }

  ScratchDir dir;
  Store store;
  LogSink log = [](LogLevel, std::string_view) {};
  Waker waker;
  BoundedQueue<JournalBatch> to_journal{4, nullptr};
  BoundedQueue<JournalOutcome> from_journal{4, &waker};
  BoundedQueue<JournalBatch> to_fold{100'000, nullptr};
  BoundedQueue<FoldOutcome> from_fold{16, &waker};
  BoundedQueue<Revision> to_trim{4, &waker};
  TrimGate trim_gate;
  BoundedQueue<ReadJob> to_reader{16, nullptr};
  BoundedQueue<ReadDone> from_reader{64, &waker};
  LocalSequencer sequencer{{}, Revision(0), to_journal, from_journal, log};
  JournalAgent journal{store.journal, to_journal, from_journal, {to_trim, trim_gate}};
  ReaderAgent reader{{}, store, to_reader, from_reader};
  bool with_disk = true;

  Context context, clients;
  RunningAdmission admission{context};
  RequestDoor requests{context, {}};
  RequestRates rates{std::make_unique<OpenAuthoriser>(), requests,
                     [this](ConnectionId connection) { return requests.drop(connection); }};
  StreamDoors streams;
  std::optional<Pipeline> pipeline;
  std::optional<BusAgent> bus;
  std::string endpoint, stream;
};

Request put(std::uint64_t id, std::string_view key) {
  PutRequest body;
  body.ns = "a";
  body.key = key;
  body.value = "\x01";
  return {{false, id}, std::nullopt, std::nullopt, body};
}

}  // namespace

TEST_CASE("I2: a put is answered and published only after the journal said it is durable") {
  BusFixture f;
  Peer peer(f.clients, ZMQ_DEALER, f.endpoint), sub(f.clients, ZMQ_SUB, f.stream);
  const std::string barrier =
      "\xff"
      "bar/0123456789abcdef";
  sub.subscribe("a/");
  sub.subscribe(barrier);
  Frames frame;
  REQUIRE(eventually([&] { return f.step() && sub.receive(frame); }));
  CHECK(frame.front().starts_with(barrier));

  f.with_disk = false;
  peer.send({"", codec::encode_request(put(1, "k"))});
  REQUIRE(eventually([&] { return f.step() && f.to_journal.size() == 1; }));
  Frames none;
  for (int i = 0; i < 1000; ++i) f.step();
  CHECK_FALSE(peer.receive(none));
  CHECK_FALSE(sub.receive(none));

  f.with_disk = true;
  const std::string payload = f.answer(peer);
  const auto reply = codec::decode_reply(payload);
  REQUIRE(reply.has_value());
  CHECK_FALSE(reply->error.has_value());
  CHECK(reply->rev == Revision(1));
  REQUIRE(eventually([&] { return f.step() && sub.receive(frame); }));
  CHECK(frame.front().starts_with("a/"));
}

TEST_CASE("malformed framing is answered invalid_argument with id 0 and the connection lives on") {
  BusFixture f;
  Peer peer(f.clients, ZMQ_DEALER, f.endpoint);
  for (const Frames& bad : {Frames{""}, Frames{"", "a", "b"}, Frames{"", ""}, Frames{"", "\xc1"}}) {
    peer.send(bad);
    const std::string payload = f.answer(peer);
    const auto reply = codec::decode_reply(payload);
    REQUIRE(reply.has_value());
    REQUIRE(reply->error.has_value());
    CHECK(reply->error->code == ErrorCode::invalid_argument);
    CHECK(reply->id == MessageId{});
  }
  const std::string payload = f.ask(peer, put(7, "k"));
  const auto reply = codec::decode_reply(payload);
  REQUIRE(reply.has_value());
  CHECK(reply->id == MessageId{false, 7});
}

TEST_CASE("I8: a step takes a bounded number of requests, whatever waits") {
  BusFixture f;
  Peer flooder(f.clients, ZMQ_DEALER, f.endpoint);
  GetRequest get;
  get.ns = "a";
  get.key = "k";
  const std::string payload = codec::encode_request({{false, 1}, std::nullopt, std::nullopt, get});
  constexpr std::uint64_t kFlood = 2000;
  for (std::uint64_t i = 0; i < kFlood; ++i) flooder.send({"", payload});
  std::uint64_t most_in_a_step = 0;
  REQUIRE(eventually([&] {
    const std::uint64_t before = f.requests.counters().requests;
    f.bus->step(read_clock());
    most_in_a_step = std::max(most_in_a_step, f.requests.counters().requests - before);
    return f.requests.counters().requests == kFlood;
  }));
  CHECK(most_in_a_step <= 256);
}

TEST_CASE("the agent sleeps until the waker, a request or a deadline, and not longer") {
  BusFixture f;
  while (f.bus->step(read_clock()) != 0) {
  }
  f.waker.wake();
  f.bus->wait(read_clock());  // returns at once: somebody woke it
  Peer peer(f.clients, ZMQ_DEALER, f.endpoint);
  peer.send({"", codec::encode_request(put(1, "k"))});
  CHECK(eventually([&] {
    if (f.bus->step(read_clock()) == 0) f.bus->wait(read_clock());
    return f.requests.counters().requests == 1;
  }));
}
