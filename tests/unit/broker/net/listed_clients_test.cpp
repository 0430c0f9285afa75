// Which connections came with which key, on both kinds of doors, and who is cut when the list changes.
#include "broker/net/listed_clients.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/unit/broker/net/door_fixture.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

struct Subscriptions final : SubscriptionHandler {
  void on_subscription(Lane, std::string_view handed_up) override { seen.emplace_back(handed_up); }
  std::vector<std::string> seen;
};

// A request door and a stream door that speak CURVE, and the list they ask.
struct ListedFixture {
  explicit ListedFixture(ListedClients::KeysPtr keys) : clients_list(std::move(keys), told, {}) {}

  Peer peer(int type, const CurveKeyPair& own) {
    return {clients, type, type == ZMQ_SUB ? stream_endpoint : requests_endpoint, 0,
            CurveClient{server.public_key, own}};
  }
  void pump() {
    requests.receive(256, 64u << 20, recorder);
    stream.receive(256, subscriptions);
  }
  // As the bus does now and then; how many were cut.
  std::size_t take(ListedClients::KeysPtr keys) {
    REQUIRE(told.try_push(std::move(keys)));
    const auto cut = clients_list.tend();
    for (const std::uint64_t number : cut) requests.drop(ConnectionId(number));
    return cut.size();
  }

  const CurveKeyPair server = *CurveKeyPair::fresh();
  BoundedQueue<ListedClients::KeysPtr> told{4, nullptr};
  ListedClients clients_list;
  Context context, clients;
  RunningAdmission admission{context};
  RequestDoor requests{context, {.curve_secret = server.secret_key, .clients = &clients_list}};
  StreamDoor stream{context, Lane::changes, {.curve_secret = server.secret_key, .clients = &clients_list}};
  const Endpoint any = *Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind);
  const std::string requests_endpoint = *requests.bind(any), stream_endpoint = *stream.bind(any);
  Recorder recorder;
  Subscriptions subscriptions;
};

ListedClients::KeysPtr list_of(std::initializer_list<CurveKeyPair> pairs) {
  ListedClients::Keys keys;
  for (const CurveKeyPair& pair : pairs) keys.insert(pair.public_key);
  return std::make_shared<const ListedClients::Keys>(std::move(keys));
}

}  // namespace

TEST_CASE("connections of a key that is no longer listed are cut on every door, and no others") {
  const CurveKeyPair stays = *CurveKeyPair::fresh(), leaves = *CurveKeyPair::fresh();
  ListedFixture f(nullptr);
  Peer staying = f.peer(ZMQ_DEALER, stays), leaving = f.peer(ZMQ_DEALER, leaves);
  Peer listening = f.peer(ZMQ_SUB, stays), leaving_too = f.peer(ZMQ_SUB, leaves);
  staying.send({"", "1"});
  leaving.send({"", "2"});
  listening.subscribe("a/");
  leaving_too.subscribe("b/");
  REQUIRE(eventually([&] {
    f.pump();
    return f.recorder.requests.size() == 2 && f.subscriptions.seen.size() == 2;
  }));
  CHECK(f.clients_list.size() == 4);
  CHECK(f.take(list_of({stays, leaves})) == 0);
  CHECK(f.take(list_of({stays})) == 2);
  staying.send({"", "3"});
  REQUIRE(eventually([&] {
    f.pump();
    return f.recorder.requests.size() == 3;
  }));
  CHECK(f.recorder.requests.back().payload == "3");
  const auto first = std::find_if(f.recorder.requests.begin(), f.recorder.requests.end(),
                                  [](const Received& r) { return r.payload == "1"; });
  CHECK(f.recorder.requests.back().from.connection == first->from.connection);
  CHECK(eventually([&] {  // whose sockets are gone
    f.pump();
    (void)f.clients_list.tend();
    return f.clients_list.size() == 2;
  }));
}

TEST_CASE(
    "who was admitted under a former list is cut at the first message, and by a later one let through") {
  const CurveKeyPair listed = *CurveKeyPair::fresh(), other = *CurveKeyPair::fresh();
  ListedFixture f(list_of({listed}));  // the admission here lets in whoever proved a key
  Peer refused = f.peer(ZMQ_DEALER, other), good = f.peer(ZMQ_DEALER, listed);
  refused.send({"", "refused"});
  good.send({"", "good"});
  REQUIRE(eventually([&] {
    f.pump();
    return f.clients_list.size() >= 2 && !f.recorder.requests.empty();
  }));
  CHECK(f.recorder.requests.size() == 1);
  CHECK(f.recorder.requests.front().payload == "good");
  const CurveKeyPair later = *CurveKeyPair::fresh();
  REQUIRE(f.told.try_push(list_of({listed, later})));  // not taken by tend() yet
  Peer early = f.peer(ZMQ_DEALER, later);
  early.send({"", "early"});
  CHECK(eventually([&] {
    f.pump();
    return f.recorder.requests.size() == 2;
  }));
  CHECK(f.recorder.requests.back().payload == "early");
}
