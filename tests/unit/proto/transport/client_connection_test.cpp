// The client's end of requests, against a ROUTER in the same thread: hello, repeats, moving on.
#include "proto/transport/client_connection.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <vector>

#include "tests/unit/proto/transport/fake_request_door.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

class Client final : public ClientConnection::Owner {
 public:
  Client(Context& context, std::vector<std::string> brokers) {
    ConnectionOptions options;
    options.brokers = std::move(brokers);
    options.hello_timeout = 200ms;
    options.probe_after = 50ms;
    options.silence_max = 300ms;
    options.retry_interval = 100ms;
    options.backoff_min = 5ms;
    options.in_flight_max = 4;
    connection.emplace(*ClientConnection::make(context, std::move(options), *this, {}));
  }
  void on_greeting(const Greeting& g) override { greetings.push_back(g); }
  void on_lost(const Error& why) override { losses.push_back(why); }
  void on_refused(const Error& why) override { refusals.push_back(why); }
  void on_reply(std::uint64_t tag, const ReplyHeader& reply) override {
    answers[tag] = reply.error ? std::string(error_row(reply.error->code).name) : "ok";
  }
  void on_expired(std::uint64_t tag, const Error& error) override {
    answers[tag] = "expired " + std::string(error_row(error.code).name);
  }
  void put(std::uint64_t tag, std::chrono::milliseconds deadline = 5s) {
    const Now now = read_clock();
    connection->submit(tag, PutRequest{"a", "k", "\x01", {}, {std::string_view("12345678"), tag, {}}},
                       {now.steady + deadline, true}, now);
  }

  std::optional<ClientConnection> connection;
  std::vector<Greeting> greetings;
  std::vector<Error> losses, refusals;
  std::map<std::uint64_t, std::string> answers;
};

// Steps the client and lets `serve` handle each request, until `done` or five seconds are over.
template <class Serve, class Done>
bool until(Client& client, std::vector<FakeRequestDoor*> doors, Serve serve, Done done) {
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (std::chrono::steady_clock::now() < end) {
    client.connection->step(read_clock());
    for (FakeRequestDoor* door : doors) {
      while (auto received = door->receive()) serve(*door, *received);
    }
    if (done()) return true;
    zmq_poll(nullptr, 0, 1);
  }
  return false;
}

bool is_hello(const FakeRequestDoor::Received& r) {
  return std::holds_alternative<HelloRequest>(r.request.body);
}

void answer_all(FakeRequestDoor& door, const FakeRequestDoor::Received& r) {
  is_hello(r) ? door.reply_hello(r) : door.reply_put(r, 1, 1);
}

}  // namespace

TEST_CASE("hello is said first and requests carry the epoch it told") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  CHECK(client.greetings.size() == 1);
  CHECK(client.greetings[0].epoch == Epoch(7));
  client.put(1);
  std::optional<Epoch> epoch;
  REQUIRE(until(
      client, {&door}, [&](auto& d, auto& r) { epoch = r.request.epoch, answer_all(d, r); },
      [&] { return client.answers.contains(1); }));
  CHECK(client.answers[1] == "ok");
  CHECK(epoch == Epoch(7));
}

TEST_CASE("what is in flight is bounded (I8)") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  for (std::uint64_t i = 0; i < 4; ++i) client.put(i);
  CHECK_FALSE(client.connection->has_room());
}

TEST_CASE("a lost request is repeated with the very same bytes (I7)") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  client.put(1);
  std::vector<std::string> seen;
  const auto serve = [&](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
    if (is_hello(r)) return d.reply_hello(r);
    seen.push_back(r.payload);
    if (seen.size() == 3) d.reply_put(r, 1, 1);
  };
  REQUIRE(until(client, {&door}, serve, [&] { return client.answers.contains(1); }));
  CHECK(seen.size() == 3);
  CHECK(seen[0] == seen[1]);
  CHECK(seen[1] == seen[2]);
}

TEST_CASE("a restarted broker is greeted anew and gets what was in flight at once") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  client.put(1);
  client.put(2);
  const auto swallow = [](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
    if (is_hello(r)) d.reply_hello(r);
  };
  int swallowed = 0;
  REQUIRE(until(
      client, {&door}, [&](auto& d, auto& r) { ++swallowed, swallow(d, r); },
      [&] { return swallowed >= 2; }));
  door.close();
  door.run = Run(2);
  door.open_again();
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.answers.size() == 2; }));
  CHECK(client.answers[1] == "ok");
  CHECK(client.answers[2] == "ok");
  CHECK(client.greetings.back().hello.run == Run(2));
}

TEST_CASE("a client that waits for an answer sleeps until it is to probe, repeat, give up or leave") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  const Steady before = read_clock().steady;
  client.put(1);
  CHECK(client.connection->next_deadline() >= before + 50ms);  // the probe
  int wakes = 0;
  const auto swallow = [](FakeRequestDoor&, const FakeRequestDoor::Received&) {};
  while (client.losses.empty() && read_clock().steady < before + 5s) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(client.connection->next_deadline() -
                                                                   read_clock().steady);
    zmq_poll(nullptr, 0, std::max<long>(0, left.count()));
    ++wakes;
    (void)until(client, {&door}, swallow, [] { return true; });
  }
  CHECK(client.losses.size() == 1);
  CHECK(read_clock().steady - before >= 300ms);
  CHECK(wakes <= 8);  // the probe, repeats from 100 ms on, the end of patience; not one in 20 ms
}

TEST_CASE("a crowded broker gets longer to answer hello each round, up to four times") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  std::vector<std::chrono::nanoseconds> waited;
  Steady opened{};
  const auto swallow = [&](FakeRequestDoor&, const FakeRequestDoor::Received&) {};
  REQUIRE(until(client, {&door}, swallow, [&] {
    const bool greeting = client.connection->pollable() != nullptr;
    const Steady now = read_clock().steady;
    if (greeting && opened == Steady{}) opened = now;
    if (!greeting && opened != Steady{}) waited.push_back(now - std::exchange(opened, Steady{}));
    return waited.size() == 4;
  }));
  CHECK(waited[0] >= 190ms);
  CHECK(waited[1] >= 390ms);
  CHECK(waited[2] >= 790ms);
  CHECK(waited[3] >= 790ms);
  CHECK(waited[3] < 1500ms);
}

TEST_CASE("a silent broker is left for the next of the list, with what is in flight") {
  Context context;
  FakeRequestDoor dead(context), door(context);
  Client client(context, {dead.endpoint(), door.endpoint()});
  REQUIRE(until(client, {&dead}, answer_all, [&] { return client.connection->ready(); }));
  client.put(1);
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.answers.contains(1); }));
  CHECK(client.answers[1] == "ok");
  CHECK(client.losses.size() == 1);
  CHECK(client.greetings.back().requests.text() == door.endpoint());
}

TEST_CASE("overloaded is repeated after its delay, conflict is the caller's at once") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  client.put(1);
  int attempts = 0;
  const auto first = read_clock().steady;
  REQUIRE(until(
      client, {&door},
      [&](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
        if (is_hello(r)) return d.reply_hello(r);
        ++attempts == 1 ? d.reply_error(r, ErrorCode::overloaded, 60) : d.reply_put(r, 1, 1);
      },
      [&] { return client.answers.contains(1); }));
  CHECK(read_clock().steady - first >= 60ms);
  CHECK(attempts == 2);
  client.put(2);
  REQUIRE(until(
      client, {&door},
      [&](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
        is_hello(r) ? d.reply_hello(r) : d.reply_error(r, ErrorCode::conflict);
      },
      [&] { return client.answers.contains(2); }));
  CHECK(client.answers[2] == "conflict");
}

TEST_CASE("unauthenticated says hello again and repeats") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  client.put(1);
  std::vector<std::string> heard;
  REQUIRE(until(
      client, {&door},
      [&](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
        heard.push_back(is_hello(r) ? "hello" : "put");
        if (is_hello(r)) return d.reply_hello(r);
        heard.size() == 1 ? d.reply_error(r, ErrorCode::unauthenticated) : d.reply_put(r, 1, 1);
      },
      [&] { return client.answers.contains(1); }));
  CHECK(heard == std::vector<std::string>{"put", "hello", "put"});
}

TEST_CASE("at the deadline an unanswered request is unknown, a refused one is what was refused") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  client.put(1, 150ms);
  client.put(2, 150ms);
  REQUIRE(until(
      client, {&door},
      [&](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
        if (is_hello(r)) return d.reply_hello(r);
        if (std::get<PutRequest>(r.request.body).write.n == 2) d.reply_error(r, ErrorCode::unavailable);
      },
      [&] { return client.answers.size() == 2; }));
  CHECK(client.answers[1] == "expired timeout");
  CHECK_THAT(client.answers[2], Catch::Matchers::Contains("unavailable"));
}

TEST_CASE("what a broker says only after it has waited is told, not lost in a repeat that is under way") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  client.put(1, 1200ms);
  // Longer than the client's patience with an attempt: each is repeated before it is answered.
  constexpr auto kWait = 500ms;
  std::deque<std::pair<std::chrono::steady_clock::time_point, FakeRequestDoor::Received>> waiting;
  REQUIRE(until(
      client, {&door},
      [&](FakeRequestDoor& d, FakeRequestDoor::Received& r) {
        if (is_hello(r)) return d.reply_hello(r);
        waiting.emplace_back(std::chrono::steady_clock::now() + kWait, std::move(r));
      },
      [&] {
        while (!waiting.empty() && std::chrono::steady_clock::now() >= waiting.front().first) {
          door.reply_error(waiting.front().second, ErrorCode::unavailable);
          waiting.pop_front();
        }
        return client.answers.contains(1);
      }));
  CHECK(client.answers[1] == "unavailable");
}

TEST_CASE("replies of another epoch are dropped, but other_history is told") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  client.put(1);
  int puts = 0;
  REQUIRE(until(
      client, {&door},
      [&](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
        if (is_hello(r)) return d.reply_hello(r);
        d.epoch = Epoch(8);
        ++puts == 1 ? d.reply_put(r, 1, 1) : d.reply_error(r, ErrorCode::other_history);
      },
      [&] { return client.answers.contains(1); }));
  CHECK(client.answers[1] == "other_history");
  CHECK(client.connection->counters().unmatched == 1);
}

TEST_CASE("a connection needs brokers that can be connected to") {
  Context context;
  struct Nobody final : ClientConnection::Owner {
    void on_greeting(const Greeting&) override {}
    void on_lost(const Error&) override {}
    void on_reply(std::uint64_t, const ReplyHeader&) override {}
    void on_expired(std::uint64_t, const Error&) override {}
  } nobody;
  ConnectionOptions options;
  options.brokers = {};
  CHECK(ClientConnection::make(context, options, nobody, {}).error().field == "brokers");
  options.brokers = {"tcp://*:7400"};
  CHECK(ClientConnection::make(context, options, nobody, {}).error().field == "endpoint");
}

TEST_CASE(
    "a `hello` that is refused for good is told when every broker was tried, and they are tried again") {
  Context context;
  FakeRequestDoor one(context), other(context);
  Client client(context, {one.endpoint(), other.endpoint()});
  std::size_t asked = 0;
  const auto refuse = [&](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
    CHECK(client.refusals.size() == asked / 2);
    ++asked;
    d.reply_error(r, ErrorCode::unauthenticated);
  };
  REQUIRE(until(client, {&one, &other}, refuse, [&] { return client.refusals.size() == 2; }));
  CHECK(asked == 4);
  CHECK(client.refusals[0].code == ErrorCode::unauthenticated);
  CHECK(client.losses.empty());  // none was ever joined
  REQUIRE(until(client, {&one, &other}, answer_all, [&] { return client.connection->ready(); }));
  CHECK(client.refusals.size() == 2);
}

TEST_CASE("a `hello` that is refused for a moment is not told as refused") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  int refused = 0;
  const auto serve = [&](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
    ++refused <= 3 ? d.reply_error(r, ErrorCode::overloaded, 1) : answer_all(d, r);
  };
  REQUIRE(until(client, {&door}, serve, [&] { return client.connection->ready(); }));
  CHECK(client.refusals.empty());
}

TEST_CASE(
    "what is in flight when `hello` is refused can be ended: refused, or unknown where it was not answered") {
  Context context;
  FakeRequestDoor door(context);
  Client client(context, {door.endpoint()});
  REQUIRE(until(client, {&door}, answer_all, [&] { return client.connection->ready(); }));
  client.put(1);
  client.put(2);
  const auto revoked = [&](FakeRequestDoor& d, const FakeRequestDoor::Received& r) {
    const auto* put = std::get_if<PutRequest>(&r.request.body);
    if (put == nullptr || put->write.n == 1) d.reply_error(r, ErrorCode::unauthenticated);
  };
  REQUIRE(until(client, {&door}, revoked, [&] { return !client.refusals.empty(); }));
  CHECK(client.answers.empty());  // a service's wait for a new token
  client.connection->expire_all();
  CHECK(client.answers[1] == "expired unauthenticated");
  CHECK(client.answers[2] == "expired timeout");
  CHECK(client.connection->in_flight() == 0);
}
