// The outbox's share of the background thread, stepped by the test with a clock of its own, against a ROUTER.
#include "publisher/outbox/outbox_agent.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <functional>
#include <map>
#include <utility>

#include "proto/base/bytes.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/value.hpp"
#include "tests/unit/proto/transport/fake_request_door.hpp"
#include "tests/unit/publisher/outbox_folder.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Received = FakeRequestDoor::Received;

class FailingCommit final : public lmdb::DiskFaults {
 public:
  int at(Point point) override { return point == Point::commit ? code : 0; }
  int code = 0;
};

OutboxRecord put_of(std::string key) {
  OutboxRecord record;
  record.steps.push_back({ChangeOp::put, "a.b", std::move(key), encode_value(1), {}});
  return record;
}

// An agent with its connection, as PublisherAgent holds them.
struct Drain final : ClientConnection::Owner {
  OutboxFolder folder;
  Context context;
  FakeRequestDoor door{context};
  FailingCommit faults;
  OutboxOptions options;
  std::unique_ptr<OutboxAgent> agent;
  std::optional<ClientConnection> connection;
  Now now = read_clock();

  explicit Drain(std::size_t in_flight_max = 8) {
    options.directory = folder.box();
    ConnectionOptions there;
    there.brokers = {door.endpoint()};
    there.in_flight_max = in_flight_max;
    connection.emplace(ClientConnection::make(context, std::move(there), *this, {}).value());
  }
  void queue(std::vector<std::string> keys) {
    auto store = OutboxStore::open(options.directory, {1000, 1u << 20, nullptr}).value();
    std::vector<OutboxRecord> records;
    for (auto& key : keys) records.push_back(put_of(std::move(key)));
    REQUIRE(store->append(records));
  }
  // Overwrites a pending record on disk.
  void damage(std::uint64_t id) {
    lmdb::Env::Options there;
    there.map_bytes = 256u << 20;
    const auto env = lmdb::Env::open(options.directory, there).value();
    auto txn = lmdb::WriteTxn::begin(env).value();
    const auto pending = lmdb::open_dbi(txn.get(), "pending", false).value();
    std::string key;
    append_be64(key, id);
    REQUIRE(txn.put(pending, key, "not a record"));
    REQUIRE(txn.commit());
  }
  void open() { agent = OutboxAgent::make(options, {}, &faults).value(); }

  // Steps and serves until `done`, the clock standing still; false after ten seconds.
  bool run(const std::function<bool()>& done, const std::function<void(const Received&)>& handle = {}) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < end) {
      while (const auto received = door.receive()) {
        if (std::holds_alternative<HelloRequest>(received->request.body)) {
          door.reply_hello(*received);
        } else if (handle) {
          handle(*received);
        } else {
          door.reply_put(*received, 1, 1);
        }
      }
      (void)connection->step(now);
      agent->step(*connection, now);
      if (done()) return true;
      std::array<zmq_pollitem_t, 2> items{
          {{door.pollable(), 0, ZMQ_POLLIN, 0}, {connection->pollable(), 0, ZMQ_POLLIN, 0}}};
      poll_sockets(items, 1ms);
    }
    return false;
  }
  void lose_broker() {
    connection->move_on(fail(ErrorCode::unavailable, "an outage").value(), now);
    pass(1s);
  }
  void pass(std::chrono::milliseconds time) { now.steady += time, now.wall += time; }

  void on_greeting(const Greeting& greeting) override { agent->on_greeting(greeting.epoch); }
  void on_lost(const Error&) override { agent->on_lost(now); }
  void on_reply(std::uint64_t, const ReplyHeader& reply) override { agent->on_reply(reply, now); }
  void on_expired(std::uint64_t, const Error&) override { agent->on_expired(now); }
};

}  // namespace

TEST_CASE("a damaged record that cannot be settled at once is settled later, and nothing spins meanwhile") {
  Drain d;
  d.queue({"x", "y"});
  d.damage(1);
  d.open();
  d.faults.code = ENOSPC;
  REQUIRE(d.run(
      [&] { return d.connection->ready() && d.agent->next_deadline(*d.connection, d.now) > d.now.steady; }));
  CHECK(d.agent->pending() == 2);
  d.faults.code = 0;
  d.pass(2s);
  REQUIRE(d.run([&] { return d.agent->pending() == 0; }));
  const auto outcomes = d.agent->list()->outcomes;
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].kind == OutboxOutcome::Kind::rejected);
  CHECK(outcomes[1].kind == OutboxOutcome::Kind::applied);
}

TEST_CASE("many damaged records in a row hold up nothing behind them") {
  Drain d;
  std::vector<std::string> keys;
  for (int i = 0; i < 70; ++i) keys.push_back("k" + std::to_string(i));
  d.queue(keys);
  for (std::uint64_t id = 1; id < 70; ++id) d.damage(id);
  d.open();
  REQUIRE(d.run([&] { return d.agent->pending() == 0; }));
  CHECK(d.agent->list()->outcomes.back().kind == OutboxOutcome::Kind::applied);
}

TEST_CASE(
    "an acknowledged outcome is forgotten also when the broker goes, or the publisher, with writes pending") {
  Drain d;
  d.queue({"x", "y", "z"});
  std::vector<std::uint64_t> told;
  d.options.on_outcome = [&](const OutboxOutcome& outcome) {
    told.push_back(outcome.id);
    return true;
  };
  const auto settle = [&](std::string_view key) {  // leaves the one after it unanswered
    const std::size_t before = d.agent->pending();
    REQUIRE(d.run([&] { return d.agent->pending() < before; },
                  [&](const Received& r) {
                    if (std::get<PutRequest>(r.request.body).key == key) d.door.reply_put(r, 1, 1);
                  }));
  };
  d.open();
  settle("x");
  CHECK(told == std::vector<std::uint64_t>{1});
  d.lose_broker();
  CHECK(d.agent->list()->outcomes.empty());
  settle("y");
  d.agent->close(d.now);
  CHECK(d.agent->pending() == 1);
  CHECK(d.agent->list()->outcomes.empty());
}

TEST_CASE("outcomes that an earlier process did not see acknowledged are told once more, each once") {
  Drain d;
  std::vector<std::string> keys;
  for (int i = 0; i < 140; ++i) keys.push_back("k" + std::to_string(i));
  d.queue(keys);
  std::map<std::uint64_t, int> told;
  bool acknowledges = false;
  d.options.on_outcome = [&](const OutboxOutcome& outcome) {
    ++told[outcome.id];
    return acknowledges;
  };
  d.open();
  REQUIRE(d.run([&] { return d.agent->pending() == 1; }));
  d.connection->abandon(OutboxAgent::kTag);
  d.agent.reset();
  told.clear();
  acknowledges = true;
  d.open();
  d.lose_broker();
  REQUIRE(d.run([&] { return d.agent->pending() == 0; }));
  CHECK(told.size() == 140);
  for (const auto& [id, times] : told) CHECK(times == 1);
  CHECK(d.agent->list()->outcomes.empty());
}

TEST_CASE(
    "a transaction that may be sent may be queued: what was learned adds no requirement too many (I8)") {
  Drain d;
  d.open();
  OutboxRecord record;
  for (int i = 0; i < 600; ++i) {
    const std::string key = "k" + std::to_string(i);
    record.steps.push_back({ChangeOp::put, "a.b", key, encode_value(1), {}});
    d.agent->known().learn("a.b", key, {Epoch(), Revision(5)});
  }
  record.steps.back().base = Revision(4);
  for (int i = 0; i < 500; ++i) record.guards.push_back({"a.c", "g" + std::to_string(i), Revision(0)});
  std::vector<OutboxRecord> records{record};
  REQUIRE(d.agent->queue(records));
  CHECK(conditions_of(records[0]) == limits::kTxnChanges);
  CHECK(records[0].steps.front().base == Revision(5));
  CHECK(records[0].steps.back().base == Revision(4));
}

TEST_CASE("without room at the connection the outbox asks for no time of its own") {
  Drain d(1);
  d.queue({"x"});
  d.open();
  REQUIRE(d.run([&] { return d.agent->next_deadline(*d.connection, d.now) == Steady::max(); },
                [](const Received&) {}));
  CHECK(d.connection->in_flight() == 1);
  // Another's request takes the place when it is answered.
  REQUIRE(d.connection->abandon(OutboxAgent::kTag));
  d.agent->on_expired(d.now);
  d.connection->submit(1, GetRequest{"a.b", "k", {}}, {d.now.steady + 10s, true}, d.now);
  d.pass(2s);
  CHECK(d.agent->next_deadline(*d.connection, d.now) == Steady::max());
}
