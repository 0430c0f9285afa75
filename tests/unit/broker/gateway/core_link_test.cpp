// Both ends of the way between gateway and bus, driven by hand.
#include "broker/gateway/core_link.hpp"

#include <catch2/catch.hpp>

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
  way.link.take_replies();
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
  way.link.take_replies();
  CHECK(page.replies.empty());
  CHECK(way.door.origin_of(connection).empty());
}

TEST_CASE("the core cuts a connection once") {
  Way way(1);
  Caller page;
  const auto connection = way.link.open("x", page);
  way.step();
  CHECK(way.door.drop(connection));
  CHECK_FALSE(way.door.drop(connection));
  way.link.take_replies();
  CHECK(page.cut);
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
  way.link.take_replies();
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
