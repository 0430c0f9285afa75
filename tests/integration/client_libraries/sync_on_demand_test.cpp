// Syncs on demand against a real broker: what was committed before the call is shown when it is answered (I5,
// I9); limits, outages, and the end of the subscriber.
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "subscriber/subscriber.hpp"
#include "tests/integration/client_libraries/in_process.hpp"

using namespace prismbus;
using namespace prismbus::test;
using namespace std::chrono_literals;

namespace {

SubscriberOptions options_of(const testing::Broker& broker) {
  SubscriberOptions options;
  options.brokers = {broker.requests()};
  options.namespaces = {"fees"};
  options.subtrees = {"market"};
  options.sync_interval = 0ms;
  return options;
}

}  // namespace

TEST_CASE("what was committed before an incremental sync is shown when it is answered (I9)") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  auto subscriber = Subscriber::open(options_of(*broker)).value();
  std::atomic<bool> stop{false};
  std::thread noise([&] {
    for (std::uint64_t i = 0; !stop; ++i)
      (void)publisher->put("market.noise", "k" + std::to_string(i % 50), i).get();
  });
  for (std::uint64_t i = 1; i <= 100; ++i) {
    const std::string ns = i % 3 == 0 ? "market.n" + std::to_string(i) : "fees";  // some of them new
    REQUIRE(publisher->put(ns, "last", i).get());
    const bool named = i % 2 == 0;
    auto answer =
        named ? subscriber->selective_sync({ns}, kPatience) : subscriber->incremental_sync(kPatience);
    const auto report = answer.get();
    REQUIRE(report);
    CHECK(report->complete());
    CHECK(subscriber->view().get<std::uint64_t>(ns, "last") == i);
    if (named) REQUIRE(report->namespaces.size() == 1);
  }
  stop = true;
  noise.join();
  CHECK(subscriber->status().resyncs == 0);
}

TEST_CASE("a full sync takes everything anew under writes, and nothing goes backwards for readers (I5)") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  auto options = options_of(*broker);
  options.full_sync_interval = 0ms;
  auto subscriber = Subscriber::open(options).value();
  std::atomic<bool> stop{false}, went_back{false};
  std::thread writer([&] {
    for (std::uint64_t i = 1; !stop; ++i) {
      (void)publisher->put("fees", "n", i).get();
      (void)publisher->put("market.a", "n", i).get();
    }
  });
  std::thread reader([&] {
    std::uint64_t last[2] = {0, 0};
    while (!stop) {
      const View view = subscriber->view();
      const std::uint64_t now[2] = {view.get_or<std::uint64_t>("fees", "n", 0),
                                    view.get_or<std::uint64_t>("market.a", "n", 0)};
      for (int i = 0; i < 2; ++i) {
        if (now[i] < last[i]) went_back = true;
        last[i] = now[i];
      }
    }
  });
  std::uint64_t snapshots = 0;
  for (int i = 0; i < 10; ++i) {
    const auto report = subscriber->full_sync(kPatience).get();
    REQUIRE(report);
    for (const NamespaceSync& sync : report->namespaces) {
      INFO("round " << i << ", " << sync.ns);
      CHECK((sync.error ? sync.error->message : "") == "");
    }
    for (const NamespaceSync& sync : report->namespaces) snapshots += sync.how == SyncHow::snapshot ? 1 : 0;
  }
  stop = true;
  writer.join();
  reader.join();
  CHECK_FALSE(went_back);
  CHECK(snapshots >= 10);
  const auto status = subscriber->status();
  CHECK(status.sync.resyncs_of(ResyncReason::content_hash) == 0);
  CHECK(status.sync.resyncs_of(ResyncReason::asked) >= 10);
  CHECK(status.sync.snapshot_bytes > 0);
  CHECK(status.sync.stream_bytes > 0);
  CHECK(status.history.size() <= kSyncHistory);
  REQUIRE(subscriber->incremental_sync(kPatience).get());
  const auto rows = publisher->namespaces().get().value().value;
  for (const auto& row : rows) {
    CHECK(subscriber->view().hash(row.ns) == row.head.hash);
  }
}

TEST_CASE("limits, outages and the end are answers") {
  auto broker = testing::Broker::start().value();
  auto subscriber = Subscriber::open(options_of(*broker)).value();
  REQUIRE(subscriber->wait_live(kPatience));
  REQUIRE(subscriber->full_sync(kPatience).get());
  const auto again = subscriber->full_sync().get();
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::overloaded);
  CHECK(again.error().retry_after_ms.value_or(0) > 0);
  const auto unknown = subscriber->selective_sync({"fees", "other"}).get();
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().field == "namespaces");
  broker->stop();
  const auto away = subscriber->selective_sync({"fees"}, 200ms).get();
  REQUIRE(away);
  CHECK_FALSE(away->complete());
  auto open_end = subscriber->incremental_sync(kPatience);
  std::vector<Subscriber::SyncFuture> calls;
  std::thread caller([&] {
    for (int i = 0; i < 200; ++i) calls.push_back(subscriber->incremental_sync(kPatience));
  });
  subscriber->stop();
  caller.join();
  CHECK(open_end.get().error().code == ErrorCode::unavailable);
  for (auto& call : calls) CHECK_FALSE(call.get());  // each is answered
  CHECK(subscriber->incremental_sync().get().error().code == ErrorCode::unavailable);
}
