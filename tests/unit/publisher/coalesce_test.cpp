// Puts that leave together, by a publisher's agent stepped by hand under a fake clock, against a ROUTER in
// the same thread. What has not left is shown by a read that left after it on the same connection.
#include <catch2/catch.hpp>

#include <array>
#include <functional>
#include <thread>

#include "proto/client/reads.hpp"
#include "proto/wire/codec/reply.hpp"
#include "publisher/publisher_agent.hpp"
#include "tests/unit/proto/transport/fake_request_door.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Received = FakeRequestDoor::Received;
using Future = Publisher::Future<WriteOutcome>;
constexpr auto kWindow = 200us;

PublisherOptions options_for(const FakeRequestDoor& door) {
  PublisherOptions options;
  options.brokers = {door.endpoint()};
  options.coalesce_window = kWindow;
  return options;
}

struct Hand {
  Context context;
  FakeRequestDoor door{context};
  std::unique_ptr<PublisherAgent> agent;
  Now now = read_clock();
  std::vector<std::unique_ptr<Received>> got;  // everything but hello, in order

  explicit Hand(std::function<void(PublisherOptions&)> change = {}) {
    PublisherOptions options = options_for(door);
    if (change) change(options);
    auto made = PublisherAgent::make(context, options);
    REQUIRE(made);
    agent = std::move(*made);
    REQUIRE(pump([&] { return agent->counters().connected; }));
  }

  // Steps both sides at the moment `now` until `done`; false after ten seconds.
  template <class Done>
  bool pump(Done done) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < end) {
      agent->step(now);
      while (auto received = door.receive()) {
        if (std::holds_alternative<HelloRequest>(received->request.body)) {
          door.reply_hello(*received);
        } else {
          got.push_back(std::move(received));
        }
      }
      if (done()) return true;
      std::array<zmq_pollitem_t, 1> items{{{door.pollable(), 0, ZMQ_POLLIN, 0}}};
      poll_sockets(items, 1ms);
    }
    return false;
  }

  Future write(std::function<Result<std::unique_ptr<Operation>>(WriteAnswer&)> make,
               std::chrono::milliseconds timeout = 30s) {
    std::promise<Result<WriteOutcome>> promise;
    Future future = promise.get_future();
    WriteAnswer answer(std::move(promise));
    auto operation = make(answer);
    REQUIRE(operation);
    (*operation)->deadline = now.steady + timeout;
    REQUIRE(agent->offer(*operation));
    return future;
  }
  Future put(const std::string& ns, const std::string& key, int value, WriteCall call = {},
             std::chrono::milliseconds timeout = 30s) {
    return write(
        [&](WriteAnswer& answer) {
          return make_put(ns, key, EncodedValue::of(value), std::move(call), answer);
        },
        timeout);
  }
  Future put_bytes(const std::string& key, std::size_t bytes) {
    return write([&](WriteAnswer& answer) {
      return make_put("a", key, EncodedValue::of(std::string(bytes, 'x')), {}, answer);
    });
  }
  Future remove(const std::string& key) {
    return write([&](WriteAnswer& answer) { return make_remove("a", key, {}, answer); });
  }

  // What has left by now: everything that comes before a read that leaves now.
  std::size_t left() {
    agent->step(now);  // reads go first within a step
    auto read = make_read(ask_get("sentinel", "k", {}).read);
    read->deadline = now.steady + 30s;
    REQUIRE(agent->offer(read));
    const auto seen = [&] {
      return !got.empty() && std::holds_alternative<GetRequest>(got.back()->request.body);
    };
    REQUIRE(pump(seen));
    door.reply_error(*got.back(), ErrorCode::not_found);
    got.pop_back();
    return got.size();
  }
  bool wait_for(std::size_t requests) {
    return pump([&] { return got.size() >= requests; });
  }
  [[nodiscard]] const TxnRequest& txn(std::size_t i) const {
    return std::get<TxnRequest>(got.at(i)->request.body);
  }
  void reply_txn(const Received& to, TxnReply reply) {
    door.rev = door.rev.next();
    door.reply(to, codec::encode_txn_reply({to.request.id, door.epoch, door.rev}, reply));
  }
  bool answered(Future& future) {
    return pump([&] { return future.wait_for(0s) == std::future_status::ready; });
  }
};

std::vector<std::string> keys_of(const TxnRequest& txn) {
  std::vector<std::string> keys;
  for (const auto& change : txn.changes) keys.emplace_back(change.key);
  return keys;
}

}  // namespace

TEST_CASE("puts called within the window leave as one transaction, and each caller gets its own part") {
  Hand hand;
  auto x = hand.put("a", "x", 1);
  auto y = hand.put("b", "y", 2);
  auto z = hand.put("a", "z", 3);
  CHECK(hand.left() == 0);
  hand.now.steady += kWindow - 1us;
  CHECK(hand.left() == 0);
  hand.now.steady += 1us;
  REQUIRE(hand.wait_for(1));
  const TxnRequest& txn = hand.txn(0);
  CHECK(keys_of(txn) == std::vector<std::string>{"x", "y", "z"});
  CHECK(txn.changes[1].ns == "b");
  CHECK(txn.changes[2].value == encode_value(3));
  CHECK(txn.conditions.empty());
  CHECK(txn.write.session->size() == 8);
  hand.reply_txn(*hand.got[0], {{{"a", Seq(4)}, {"b", Seq(9)}}, {2, 1, 7}, true});
  REQUIRE(hand.answered(z));
  const auto ax = x.get().value(), by = y.get().value(), az = z.get().value();
  CHECK((ax.rev == hand.door.rev && by.rev == hand.door.rev && az.rev == hand.door.rev));
  CHECK((ax.seq == Seq(4) && by.seq == Seq(9) && az.seq == Seq(4)));
  CHECK((ax.version == 2 && by.version == 1 && az.version == 7));
  CHECK((ax.duplicate && ax.seqs.empty() && ax.versions.empty()));
  CHECK(ax.epoch == hand.door.epoch);
  CHECK(hand.agent->counters().coalesced == 3);
  CHECK(hand.agent->counters().answered == 3);
}

TEST_CASE("a put that nobody joined leaves as a put when the window is over") {
  Hand hand;
  auto alone = hand.put("a", "x", 1);
  CHECK(hand.left() == 0);
  hand.now.steady += kWindow;
  REQUIRE(hand.wait_for(1));
  CHECK(std::holds_alternative<PutRequest>(hand.got[0]->request.body));
  hand.door.reply_put(*hand.got[0], 1, 1);
  REQUIRE(hand.answered(alone));
  CHECK(alone.get());
  CHECK(hand.agent->counters().coalesced == 0);
}

TEST_CASE("any other write sends what is held back before itself, and takes nothing along") {
  Hand hand;
  (void)hand.put("a", "x", 1), (void)hand.put("a", "y", 2);
  (void)hand.remove("z");
  WriteCall conditional, noted;
  conditional.if_rev = Revision(0);
  noted.note = "why";
  (void)hand.put("a", "c", 3, conditional);
  (void)hand.put("a", "n", 4, noted);
  (void)hand.put("a", "w", 5);
  REQUIRE(hand.left() == 4);  // at once, but for the last
  CHECK(keys_of(hand.txn(0)) == std::vector<std::string>{"x", "y"});
  CHECK(std::get<DeleteRequest>(hand.got[1]->request.body).key == "z");
  CHECK(std::get<PutRequest>(hand.got[2]->request.body).if_rev == Revision(0));
  CHECK(std::get<PutRequest>(hand.got[3]->request.body).write.note == "why");
}

TEST_CASE("a second put of a key sends the first at once and follows it: the history keeps both") {
  const bool ordered = GENERATE(true, false);
  Hand hand([&](PublisherOptions& options) { options.order_per_key = ordered; });
  auto first = hand.put("a", "x", 1);
  auto other = hand.put("a", "y", 2);
  auto second = hand.put("a", "x", 3);
  REQUIRE(hand.left() == 1);
  CHECK(keys_of(hand.txn(0)) == std::vector<std::string>{"x", "y"});
  CHECK(hand.txn(0).changes[0].value == encode_value(1));
  hand.reply_txn(*hand.got[0], {{{"a", Seq(1)}}, {1, 1}, false});
  REQUIRE(hand.answered(first));
  hand.now.steady += kWindow;
  hand.agent->step(hand.now);  // freed by the answer, it began a window of its own
  hand.now.steady += kWindow;
  REQUIRE(hand.wait_for(2));
  CHECK(std::get<PutRequest>(hand.got[1]->request.body).value == encode_value(3));
  hand.door.reply_put(*hand.got[1], 2, 2);
  REQUIRE(hand.answered(second));
  CHECK(second.get()->version == 2);
}

TEST_CASE("a flush sends what is held back at once") {
  Hand hand;
  auto x = hand.put("a", "x", 1);
  auto y = hand.put("a", "y", 2);
  std::promise<void> promise;
  auto flushed = promise.get_future();
  auto flush = make_flush(std::move(promise));
  REQUIRE(hand.agent->offer(flush));
  REQUIRE(hand.wait_for(1));
  CHECK(hand.txn(0).changes.size() == 2);
  hand.reply_txn(*hand.got[0], {{{"a", Seq(1)}}, {1, 1}, false});
  REQUIRE(hand.pump([&] { return flushed.wait_for(0s) == std::future_status::ready; }));
  CHECK(y.get());
}

TEST_CASE("what is refused together is sent one by one, in order, and only the guilty one fails") {
  const auto code = GENERATE(ErrorCode::invalid_argument, ErrorCode::permission_denied, ErrorCode::rejected,
                             ErrorCode::too_large, ErrorCode::read_only);
  Hand hand;
  std::vector<Future> futures;
  for (int i = 0; i < 4; ++i) futures.push_back(hand.put("a", "k" + std::to_string(i), i));
  hand.now.steady += kWindow;  // the window begins with the next step
  hand.agent->step(hand.now);
  hand.now.steady += kWindow;
  REQUIRE(hand.wait_for(1));
  const std::uint64_t together = hand.txn(0).write.n;
  hand.door.reply_error(*hand.got[0], code);
  REQUIRE(hand.wait_for(5));
  for (std::size_t i = 1; i <= 4; ++i) {
    const auto& put = std::get<PutRequest>(hand.got[i]->request.body);
    CHECK(put.key == "k" + std::to_string(i - 1));
    CHECK(put.write.n == together + i);  // a request id of its own: the refused one was never applied (I7)
    i == 3 ? hand.door.reply_error(*hand.got[i], code) : hand.door.reply_put(*hand.got[i], i, 1);
  }
  REQUIRE(hand.answered(futures.back()));
  for (std::size_t i = 0; i < 4; ++i) {
    const auto outcome = futures[i].get();
    CHECK(outcome.has_value() == (i != 2));
    if (i == 2) CHECK(outcome.error().code == code);
  }
}

TEST_CASE("what would befall each of them alone is told to each, with nothing sent again") {
  Hand hand;
  auto x = hand.put("a", "x", 1);
  auto y = hand.put("a", "y", 2);
  (void)hand.remove("z");
  REQUIRE(hand.wait_for(2));
  hand.door.reply_error(*hand.got[0], ErrorCode::other_history);
  REQUIRE(hand.answered(y));
  CHECK(x.get().error().code == ErrorCode::other_history);
  CHECK(y.get().error().code == ErrorCode::other_history);
  CHECK(hand.left() == 2);
}

TEST_CASE(
    "a repeat is the same transaction under the same request id, and silence is an unknown outcome (I7)") {
  Hand hand;
  auto x = hand.put("a", "x", 1);
  auto y = hand.put("a", "y", 2, {}, 29'950ms);
  (void)hand.remove("z");
  REQUIRE(hand.wait_for(2));
  hand.door.reply_error(*hand.got[0], ErrorCode::overloaded, 1);
  const auto again = [&] { return hand.got.size() > 2 && hand.got.back()->payload == hand.got[0]->payload; };
  REQUIRE(hand.pump([&] {
    hand.now.steady += 1ms;
    return again();
  }));
  hand.now.steady += 30s;  // over the earlier of both deadlines
  REQUIRE(hand.answered(y));
  CHECK(y.get().error().code == ErrorCode::timeout);
  CHECK(x.get().error().code == ErrorCode::timeout);
}

TEST_CASE("transactions stay within the limits of the contract, and full ones do not wait (I8)") {
  Hand hand([](PublisherOptions& options) { options.queue_max = 10'000; });
  for (int i = 0; i < 2500; ++i) (void)hand.put("a", "k" + std::to_string(i), i);
  CHECK(hand.left() == 2);
  CHECK(hand.txn(0).changes.size() == limits::kTxnChanges);
  CHECK(hand.txn(1).changes.size() == limits::kTxnChanges);
  hand.now.steady += kWindow;
  REQUIRE(hand.wait_for(3));
  CHECK(hand.txn(2).changes.size() == 500);

  Hand wide;
  for (int i = 0; i < 5; ++i) (void)wide.put_bytes("k" + std::to_string(i), 1'000'000);
  REQUIRE(wide.left() == 1);
  CHECK(wide.txn(0).changes.size() == 4);  // 4 MiB
}

TEST_CASE("puts that end at different times do not share an end") {
  Hand hand;
  (void)hand.put("a", "x", 1, {}, 30s);
  (void)hand.put("a", "y", 2, {}, 30s);
  (void)hand.put("a", "brief", 3, {}, 1s);
  REQUIRE(hand.left() == 1);
  CHECK(keys_of(hand.txn(0)) == std::vector<std::string>{"x", "y"});
}

TEST_CASE("a full window holds back whole transactions, and gathers meanwhile") {
  Hand hand([](PublisherOptions& options) { options.window = 1; });
  auto first = hand.put("a", "x", 1);
  (void)hand.remove("gone");
  REQUIRE(hand.left() == 1);
  (void)hand.put("a", "y", 2), (void)hand.put("a", "z", 3);
  hand.door.reply_put(*hand.got[0], 1, 1);
  REQUIRE(hand.answered(first));
  REQUIRE(hand.wait_for(2));
  hand.now.steady += 10 * kWindow;
  CHECK(hand.left() == 2);
  (void)hand.put("a", "w", 4);
  CHECK(hand.left() == 2);
  hand.door.reply_error(*hand.got[1], ErrorCode::not_found);
  REQUIRE(hand.wait_for(3));
  CHECK(keys_of(hand.txn(2)) == std::vector<std::string>{"y", "z", "w"});
}

TEST_CASE("stopping sends what is held back and gives it a moment to be answered") {
  Context context;
  FakeRequestDoor door(context);
  PublisherOptions options = options_for(door);
  options.coalesce_window = 1s;
  auto publisher = Publisher::open(options).value();
  std::vector<Future> futures;
  std::thread stopper;
  const auto end = std::chrono::steady_clock::now() + 10s;
  bool over = false;
  while (!over && std::chrono::steady_clock::now() < end) {
    while (auto received = door.receive()) {
      if (std::holds_alternative<HelloRequest>(received->request.body)) {
        door.reply_hello(*received);
      } else {
        const auto& txn = std::get<TxnRequest>(received->request.body);
        CHECK(txn.changes.size() == 3);
        door.reply(*received, codec::encode_txn_reply({received->request.id, door.epoch, Revision(2)},
                                                      {{{"a", Seq(1)}}, {1, 1, 1}, false}));
      }
    }
    if (!stopper.joinable() && publisher->counters().connected) {
      for (int i = 0; i < 3; ++i) futures.push_back(publisher->put("a", "k" + std::to_string(i), i));
      stopper = std::thread([&] { publisher->stop(); });
    }
    over = !futures.empty() && futures.back().wait_for(1ms) == std::future_status::ready;
  }
  REQUIRE(stopper.joinable());
  stopper.join();
  for (auto& future : futures) CHECK(future.get());
}

TEST_CASE("a window out of range, or together with an outbox, is refused by its name") {
  PublisherOptions options;
  options.coalesce_window = -1us;
  CHECK(Publisher::open(options).error().field == "coalesce_window");
  options.coalesce_window = 2s;
  CHECK(Publisher::open(options).error().field == "coalesce_window");
  options.coalesce_window = 1ms;
  options.outbox.directory = "never-made";
  const auto both = Publisher::open(options);
  CHECK(both.error().field == "coalesce_window");
  CHECK(both.error().message.find("outbox.directory") != std::string::npos);
}
