// Subscriptions against a real broker: the state and then every change, slow callbacks that delay only
// themselves, outages and another history; unsubscribe as a barrier; the example program.
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "subscriber/native.hpp"
#include "subscriber/subscriber.hpp"
#include "tests/integration/client_libraries/in_process.hpp"

using namespace prismbus;
using namespace prismbus::test;
using namespace std::chrono_literals;

namespace {

using Kind = SubscriptionEvent::Kind;

std::unique_ptr<Subscriber> subscriber_of(const testing::Broker& broker) {
  SubscriberOptions options;
  options.brokers = {broker.requests()};
  options.subtrees = {"fees"};
  return Subscriber::open(std::move(options)).value();
}

// What one subscription was told, applied to a map.
class Told {
 public:
  void hear(const SubscriptionEvent& e) {
    const std::lock_guard lock(mutex_);
    if (e.kind == Kind::resync) {
      content_.clear();
    } else if (e.kind == Kind::deleted) {
      content_.erase(std::string(e.key));
    } else if (e.kind == Kind::added || e.kind == Kind::changed) {
      content_[std::string(e.key)] = std::string(e.after->bytes);
    }
  }
  [[nodiscard]] bool equals(const View& view) const {
    std::map<std::string, std::string> there;
    view.for_each("fees.spot", [&](std::string_view key, const ValueView& value) {
      there[std::string(key)] = std::string(value.bytes);
    });
    const std::lock_guard lock(mutex_);
    return content_ == there;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> content_;
};

}  // namespace

TEST_CASE("every policy tells what adds up to the view, through outages and another history (I5 I6)") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  for (int i = 0; i < 300; ++i) REQUIRE(publisher->put("fees.spot", "k" + std::to_string(i), i).get());
  std::vector<std::unique_ptr<Told>> told;
  auto subscriber = subscriber_of(*broker);
  for (const QueuePolicy policy : {QueuePolicy::block, QueuePolicy::latest_only, QueuePolicy::resync}) {
    for (const bool inline_too : {false, true}) {
      told.push_back(std::make_unique<Told>());
      Subscription s;
      s.ns = "fees.spot";
      s.policy = policy;
      s.initial = true;
      s.queue_length_max = 32;
      s.on_background_thread = inline_too;
      s.callback = [t = told.back().get()](const SubscriptionEvent& e) { t->hear(e); };
      REQUIRE(subscriber->subscribe(std::move(s)));
    }
  }
  std::mt19937 random(1);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 200; ++i) {
      const std::string key = "k" + std::to_string(random() % 400);
      if (random() % 4 == 0) {
        (void)publisher->remove("fees.spot", key).get();
      } else {
        REQUIRE(publisher->put("fees.spot", key, static_cast<int>(random())).get());
      }
    }
    if (round == 1) {
      broker->stop();
      REQUIRE(broker->resume());
    }
    if (round == 2) {
      REQUIRE(broker->start_over());
      publisher = publisher_of(*broker);
    }
  }
  const auto final_put = publisher->put("fees.spot", "last", 1).get();
  REQUIRE(final_put);
  REQUIRE(eventually([&] { return subscriber->view().get("fees.spot", "last").has_value(); }));
  for (const auto& t : told) CHECK(eventually([&] { return t->equals(subscriber->view()); }));
}

TEST_CASE("a callback that blocks delays neither the view, nor the stream, nor other subscriptions") {
  std::atomic<int> blocked{0}, others{0};
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  auto subscriber = subscriber_of(*broker);
  REQUIRE(subscriber->wait_live(kPatience));
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  Subscription slow;
  slow.name = "slow";
  slow.callback = [&blocked, released](const SubscriptionEvent&) {
    ++blocked;
    released.wait();
  };
  const auto slow_id = subscriber->subscribe(slow);
  REQUIRE(slow_id);
  Subscription quick;
  quick.callback = [&](const SubscriptionEvent&) { ++others; };
  REQUIRE(subscriber->subscribe(quick));
  const std::uint64_t joins = subscriber->status().joins;
  // Ten heartbeats and more: a stream whose heartbeats were not heard would be joined anew.
  const auto end = std::chrono::steady_clock::now() + 2s;
  int writes = 0;
  while (std::chrono::steady_clock::now() < end) {
    const auto put = publisher->put("fees.spot", "maker", ++writes).get();
    REQUIRE(put);
    REQUIRE(subscriber->wait_seq("fees.spot", put->seq, kPatience));
  }
  CHECK(eventually([&] { return others == writes; }));
  CHECK(blocked == 1);
  CHECK(subscriber->status().joins == joins);
  CHECK(subscriber->subscriptions().front().queue_length > 0);
  release.set_value();
  CHECK(eventually([&] { return blocked == writes; }));  // `block` keeps every step
  CHECK(subscriber->subscriptions().front().callback_time_max > 1s);
}

TEST_CASE("after unsubscribe returned no callback runs, and a change written after subscribe is told") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  auto subscriber = subscriber_of(*broker);
  REQUIRE(subscriber->wait_live(kPatience));
  std::atomic<bool> writing{true};
  std::thread writer([&] {
    for (int i = 0; writing; ++i) (void)publisher->put("fees.spot", "noise", i).get();
  });
  for (int round = 0; round < 100; ++round) {
    const auto alive = std::make_unique<std::atomic<bool>>(true);
    std::atomic<bool> heard{false}, after_end{false};
    Subscription s;
    s.on_background_thread = round % 2 == 0;
    s.callback = [&, flag = alive.get()](const SubscriptionEvent& e) {
      if (!*flag) after_end = true;
      if (e.key == "mine") heard = true;
    };
    const auto id = subscriber->subscribe(std::move(s));
    REQUIRE(id);
    REQUIRE(publisher->put("fees.spot", "mine", round).get());
    CHECK(eventually([&] { return heard.load(); }));
    REQUIRE(subscriber->unsubscribe(*id));
    *alive = false;
    CHECK_FALSE(after_end);
  }
  writing = false;
  writer.join();
  CHECK(subscriber->subscriptions().empty());
}

TEST_CASE("the example of subscriptions runs, and hears the state and a change") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  REQUIRE(publisher->put("example.fees", "maker_bps", 1.5).get());
  REQUIRE(publisher->put("example.fees", "label", std::string("no number")).get());
  const std::string command = std::string(PRISMBUS_EXAMPLE) + " " + broker->requests() + " 2";
  FILE* out = ::popen(command.c_str(), "r");
  REQUIRE(out != nullptr);
  std::string text;
  char line[256];
  while (std::fgets(line, sizeof line, out) != nullptr) {
    text += line;
    if (text.find("maker_bps = 1.5\n") != std::string::npos && text.find("2.5") == std::string::npos) {
      (void)publisher->put("example.fees", "maker_bps", 2.5).get();
    }
  }
  CHECK(::pclose(out) == 0);
  INFO(text);
  CHECK(text.find("example.fees maker_bps = 2.5\n") != std::string::npos);
  CHECK(text.find("label") == std::string::npos);
  CHECK(text.find("fees: 2 told, 0 conflated, 0 dropped, 0 waiting") != std::string::npos);
}
