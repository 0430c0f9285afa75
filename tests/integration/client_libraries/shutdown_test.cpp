// Ending the client libraries is bounded whatever the broker does: away, frozen with writes in flight, or
// busy with a snapshot; every future gets its answer, and none says "not done" of a write that may be.
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>

#include "publisher/publisher.hpp"
#include "subscriber/native.hpp"
#include "subscriber/subscriber.hpp"
#include "tests/integration/client_libraries/broker_process.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

// What stop() promises, with room for a sanitizer.
std::chrono::milliseconds bound() {
  const char* slack = std::getenv("PRISMBUS_TIME_SLACK");
  return 1000ms * (slack != nullptr ? std::atoi(slack) : 1);
}

template <class Ends>
std::chrono::milliseconds time_of(Ends ends) {
  const auto start = std::chrono::steady_clock::now();
  ends();
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

std::unique_ptr<Publisher> publisher_to(const std::string& endpoint) {
  PublisherOptions options;
  options.brokers = {endpoint};
  return Publisher::open(options).value();
}

std::unique_ptr<Subscriber> subscriber_to(const std::string& endpoint) {
  SubscriberOptions options;
  options.brokers = {endpoint};
  options.subtrees = {""};
  return Subscriber::open(options).value();
}

}  // namespace

TEST_CASE("clients of a broker that is not there end at once, and what waited was surely not done") {
  const std::string nobody = "tcp://127.0.0.1:1";
  auto publisher = publisher_to(nobody);
  auto subscriber = subscriber_to(nobody);
  std::vector<Publisher::Future<WriteOutcome>> writes;
  for (int i = 0; i < 2000; ++i) writes.push_back(publisher->put("a", "k" + std::to_string(i), i));
  CHECK(time_of([&] { publisher->stop(); }) < bound());
  CHECK(time_of([&] { subscriber->stop(); }) < bound());
  for (auto& write : writes) {
    REQUIRE(write.wait_for(0s) == std::future_status::ready);
    CHECK(write.get().error().code == ErrorCode::unavailable);
  }
  CHECK(publisher->put("a", "k", 1).get().error().code == ErrorCode::unavailable);
}

TEST_CASE("clients of a frozen broker end within a second, and what was sent has an unknown outcome") {
  BrokerProcess broker;
  auto publisher = publisher_to(broker.requests());
  auto subscriber = subscriber_to(broker.requests());
  REQUIRE(publisher->put("a", "first", 1).get());
  REQUIRE(subscriber->wait_live(20s));
  broker.freeze();
  std::vector<Publisher::Future<WriteOutcome>> writes;
  for (int i = 0; i < 500; ++i) writes.push_back(publisher->put("a", "k" + std::to_string(i), i));
  const bool flushed = publisher->flush(50ms);
  CHECK_FALSE(flushed);
  CHECK(time_of([&] { publisher.reset(); }) < bound());
  CHECK(time_of([&] { subscriber.reset(); }) < bound());
  for (auto& write : writes) {
    REQUIRE(write.wait_for(0s) == std::future_status::ready);
    const auto outcome = write.get();
    REQUIRE_FALSE(outcome);
    CHECK((outcome.error().code == ErrorCode::timeout || outcome.error().code == ErrorCode::unavailable));
  }
  broker.thaw();
}

TEST_CASE("a subscriber that is stopped keeps its last picture readable") {
  BrokerProcess broker;
  auto publisher = publisher_to(broker.requests());
  auto subscriber = subscriber_to(broker.requests());
  const auto written = publisher->put("a", "k", 7).get();
  REQUIRE(written);
  REQUIRE(subscriber->wait_seq("a", written->seq, 20s));
  subscriber->stop();
  CHECK(subscriber->view().get_or("a", "k", 0) == 7);
  CHECK(subscriber->status().namespaces.at(0).state == NamespaceState::stale);
}
