// Coalesced puts against a real broker: every put keeps its own version, one that is refused harms no other,
// and an outage in the middle applies each exactly once.
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "broker/testing/broker.hpp"
#include "publisher/publisher.hpp"
#include "subscriber/native.hpp"
#include "subscriber/subscriber.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Future = Publisher::Future<WriteOutcome>;
constexpr auto kPatience = 30s;

std::unique_ptr<Publisher> publisher_of(const testing::Broker& broker) {
  PublisherOptions options;
  options.brokers = {broker.requests()};
  options.coalesce_window = 1ms;
  return Publisher::open(options).value();
}

std::vector<int> numbers_of(Publisher& publisher, const std::string& ns, const std::string& key) {
  std::vector<int> out;
  HistoryCall call;
  call.ns = ns;
  call.key = key;
  for (bool more = true; more;) {
    const auto page = publisher.history(call).get().value();
    for (const auto& version : page.value.versions) {
      out.insert(out.begin(), decode_value<int>(version.value).value());
    }
    more = page.value.more;
    call.after = page.value.after;
  }
  return out;
}

}  // namespace

TEST_CASE("puts of many threads share transactions, and the history keeps each of them in order (I1 I11)") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  SubscriberOptions following;
  following.brokers = {broker->requests()};
  following.subtrees = {"ticks"};
  auto subscriber = Subscriber::open(std::move(following)).value();
  REQUIRE(subscriber->wait_live(kPatience));
  constexpr int kThreads = 4, kKeys = 50, kRounds = 10;
  std::vector<std::thread> threads;
  std::array<std::vector<Future>, kThreads> futures;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string ns = "ticks.t" + std::to_string(t);
      for (int round = 0; round < kRounds; ++round) {
        for (int key = 0; key < kKeys; ++key)
          futures[static_cast<std::size_t>(t)].push_back(
              publisher->put(ns, "k" + std::to_string(key), round));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(publisher->flush(kPatience));
  std::set<Revision> revisions;
  for (int t = 0; t < kThreads; ++t) {
    const std::string ns = "ticks.t" + std::to_string(t);
    Seq last;
    for (std::size_t i = 0; i < futures[static_cast<std::size_t>(t)].size(); ++i) {
      const auto outcome = futures[static_cast<std::size_t>(t)][i].get();
      REQUIRE(outcome);
      CHECK(outcome->version == i / kKeys + 1);  // its own, though it left with others
      revisions.insert(outcome->rev);
      last = std::max(last, outcome->seq);
    }
    REQUIRE(subscriber->wait_seq(ns, last, kPatience));
    CHECK(numbers_of(*publisher, ns, "k7") == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(subscriber->view().in(ns)->get_or("k7", -1) == kRounds - 1);
  }
  CHECK(publisher->counters().coalesced > 0);
  CHECK(revisions.size() < kThreads * kKeys * kRounds / 2);
  CHECK(subscriber->status().resyncs == 0);
}

TEST_CASE("one put that the broker refuses fails alone, and the others are applied once") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  REQUIRE(publisher->hello().get());
  std::vector<Future> good;
  for (int i = 0; i < 50; ++i) good.push_back(publisher->put("ticks", "k" + std::to_string(i), i));
  auto bad = publisher->put("_system.policy", "ticks", std::map<std::string, int>{{"no_such_field", 1}});
  for (int i = 50; i < 100; ++i) good.push_back(publisher->put("ticks", "k" + std::to_string(i), i));
  REQUIRE(publisher->flush(kPatience));
  CHECK(bad.get().error().code == ErrorCode::rejected);
  for (auto& future : good) {
    const auto outcome = future.get();
    REQUIRE(outcome);
    CHECK(outcome->version == 1);
  }
}

TEST_CASE("an outage while puts leave together applies each of them exactly once (I7)") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  REQUIRE(publisher->hello().get());
  std::vector<Future> futures;
  constexpr int kRounds = 20, kKeys = 100;
  for (int round = 0; round < kRounds; ++round) {
    for (int key = 0; key < kKeys; ++key)
      futures.push_back(publisher->put("ticks", "k" + std::to_string(key), round));
    if (round == 5) broker->stop();
    if (round == 15) REQUIRE(broker->resume());
  }
  REQUIRE(publisher->flush(kPatience));
  for (std::size_t i = 0; i < futures.size(); ++i) {
    const auto outcome = futures[i].get();
    REQUIRE(outcome);
    CHECK(outcome->version == i / kKeys + 1);
  }
  for (int key = 0; key < kKeys; key += 17)
    CHECK(numbers_of(*publisher, "ticks", "k" + std::to_string(key)).size() == kRounds);
}
