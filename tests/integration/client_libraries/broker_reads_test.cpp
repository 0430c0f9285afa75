// A subscriber's reads of the broker on demand, against a real broker: what it does not follow, what was at
// every revision and moment, histories; through outages, other histories, and from inside callbacks.
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <random>

#include "broker/testing/broker.hpp"
#include "proto/client/value_of.hpp"
#include "publisher/publisher.hpp"
#include "subscriber/subscriber.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 30s;

struct World {
  std::unique_ptr<testing::Broker> broker = testing::Broker::start().value();
  std::unique_ptr<Publisher> publisher;
  std::unique_ptr<Subscriber> subscriber;

  explicit World(SubscriberOptions options = {}) {
    PublisherOptions writing;
    writing.brokers = {broker->requests()};
    publisher = Publisher::open(writing).value();
    options.brokers = {broker->requests()};
    options.namespaces = {"fees.spot"};
    subscriber = Subscriber::open(std::move(options)).value();
  }
};

}  // namespace

TEST_CASE("a subscriber reads from the broker what it follows and what it does not") {
  World world;
  const auto maker = world.publisher->put("fees.spot", "maker", 0.001).get().value();
  (void)world.publisher->put("limits", "BTC/max", 10).get().value();
  const auto limit = world.publisher->put("limits", "BTC/max", 20).get().value();
  (void)world.publisher->put("limits", "ETH/max", 30).get().value();
  BrokerReads& reads = world.subscriber->broker();

  const auto got = reads.get("limits", "BTC/max").get();
  REQUIRE(got);
  CHECK(value_of<int>(got).value() == 20);
  CHECK(got->value.version == 2);
  CHECK(got->value.rev == limit.rev);
  CHECK(value_or(reads.get("limits", "SOL/max").get(), 5).value() == 5);
  CHECK(reads.get("limits", "SOL/max").get().error().code == ErrorCode::not_found);
  CHECK(reads.get("no such", "k").get().error().field == "ns");

  const auto many = reads.mget("limits", {"ETH/max", "SOL/max", "BTC/max"}).get();
  REQUIRE(many);
  REQUIRE(many->value.size() == 3);
  CHECK(decode_value<int>(many->value[0]->value) == 30);
  CHECK_FALSE(many->value[1]);
  CHECK(decode_value<int>(many->value[2]->value) == 20);

  ListCall list;
  list.ns = "limits";
  list.prefix = "B";
  list.glob = "*/max";
  const auto listed = reads.list(list).get();
  REQUIRE(listed);
  REQUIRE(listed->value.size() == 1);
  CHECK(listed->value[0].key == "BTC/max");
  CHECK(reads.namespaces().get().value().value.size() == 2);

  // A view that shows a revision, and a read that must not be older.
  REQUIRE(world.subscriber->wait_seq("fees.spot", maker.seq, kPatience));
  ReadCall not_older;
  not_older.min_rev = world.subscriber->view().in("fees.spot")->rev();
  CHECK(reads.get("fees.spot", "maker", not_older).get().value().rev >= maker.rev);
}

TEST_CASE("reads of every revision and moment agree with a model of what was written") {
  const auto seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  World world;
  BrokerReads& reads = world.subscriber->broker();
  struct Version {
    Revision rev;
    std::optional<int> value;  // nullopt = removed
  };
  std::map<std::string, std::vector<Version>> model;
  Revision last;
  for (int i = 0; i < 200; ++i) {
    const std::string key = "k" + std::to_string(random() % 5);
    auto& versions = model[key];
    const bool there = !versions.empty() && versions.back().value;
    const bool remove = there && random() % 4 == 0;
    const auto done =
        remove ? world.publisher->remove("limits", key).get() : world.publisher->put("limits", key, i).get();
    REQUIRE(done);
    versions.push_back({done->rev, remove ? std::nullopt : std::optional(i)});
    last = done->rev;
  }
  const auto model_at = [&](const std::string& key, Revision at) {
    std::optional<int> value;
    for (const auto& version : model[key]) {
      if (version.rev <= at) value = version.value;
    }
    return value;
  };
  for (int i = 0; i < 100; ++i) {
    const Revision at(1 + random() % last.value());
    const std::string key = "k" + std::to_string(random() % 5);
    ReadCall call;
    call.at = at;
    const auto got = reads.get("limits", key, call).get();
    const auto expected = model_at(key, at);
    REQUIRE(got.has_value() == expected.has_value());
    if (!got) continue;
    CHECK(value_of<int>(got).value() == *expected);
    CHECK(got->at == at);
    ReadCall when;  // times may repeat: the state after the last transaction of that microsecond
    when.at_time = got->value.time;
    const auto then = reads.get("limits", key, when).get();
    REQUIRE(then);
    CHECK(then->value.rev >= got->value.rev);
    CHECK(then->value.time == got->value.time);
  }
  for (auto& [key, versions] : model) {
    std::vector<Version> told;  // newest first, page by page
    HistoryCall call;
    call.ns = "limits";
    call.key = key;
    call.limit = 7;
    for (bool more = true; more;) {
      const auto page = reads.history(call).get();
      REQUIRE(page);
      CHECK(page->value.versions.size() <= 7);
      for (const auto& version : page->value.versions) {
        told.push_back(
            {version.rev, version.op == ChangeOp::del ? std::nullopt : decode_value<int>(version.value)});
      }
      more = page->value.more;
      call.after = page->value.after;
    }
    REQUIRE(told.size() == versions.size());
    for (std::size_t i = 0; i < told.size(); ++i) {
      CHECK(told[i].rev == versions[versions.size() - 1 - i].rev);
      CHECK(told[i].value == versions[versions.size() - 1 - i].value);
    }
  }
  DiffCall diff;
  diff.ns = "limits";
  diff.from = Revision(1);
  const auto difference = reads.diff(diff).get();
  REQUIRE(difference);
  for (const auto& change : difference->value.changes) {
    CHECK(change.after.has_value() == model_at(change.key, last).has_value());
  }
}

TEST_CASE("a callback on the background thread may wait for a read: it has a thread of its own") {
  std::atomic<int> versions{0};
  std::atomic<Subscriber*> self{nullptr};
  SubscriberOptions options;
  options.callbacks.added = [&](const ChangeEvent& e) {
    HistoryCall call;
    call.ns = e.ns;
    call.key = e.key;
    const auto history = self.load()->broker().history(call).get();
    if (history) versions = static_cast<int>(history->value.versions.size());
  };
  World world(std::move(options));
  self = world.subscriber.get();
  REQUIRE(world.subscriber->wait_live(kPatience));
  const auto put = world.publisher->put("fees.spot", "maker", 0.001).get().value();
  REQUIRE(world.subscriber->wait_seq("fees.spot", put.seq, kPatience));
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (versions == 0 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  CHECK(versions == 1);
  world.subscriber->stop();
}

TEST_CASE("an outage is an answer, reads go on when it is over, and another history is told (I6)") {
  World world;
  BrokerReads& reads = world.subscriber->broker();
  const auto put = world.publisher->put("limits", "max", 1).get().value();
  REQUIRE(reads.get("limits", "max").get());
  world.broker->stop();
  ReadCall brief;
  brief.timeout = 300ms;
  const auto during = reads.get("limits", "max", brief).get();
  REQUIRE_FALSE(during);
  CHECK((during.error().code == ErrorCode::unavailable || during.error().code == ErrorCode::timeout));
  REQUIRE(world.broker->resume());
  REQUIRE(reads.get("limits", "max").get());

  REQUIRE(world.broker->start_over());
  ReadCall of_that_history;
  of_that_history.epoch = put.epoch;
  of_that_history.at = put.rev;
  CHECK(reads.get("limits", "max", of_that_history).get().error().code == ErrorCode::other_history);
  CHECK(reads.get("limits", "max").get().error().code == ErrorCode::not_found);
}

TEST_CASE("stopping the subscriber answers its reads, and a settings mistake names its field") {
  World world;
  world.broker->stop();
  auto waiting = world.subscriber->broker().get("limits", "max");
  world.subscriber->stop();
  CHECK(waiting.get().error().code == ErrorCode::unavailable);
  CHECK(world.subscriber->broker().get("limits", "max").get().error().code == ErrorCode::unavailable);
  SubscriberOptions wrong;
  wrong.namespaces = {"fees"};
  wrong.read_timeout = 0ms;
  CHECK(Subscriber::open(std::move(wrong)).error().field == "read_timeout");
}
