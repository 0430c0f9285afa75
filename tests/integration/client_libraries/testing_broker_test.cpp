// prismbus::testing::Broker as a service's own unit test would use it: no process, no data left behind.
#include <catch2/catch.hpp>

#include <chrono>

#include "subscriber/native.hpp"
#include "subscriber/subscriber.hpp"
#include "tests/integration/client_libraries/in_process.hpp"

using namespace prismbus;
using namespace prismbus::test;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<Subscriber> subscriber_of(const testing::Broker& broker, std::string ns) {
  SubscriberOptions options;
  options.brokers = {broker.requests()};
  options.namespaces = {std::move(ns)};
  return Subscriber::open(std::move(options)).value();
}

}  // namespace

TEST_CASE("a broker inside a test serves both libraries and keeps its data through an outage") {
  auto broker = testing::Broker::start();
  REQUIRE(broker);
  auto publisher = publisher_of(**broker);
  auto subscriber = subscriber_of(**broker, "fees.spot");
  const auto first = publisher->put("fees.spot", "maker", 0.001).get();
  REQUIRE(first);
  REQUIRE(subscriber->wait_seq("fees.spot", first->seq, kPatience));
  const std::string requests = (*broker)->requests();

  (*broker)->stop();
  CHECK(subscriber->view().get_or("fees.spot", "maker", 0.0) == 0.001);
  REQUIRE((*broker)->resume());
  CHECK((*broker)->requests() == requests);
  const auto second = publisher->put("fees.spot", "maker", 0.002).get();
  REQUIRE(second);
  CHECK(second->epoch == first->epoch);
  CHECK(second->seq == first->seq.next());
  REQUIRE(subscriber->wait_seq("fees.spot", second->seq, kPatience));
  CHECK(subscriber->view().get_or("fees.spot", "maker", 0.0) == 0.002);
}

TEST_CASE("a broker that starts over has another epoch, and a subscriber takes the new history whole (I6)") {
  auto broker = testing::Broker::start();
  REQUIRE(broker);
  auto publisher = publisher_of(**broker);
  auto subscriber = subscriber_of(**broker, "fees.spot");
  const auto old = publisher->put("fees.spot", "maker", 1).get();
  REQUIRE(old);
  REQUIRE(subscriber->wait_seq("fees.spot", old->seq, kPatience));

  REQUIRE((*broker)->start_over());
  auto fresh = publisher_of(**broker);
  const auto begun = fresh->put("fees.spot", "taker", 2).get();
  REQUIRE(begun);
  CHECK(begun->epoch != old->epoch);
  REQUIRE(eventually([&] { return subscriber->status().epoch == begun->epoch; }));
  REQUIRE(eventually([&] { return subscriber->view().get_or("fees.spot", "taker", 0) == 2; }));
  CHECK_FALSE(subscriber->view().get("fees.spot", "maker"));
}

TEST_CASE("two brokers in one process know nothing of each other") {
  auto one = testing::Broker::start(), other = testing::Broker::start();
  REQUIRE(one);
  REQUIRE(other);
  REQUIRE(publisher_of(**one)->put("fees.spot", "maker", 1).get());
  const auto elsewhere = publisher_of(**other)->get("fees.spot", "maker").get();
  REQUIRE_FALSE(elsewhere);
  CHECK(elsewhere.error().code == ErrorCode::not_found);
}
