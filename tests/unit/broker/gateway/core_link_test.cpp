// Both ends of the way between gateway and bus, driven by hand.
#include "broker/gateway/core_link.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <random>

using namespace prismbus;

namespace {

struct Caller final : CoreLink::Asker {
  std::vector<std::string> replies;
  bool cut = false;
  void on_reply(std::string payload) override { replies.push_back(std::move(payload)); }
  void on_cut() override { cut = true; }
};

struct Bus final : RequestHandler {
  std::vector<std::pair<ReplyTo, std::string>> requests;
  std::vector<ConnectionId> gone;
  void on_request(const ReplyTo& from, std::string_view payload) override {
    requests.emplace_back(from, payload);
  }
  void on_gone(ConnectionId connection) override { gone.push_back(connection); }
  void on_malformed(const ReplyTo&, std::string_view) override {}
};

struct Way {
  explicit Way(std::size_t connections) : capacity(CoreLink::queue_capacity(connections)) {}
  std::size_t capacity;
  BoundedQueue<GatewayRequest> to_bus{capacity, nullptr};
  BoundedQueue<GatewayReply> from_bus{capacity, nullptr};
  BusPulse pulse;
  CoreLink link{to_bus, from_bus, pulse};
  GatewayDoor door{to_bus, from_bus};
  Bus bus;
  void take_replies() {
    link.fetch_replies();
    link.give_replies();
  }
  std::size_t step(std::size_t most = 100) { return door.receive(most, 1 << 20, bus); }
};

}  // namespace

TEST_CASE("a request reaches the bus under its connection, and its reply whoever asked") {
  Way way(2);
  Caller one, two;
  const auto first = way.link.open("1.2.3.4:5", one), second = way.link.open("1.2.3.4:6", two);
  way.link.ask(second, "b");
  way.link.ask(first, "a");
  CHECK(way.step() == 4);
  REQUIRE(way.bus.requests.size() == 2);
  CHECK(way.door.origin_of(first) == "1.2.3.4:5");
  for (const auto& [from, payload] : way.bus.requests) way.door.reply(from, payload + "!");
  way.take_replies();
  CHECK(one.replies == std::vector<std::string>{"a!"});
  CHECK(two.replies == std::vector<std::string>{"b!"});
}

TEST_CASE("who is gone is told of nothing, and the bus is told that he is gone") {
  Way way(1);
  Caller page;
  const auto connection = way.link.open("x", page);
  way.link.ask(connection, "a");
  way.link.close(connection);
  way.step();
  CHECK(way.bus.gone == std::vector<ConnectionId>{connection});
  way.door.reply(way.bus.requests[0].first, "late");
  CHECK_FALSE(way.door.drop(connection));
  way.take_replies();
  CHECK(page.replies.empty());
  CHECK(way.door.origin_of(connection).empty());
}

TEST_CASE("the core cuts a connection once, in place of its reply") {
  Way way(1);
  Caller page;
  const auto connection = way.link.open("x", page);
  way.link.ask(connection, "a");
  way.step();
  CHECK(way.door.drop(connection));
  CHECK_FALSE(way.door.drop(connection));
  way.door.reply(way.bus.requests[0].first, "late");
  way.take_replies();
  CHECK(page.cut);
  CHECK(page.replies.empty());
}

TEST_CASE(
    "whatever becomes of connections and requests, every push finds its place, and all of it comes back "
    "(I8)") {
  const std::uint64_t seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr std::size_t kMost = 5;
  Way way(kMost);
  std::map<ConnectionId, std::unique_ptr<Caller>> open;
  const auto end_of = [](const Caller& caller) { return caller.replies.size() + (caller.cut ? 1 : 0); };
  std::map<ConnectionId, std::size_t> asked;
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto some =
        open.empty() ? open.end() : std::next(open.begin(), static_cast<long>(random() % open.size()));
    switch (random() % 6) {
      case 0:
        if (open.size() < kMost && way.link.has_room()) {
          auto caller = std::make_unique<Caller>();
          const auto connection = way.link.open("x", *caller);
          open.emplace(connection, std::move(caller));
        } else {
          ++refused;
        }
        break;
      case 1:
        if (some != open.end() && !some->second->cut && asked[some->first] == end_of(*some->second)) {
          ++asked[some->first];
          way.link.ask(some->first, "a");
        }
        break;
      case 2:
        if (some != open.end()) {
          way.link.close(some->first);
          asked.erase(some->first);
          open.erase(some);
        }
        break;
      case 3:
        way.step(1 + random() % 4);
        break;
      case 4:
        for (const auto& [from, payload] : way.bus.requests) {
          if (random() % 4 == 0) (void)way.door.drop(from.connection);
          way.door.reply(from, payload);
        }
        way.bus.requests.clear();
        break;
      default:
        way.take_replies();
    }
  }
  CHECK(refused > 0);
  for (const auto& [connection, caller] : open) way.link.close(connection);
  while (way.step() > 0) {
  }
  for (const auto& [from, payload] : way.bus.requests) way.door.reply(from, payload);
  way.take_replies();
  Caller last;
  for (std::size_t i = 0; i < kMost; ++i) {
    REQUIRE(way.link.has_room());
    (void)way.link.open("x", last);
  }
}

TEST_CASE("what closed connections leave behind at a bus that stands is bounded too (I8)") {
  Way way(3);
  std::size_t opened = 0;
  for (; way.link.has_room() && opened < 1000; ++opened) {
    Caller page;
    const auto connection = way.link.open("x", page);
    way.link.ask(connection, "a");
    way.link.close(connection);
  }
  CHECK(opened < way.capacity);
  CHECK(opened >= 3);
  way.step();
  for (const auto& [from, payload] : way.bus.requests) way.door.reply(from, "");
  CHECK(way.from_bus.size() <= way.capacity);
  way.take_replies();
  CHECK(way.link.has_room());
}

TEST_CASE("the bus takes a bounded part at a time, in order") {
  Way way(3);
  Caller page;
  const auto connection = way.link.open("x", page);
  way.link.ask(connection, "a");
  CHECK(way.step(1) == 1);
  CHECK(way.bus.requests.empty());
  CHECK(way.step(1) == 1);
  CHECK(way.bus.requests.size() == 1);
  CHECK(way.step(1) == 0);
}
