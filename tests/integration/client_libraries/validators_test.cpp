// A validator that refuses changes, against a real broker: what readers see, what the writer is told, what
// the cache keeps, and what a restart makes of it (I5, I11).
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "subscriber/subscriber.hpp"
#include "tests/integration/client_libraries/in_process.hpp"

using namespace prismbus;
using namespace prismbus::test;
using namespace std::chrono_literals;

namespace {

// Refuses negative numbers, and that "needed" is deleted.
std::optional<std::string> judge(const ProposedChange& change) {
  if (!change.after)
    return change.key == "needed" ? std::optional<std::string>("it is needed") : std::nullopt;
  const auto number = change.after->as<std::int64_t>();
  return number && *number < 0 ? std::optional<std::string>("negative") : std::nullopt;
}

SubscriberOptions options_of(const testing::Broker& broker, std::string instance) {
  SubscriberOptions options;
  options.brokers = {broker.requests()};
  options.namespaces = {"limits"};
  options.client.instance = std::move(instance);
  options.validators = {{"not negative", "limits", {}, "**", &judge}};
  return options;
}

Seq put(Publisher& publisher, const std::string& key, std::int64_t value) {
  const auto done = publisher.put("limits", key, value).get();
  REQUIRE(done);
  return done->seq;
}

NamespaceStatus status_of(const Subscriber& subscriber) {
  return subscriber.status().namespaces.at(0);
}

struct Scratch {
  Scratch() : path((std::filesystem::temp_directory_path() / "prismbus-guard-XXXXXX").string()) {
    REQUIRE(::mkdtemp(path.data()) != nullptr);
  }
  ~Scratch() { std::filesystem::remove_all(path); }
  std::string path;
};

}  // namespace

TEST_CASE("who waits for a write is told who refused it and why; the next good value is shown and applied") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  put(*publisher, "max", 5);
  auto guarded = Subscriber::open(options_of(*broker, "guarded")).value();
  auto trusting = options_of(*broker, "trusting");
  trusting.validators.clear();
  auto other = Subscriber::open(trusting).value();
  REQUIRE(guarded->wait_live(kPatience));
  REQUIRE(other->wait_live(kPatience));
  Handle<std::int64_t> max = guarded->bind("limits", "max", std::int64_t{1});
  const Seq bad = put(*publisher, "max", -1);
  const auto waited = publisher->wait_applied("limits", bad, kPatience).get();
  REQUIRE(waited);
  CHECK(waited->value.applied == std::vector<std::string>{"trusting"});
  CHECK(waited->value.rejected == std::vector<std::string>{"guarded"});
  CHECK(waited->value.silent.empty());
  REQUIRE(waited->value.reasons.size() == 1);
  CHECK(waited->value.reasons[0] == WaitAppliedReply::Reason{"guarded", "max", "negative"});
  CHECK(max.get() == 5);
  CHECK(guarded->view().get<std::int64_t>("limits", "max") == 5);
  CHECK(other->view().get<std::int64_t>("limits", "max") == -1);
  CHECK(guarded->view().hash("limits") == other->view().hash("limits"));
  const auto status = status_of(*guarded);
  CHECK(status.state == NamespaceState::live);
  CHECK(status.seq == bad);
  CHECK(status.kept_back == 1);
  CHECK(status.rejected == std::vector<RejectedChange>{{"max", bad, "negative"}});
  CHECK(guarded->status().rejected == 1);
  SubscribersCall call;
  call.ns = "limits";
  const auto rows = publisher->subscribers(call).get();
  REQUIRE(rows);
  for (const SubscriberRow& row : rows->value.subscribers) {
    CHECK(row.rejections == (row.instance == "guarded" ? 1u : 0u));
    if (row.instance == "guarded") CHECK(row.rejected.at(0) == Rejection{"limits", bad, "max", "negative"});
  }
  const Seq good = put(*publisher, "max", 7);
  const auto all = publisher->wait_applied("limits", good, kPatience).get();
  REQUIRE(all);
  CHECK(all->value.applied.size() == 2);
  CHECK(max.get() == 7);
  CHECK(status_of(*guarded).rejected.empty());
}

TEST_CASE("a transaction with one refused key is kept back whole, and shown whole later (I11)") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  struct Pair {
    std::int64_t low = 0, high = 0;
    bool operator==(const Pair&) const = default;
  };
  auto subscriber = Subscriber::open(options_of(*broker, "g")).value();
  Handle<Pair> pair =
      subscriber->bind_struct<Pair>("limits", {field("low", &Pair::low), field("high", &Pair::high)});
  const auto commit = [&](std::int64_t low, std::int64_t high) {
    Transaction txn;
    txn.put("limits", "low", low).put("limits", "high", high);
    return publisher->commit(txn).get().value().seqs.at(0).second;
  };
  REQUIRE(subscriber->wait_seq("limits", commit(1, 2), kPatience));
  REQUIRE(subscriber->wait_seq("limits", commit(3, -4), kPatience));
  CHECK(pair.get() == Pair{1, 2});
  REQUIRE(subscriber->wait_seq("limits", put(*publisher, "low", 5), kPatience));
  CHECK(pair.get() == Pair{1, 2});  // "low" waits for what it was written with
  REQUIRE(subscriber->wait_seq("limits", put(*publisher, "high", 6), kPatience));
  CHECK(pair.get() == Pair{5, 6});
  REQUIRE(publisher->remove("limits", "low").get());
  const auto removed = put(*publisher, "needed", 1);
  REQUIRE(subscriber->wait_seq("limits", removed, kPatience));
  const auto gone = publisher->remove("limits", "needed").get();
  REQUIRE(gone);
  REQUIRE(subscriber->wait_seq("limits", gone->seq, kPatience));
  CHECK(subscriber->view().get<std::int64_t>("limits", "needed") == 1);
  CHECK_FALSE(subscriber->view().get("limits", "low"));
  CHECK(subscriber->view().in("limits")->size() == 2);
}

TEST_CASE("the cache keeps the broker's truth; a restart judges it anew, and tells the broker again (I5)") {
  Scratch scratch;
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  auto options = options_of(*broker, "g");
  options.cache.directory = scratch.path + "/cache";
  put(*publisher, "max", 5);
  put(*publisher, "min", 1);
  Seq last;
  {
    auto first = Subscriber::open(options).value();
    REQUIRE(first->wait_live(kPatience));
    put(*publisher, "max", -5);
    last = put(*publisher, "min", 2);
    REQUIRE(first->wait_seq("limits", last, kPatience));
    CHECK(first->view().get<std::int64_t>("limits", "max") == 5);
  }
  broker->stop();
  {
    auto trusting = options;
    trusting.validators.clear();
    auto reader = Subscriber::open(trusting).value();
    CHECK(reader->view().get<std::int64_t>("limits", "max") == -5);
    CHECK(reader->view().seq("limits") == last);
  }
  auto again = Subscriber::open(options).value();
  CHECK_FALSE(again->view().get("limits", "max"));  // nothing older is known
  CHECK(again->view().get<std::int64_t>("limits", "min") == 2);
  REQUIRE(broker->resume());
  REQUIRE(again->wait_live(kPatience));
  CHECK(again->status().resyncs == 0);
  const auto waited = publisher->wait_applied("limits", last, kPatience).get();
  REQUIRE(waited);
  CHECK(waited->value.rejected == std::vector<std::string>{"g"});  // it stands at the seq that was loaded
  REQUIRE(again->wait_seq("limits", put(*publisher, "max", 6), kPatience));
  CHECK(again->view().get<std::int64_t>("limits", "max") == 6);
}

TEST_CASE(
    "subscriptions tell what readers see: nothing of what is kept back, all of it when it is released") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  auto options = options_of(*broker, "g");
  std::vector<std::string> told;  // the background thread's, until stop()
  options.callbacks.added = [&](const ChangeEvent& e) { told.push_back("+" + std::string(e.key)); };
  options.callbacks.changed = [&](const ChangeEvent& e) {
    told.push_back("~" + std::string(e.key) + " " + std::to_string(e.before->as<std::int64_t>().value_or(0)) +
                   " " + std::to_string(e.after->as<std::int64_t>().value_or(0)));
  };
  put(*publisher, "max", 5);
  auto subscriber = Subscriber::open(options).value();
  REQUIRE(subscriber->wait_live(kPatience));
  put(*publisher, "max", -1);
  put(*publisher, "max", -2);
  REQUIRE(subscriber->wait_seq("limits", put(*publisher, "max", 9), kPatience));
  subscriber->stop();
  CHECK(told == std::vector<std::string>{"+max", "~max 5 9"});
}

TEST_CASE("a validator that throws refuses; a mistake in one is named at the start") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  auto options = options_of(*broker, "g");
  options.validators[0].keys = "a\\";
  const auto wrong = Subscriber::open(options);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().field == "validators[0].keys");
  options.validators[0].keys = "**";
  options.validators[0].check = [](const ProposedChange&) -> std::optional<std::string> {
    throw std::runtime_error("no rules loaded");
  };
  auto subscriber = Subscriber::open(options).value();
  const Seq seq = put(*publisher, "max", 5);
  REQUIRE(subscriber->wait_seq("limits", seq, kPatience));
  CHECK_FALSE(subscriber->view().get("limits", "max"));
  CHECK(subscriber->status().callback_exceptions == 1);
  CHECK(status_of(*subscriber).rejected.at(0).reason == "the validator threw: no rules loaded");
}
