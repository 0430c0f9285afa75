// The writing client against a ROUTER in the test: ids, order per key, repeats, refusals, stopping.
#include "publisher/publisher.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <set>
#include <stdexcept>

#include "tests/unit/publisher/publisher_at_door.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Setup = PublisherAtDoor;

const PutRequest& put_of(const FakeRequestDoor::Received& r) {
  return std::get<PutRequest>(r.request.body);
}

}  // namespace

TEST_CASE("a put is answered with its revision, seq and version") {
  Setup s;
  auto future = s.publisher->put("a.b", "k", 1.5);
  REQUIRE(s.serve(
      [&](auto& r) {
        CHECK(put_of(r).value == encode_value(1.5));
        CHECK(put_of(r).write.session->size() == 8);
        CHECK(r.request.epoch == Epoch(7));
        s.door.reply_put(r, 4, 2);
      },
      [&] { return ready(future); }));
  const auto outcome = future.get();
  REQUIRE(outcome);
  CHECK(outcome->seq == Seq(4));
  CHECK(outcome->version == 2);
  CHECK(outcome->epoch == Epoch(7));
}

TEST_CASE("thousands of puts are in flight together under the window, each with its own request id (I7 I8)") {
  Setup s;
  constexpr int kPuts = 5000;
  std::atomic<int> answered{0};
  for (int i = 0; i < kPuts; ++i) {
    s.publisher->put("a", "k" + std::to_string(i), EncodedValue::of(i), {}, [&](Result<WriteOutcome> r) {
      if (r) answered.fetch_add(1);
    });
  }
  std::set<std::pair<std::string, std::uint64_t>> ids;
  std::size_t held = 0, most = 0;
  std::vector<std::unique_ptr<FakeRequestDoor::Received>> open;
  REQUIRE(s.serve(
      [&](auto& r) {
        ids.emplace(std::string(*put_of(r).write.session), put_of(r).write.n);
        most = std::max(most, ++held);
        s.door.reply_put(r, 1, 1);
        --held;
      },
      [&] { return answered == kPuts; }));
  CHECK(ids.size() == kPuts);
  CHECK(s.publisher->flush(5s));
  CHECK(s.publisher->counters().answered == kPuts);
}

TEST_CASE("writes of one key leave one after another in the order of the calls") {
  Setup s;
  std::vector<Publisher::Future<WriteOutcome>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(s.publisher->put("a", "same", i));
  auto other = s.publisher->put("a", "other", 1);
  std::vector<std::string> order;
  int refused = 0;
  REQUIRE(s.serve(
      [&](auto& r) {
        if (put_of(r).key == "other") return s.door.reply_put(r, 1, 1);
        if (order.empty() || order.back() != put_of(r).value) order.emplace_back(put_of(r).value);
        if (++refused % 3 == 1) return s.door.reply_error(r, ErrorCode::overloaded, 1);
        s.door.reply_put(r, 1, 1);
      },
      [&] { return ready(futures.back()) && ready(other); }));
  REQUIRE(order.size() == 20);
  for (int i = 0; i < 20; ++i) CHECK(order[static_cast<std::size_t>(i)] == encode_value(i));
}

TEST_CASE("a repeated write keeps its request id; read_only and conflict are told at once") {
  Setup s;
  auto first = s.publisher->put("a", "k", 1);
  std::set<std::uint64_t> ns;
  int attempts = 0;
  REQUIRE(s.serve(
      [&](auto& r) {
        ns.insert(put_of(r).write.n);
        ++attempts < 3 ? s.door.reply_error(r, ErrorCode::unavailable) : s.door.reply_put(r, 1, 1, true);
      },
      [&] { return ready(first); }));
  CHECK(ns.size() == 1);
  CHECK(first.get()->duplicate);
  auto full = s.publisher->put("a", "k", 2);
  REQUIRE(
      s.serve([&](auto& r) { s.door.reply_error(r, ErrorCode::read_only); }, [&] { return ready(full); }));
  CHECK(full.get().error().code == ErrorCode::read_only);
}

TEST_CASE("malformed calls are answered at once, without the broker") {
  Setup s;
  CHECK(s.publisher->put("a/b", "k", 1).get().error().field == "ns");
  CHECK(s.publisher->put("a", "", 1).get().error().field == "key");
  CHECK(s.publisher->put("a", "k", EncodedValue{}).get().error().field == "value");
  const auto large = s.publisher->put("a", "k", EncodedValue{std::string(2'000'000, 'x')}).get();
  CHECK(large.error().code == ErrorCode::too_large);
  CHECK(large.error().limit == 1u << 20);
  CHECK(s.publisher->commit(Transaction{}).get().error().field == "do");
  WriteCall noted;
  noted.note = std::string(2000, 'n');
  CHECK(s.publisher->remove("a", "k", noted).get().error().code == ErrorCode::too_large);
}

TEST_CASE("without a broker a write ends as surely not done, with a silent one as unknown") {
  {
    Setup s([](PublisherOptions& o) { o.brokers = {"tcp://127.0.0.1:1"}, o.write_timeout = 100ms; });
    CHECK(s.publisher->put("a", "k", 1).get().error().code == ErrorCode::unavailable);
  }
  Setup s([](PublisherOptions& o) { o.write_timeout = 300ms; });
  auto future = s.publisher->put("a", "k", 1);
  REQUIRE(s.serve([](auto&) {}, [&] { return ready(future); }));
  CHECK(future.get().error().code == ErrorCode::timeout);
}

TEST_CASE("a full queue is an answer (I8)") {
  Setup s([](PublisherOptions& o) {
    o.brokers = {"tcp://127.0.0.1:1"};
    o.queue_max = 8;
    o.wait_when_full = false;
  });
  std::atomic<int> overloaded{0};
  for (int i = 0; i < 1000; ++i) {
    s.publisher->put("a", "k", EncodedValue::of(i), {}, [&](Result<WriteOutcome> r) {
      if (!r && r.error().code == ErrorCode::overloaded) overloaded.fetch_add(1);
    });
  }
  CHECK(overloaded > 900);
}

TEST_CASE("stopping answers every open call") {
  Setup s;
  auto sent = s.publisher->put("a", "k", 1);
  auto waiting = s.publisher->put("a", "k", 2);
  bool seen = false;
  REQUIRE(s.serve([&](auto&) { seen = true; }, [&] { return seen; }));
  s.publisher->stop();
  CHECK(sent.get().error().code == ErrorCode::timeout);
  CHECK(waiting.get().error().code == ErrorCode::unavailable);
  CHECK(s.publisher->put("a", "k", 3).get().error().code == ErrorCode::unavailable);
}

TEST_CASE("a callback that throws is counted and stops nothing") {
  Setup s;
  s.publisher->put("a", "k", EncodedValue::of(1), {},
                   [](Result<WriteOutcome>) { throw std::runtime_error("mine"); });
  auto after = s.publisher->put("a", "k", 2);
  REQUIRE(s.serve([&](auto& r) { s.door.reply_put(r, 1, 1); }, [&] { return ready(after); }));
  CHECK(after.get());
  CHECK(s.publisher->counters().callback_exceptions == 1);
}

TEST_CASE("settings out of range are refused with their name") {
  PublisherOptions options;
  options.window = 0;
  CHECK(Publisher::open(options).error().field == "window");
  options.window = 10;
  options.write_timeout = 31min;
  CHECK(Publisher::open(options).error().field == "write_timeout");
  options.write_timeout = 1s;
  options.brokers = {"nonsense"};
  CHECK(Publisher::open(options).error().field == "endpoint");
}

TEST_CASE(
    "a refused token is told at once to who ends by it, and in its counters to who waits for a new one") {
  for (const bool ends : {true, false}) {
    Setup s([&](PublisherOptions& options) { options.end_when_refused = ends; });
    auto put = s.publisher->put("a.b", "k", 1);
    auto read = s.publisher->get("a.b", "k");
    const auto end = std::chrono::steady_clock::now() + 10s;
    const auto until = [&](auto serve, auto done) {
      while (!done() && std::chrono::steady_clock::now() < end) {
        while (auto received = s.door.receive()) serve(*received);
        std::array<zmq_pollitem_t, 1> items{{{s.door.pollable(), 0, ZMQ_POLLIN, 0}}};
        poll_sockets(items, std::chrono::milliseconds(1));
      }
      return done();
    };
    const auto refuse = [&](auto& r) { s.door.reply_error(r, ErrorCode::unauthenticated); };
    REQUIRE(until(refuse, [&] { return s.publisher->counters().refused.has_value(); }));
    CHECK(s.publisher->counters().refused == ErrorCode::unauthenticated);
    if (ends) {
      REQUIRE(until(refuse, [&] { return ready(put) && ready(read); }));
      CHECK(put.get().error().code == ErrorCode::unauthenticated);
      CHECK(read.get().error().code == ErrorCode::unauthenticated);
      continue;
    }
    CHECK_FALSE(ready(put));
    REQUIRE(s.serve(
        [&](auto& r) {
          std::holds_alternative<PutRequest>(r.request.body) ? s.door.reply_put(r, 1, 1)
                                                             : s.door.reply_error(r, ErrorCode::not_found);
        },
        [&] { return ready(put) && ready(read); }));
    CHECK(put.get().has_value());
    CHECK_FALSE(s.publisher->counters().refused);
  }
}
