// Publisher and Subscriber against a real broker: what is written is seen, also when the broker is killed in
// the middle, again and again; at the end every view equals the broker.
#include <catch2/catch.hpp>

#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "proto/wire/names.hpp"
#include "publisher/publisher.hpp"
#include "subscriber/native.hpp"
#include "subscriber/subscriber.hpp"
#include "tests/integration/client_libraries/broker_process.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<Publisher> publisher_of(const BrokerProcess& broker) {
  PublisherOptions options;
  options.brokers = {broker.requests()};
  auto publisher = Publisher::open(options);
  REQUIRE(publisher);
  return std::move(*publisher);
}

std::unique_ptr<Subscriber> subscriber_of(const BrokerProcess& broker, std::vector<std::string> namespaces,
                                          std::vector<std::string> subtrees,
                                          SubscriberCallbacks callbacks = {}) {
  SubscriberOptions options;
  options.brokers = {broker.requests()};
  options.namespaces = std::move(namespaces);
  options.subtrees = std::move(subtrees);
  options.callbacks = std::move(callbacks);
  auto subscriber = Subscriber::open(std::move(options));
  REQUIRE(subscriber);
  return std::move(*subscriber);
}

// Every namespace the broker tells of and `covers` says is followed: same seq, same hash, same bytes.
template <class Covers>
void require_equal(Publisher& publisher, Subscriber& subscriber, Covers covers) {
  const auto rows = publisher.namespaces().get();
  REQUIRE(rows);
  for (const NamespaceRow& row : rows->value) {
    if (!covers(row.ns)) continue;
    INFO(row.ns);
    REQUIRE(subscriber.wait_seq(row.ns, row.head.seq, 20s));
    ListCall call;
    call.ns = row.ns;
    const auto entries = publisher.list(call).get();
    REQUIRE(entries);
    const View view = subscriber.view();
    CHECK(view.seq(row.ns) == row.head.seq);
    CHECK(view.hash(row.ns) == row.head.hash);
    REQUIRE(view.in(row.ns)->size() == entries->value.size());
    for (const Entry& entry : entries->value) {
      const auto value = view.get(row.ns, entry.key);
      REQUIRE(value);
      CHECK(value->bytes == entry.value);
      CHECK(value->rev == entry.rev);
      CHECK(value->version == entry.version);
    }
  }
}

}  // namespace

TEST_CASE("what is written is seen by a live subscriber, typed, with callbacks after the view") {
  BrokerProcess broker;
  auto publisher = publisher_of(broker);
  REQUIRE(publisher->put("fees.spot", "maker", 1.5).get());
  std::atomic<int> added{0}, changed{0}, deleted{0}, moved{0};
  std::atomic<bool> shown_before{true};
  Subscriber* self = nullptr;
  std::atomic<bool> ready{false};
  SubscriberCallbacks callbacks;
  callbacks.added = [&](const ChangeEvent&) { ++added; };
  callbacks.changed = [&](const ChangeEvent& e) {
    ++changed;
    while (!ready) std::this_thread::yield();
    if (self->view().seq(e.ns) < e.seq) shown_before = false;
  };
  callbacks.deleted = [&](const ChangeEvent&) { ++deleted; };
  callbacks.namespace_changed = [&](const NamespaceEvent&) { ++moved; };
  auto subscriber = subscriber_of(broker, {"fees.spot"}, {}, callbacks);
  self = subscriber.get();
  ready = true;
  REQUIRE(subscriber->wait_live(10s));
  CHECK(subscriber->view().get<double>("fees.spot", "maker") == 1.5);
  const auto second = publisher->put("fees.spot", "maker", 2.5).get();
  REQUIRE(second);
  REQUIRE(subscriber->wait_seq("fees.spot", second->seq, 10s));
  CHECK(subscriber->view().get_or<double>("fees.spot", "maker", 0.0) == 2.5);
  const auto gone = publisher->remove("fees.spot", "maker").get();
  REQUIRE(gone);
  REQUIRE(subscriber->wait_seq("fees.spot", gone->seq, 10s));
  CHECK_FALSE(subscriber->view().get("fees.spot", "maker"));
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (moved < 3 && std::chrono::steady_clock::now() < end) ::poll(nullptr, 0, 1);
  CHECK(added == 1);
  CHECK(changed == 1);
  CHECK(deleted == 1);
  CHECK(moved == 3);
  CHECK(shown_before);
  const auto status = subscriber->status();
  CHECK(status.connected);
  CHECK(status.resyncs == 0);
}

TEST_CASE("a wait may be for ever, or for less than no time; options that no clock can count are refused") {
  using std::chrono::milliseconds;
  BrokerProcess broker;
  auto publisher = publisher_of(broker);
  const auto subscriber = subscriber_of(broker, {"fees.spot"}, {});
  CHECK_FALSE(subscriber->wait_seq("fees.spot", Seq(1), milliseconds::min()));
  CHECK(subscriber->wait_live(milliseconds::max()));
  publisher->put("fees.spot", "maker", EncodedValue::of(1.5), {}, [](const Result<WriteOutcome>&) {});
  CHECK(subscriber->wait_seq("fees.spot", Seq(1), milliseconds::max()));
  CHECK(subscriber->wait_readable(milliseconds::max()));

  SubscriberOptions options;
  options.namespaces = {"fees.spot"};
  options.check_interval = milliseconds::max();
  const auto refused = [&] {
    const auto opened = Subscriber::open(options);
    return opened ? std::string() : opened.error().field.value_or("no field");
  };
  CHECK(refused() == "check_interval");
  options.check_interval = kDurationMax;
  options.staleness = {{"", StalenessPolicy::refuse, milliseconds::max()}};
  CHECK(refused() == "staleness");
  options.staleness.front().after = kDurationMax;
  CHECK(refused().empty());
}

TEST_CASE("a publisher reads its own writes and compares before it sets (I9)") {
  BrokerProcess broker;
  auto publisher = publisher_of(broker);
  const auto put = publisher->put("a.b", "k", std::string("v")).get();
  REQUIRE(put);
  const auto got = publisher->get("a.b", "k").get();
  REQUIRE(got);
  CHECK(got->value.rev == put->rev);
  CHECK(got->rev >= put->rev);
  Transaction late;  // for one who believes that it is not there
  late.put("a.b", "k", 2).require("a.b", "k", Revision(0));
  CHECK(publisher->commit(late).get().error().code == ErrorCode::conflict);
  Transaction fresh;
  fresh.put("a.b", "k", 2).put("a.c", "k", 3).require("a.b", "k", put->rev);
  const auto done = publisher->commit(fresh).get();
  REQUIRE(done);
  CHECK(done->seqs.size() == 2);
  CHECK(publisher->get("a.b", "absent").get().error().code == ErrorCode::not_found);
  const auto many = publisher->mget("a.b", {"absent", "k"}).get();
  REQUIRE(many);
  REQUIRE(many->value.size() == 2);
  CHECK_FALSE(many->value[0]);
  CHECK(many->value[1]->value == encode_value(2));
  CHECK(publisher->hello().get()->value.protocol == 1);
  CHECK(publisher->status().get());
}

TEST_CASE(
    "subscribers end equal to the broker although it is killed under load, no acknowledged write is lost (I5 "
    "I6 I7)") {
  const char* wanted = std::getenv("PRISMBUS_KILLS");
  const int kills = wanted != nullptr ? std::atoi(wanted) : 4;
  BrokerProcess broker;
  auto publisher = publisher_of(broker);
  auto exact = subscriber_of(broker, {"ex.a", "ex.b"}, {});
  auto subtree = subscriber_of(broker, {}, {"ex"});
  auto everything = subscriber_of(broker, {}, {""});
  REQUIRE(exact->wait_live(20s));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> acked{0}, failed{0};
  std::map<std::string, std::uint64_t> last;  // what each key was last set to; keys are written by one thread
  std::thread writer([&] {
    std::mt19937_64 random(3);
    for (std::uint64_t i = 1; !stop; ++i) {
      const std::string ns = std::vector<std::string>{"ex.a", "ex.b", "ex.c.d", "other"}[random() % 4];
      const std::string key = "k" + std::to_string(random() % 300);
      last[ns + " " + key] = i;
      publisher->put(ns, key, EncodedValue::of(i), {},
                     [&](Result<WriteOutcome> r) { ++(r ? acked : failed); });
      if (i % 64 == 0) ::poll(nullptr, 0, 1);
    }
  });
  std::mt19937_64 random(5);
  for (int i = 0; i < kills; ++i) {
    const std::uint64_t before = acked;
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (acked < before + 500 && std::chrono::steady_clock::now() < end) ::poll(nullptr, 0, 5);
    CHECK(acked >= before + 500);
    broker.kill();
    ::poll(nullptr, 0, static_cast<int>(random() % 200));
    broker.start();
  }
  stop = true;
  writer.join();
  REQUIRE(publisher->flush(30s));
  CHECK(failed == 0);
  require_equal(*publisher, *exact, [](const std::string& ns) { return ns == "ex.a" || ns == "ex.b"; });
  require_equal(*publisher, *subtree, [](const std::string& ns) { return is_under(ns, "ex"); });
  require_equal(*publisher, *everything, [](const std::string&) { return true; });
  // Writes of one key left in order: what was written last is what is there.
  const View view = everything->view();
  for (const auto& [name, value] : last) {
    const auto space = name.find(' ');
    INFO(name);
    CHECK(view.get<std::uint64_t>(name.substr(0, space), name.substr(space + 1)) == value);
  }
  REQUIRE(exact->wait_live(20s));
  REQUIRE(subtree->wait_live(20s));
  REQUIRE(everything->wait_live(20s));
  WARN("kills " << kills << ", acknowledged " << acked << ", repeated " << publisher->counters().repeated
                << ", joins " << exact->status().joins << " " << subtree->status().joins << " "
                << everything->status().joins << ", resyncs " << everything->status().resyncs);
}

TEST_CASE("a namespace that changes lanes a hundred times under writes loses nothing (I5 I6)") {
  BrokerProcess broker(std::vector<std::string>{"--express", "tcp://127.0.0.1:0"});
  auto publisher = publisher_of(broker);
  REQUIRE(publisher->put("flip.a", "k0", 0).get());
  std::atomic<std::uint64_t> resynced{0}, skipped{0};
  std::map<std::string, std::uint64_t> seen;  // callback thread, then after stop()
  SubscriberCallbacks callbacks;
  callbacks.namespace_changed = [&](const NamespaceEvent& e) {
    std::uint64_t& last = seen[std::string(e.ns)];
    if (last != 0 && e.seq.value() != last + 1) ++skipped;
    if (e.resync && last != 0) ++resynced;
    last = e.seq.value();
  };
  auto exact = subscriber_of(broker, {"flip.a", "flip.new"}, {}, callbacks);
  auto subtree = subscriber_of(broker, {}, {"flip"});
  REQUIRE(exact->wait_live(20s));
  REQUIRE(subtree->wait_live(20s));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint64_t i = 1; !stop; ++i) {
      publisher->put(i % 3 == 0 ? "flip.new" : "flip.a", "k" + std::to_string(i % 50), EncodedValue::of(i),
                     {}, [](const Result<WriteOutcome>&) {});
      if (i % 8 == 0) ::poll(nullptr, 0, 1);
    }
  });
  const std::map<std::string, std::string> express{{"lane", "express"}}, changes{{"lane", "changes"}};
  for (int flip = 0; flip < 100; ++flip) {
    REQUIRE(publisher->put("_system.policy", "flip.a", flip % 2 == 0 ? express : changes).get());
    if (flip == 10) REQUIRE(publisher->put("_system.policy", "flip.**", express).get());
    ::poll(nullptr, 0, 5);
  }
  stop = true;
  writer.join();
  REQUIRE(publisher->flush(30s));
  const auto rows = publisher->namespaces().get();
  REQUIRE(rows);
  for (const NamespaceRow& row : rows->value) {
    if (row.ns == "flip.new") CHECK(row.head.lane == Lane::express);
    if (row.ns == "flip.a") CHECK(row.head.lane == Lane::changes);
  }
  const auto of_ours = [](const std::string& ns) { return is_under(ns, "flip"); };
  require_equal(*publisher, *exact, of_ours);
  require_equal(*publisher, *subtree, of_ours);
  CHECK(exact->status().resyncs == 0);
  CHECK(subtree->status().resyncs == 0);
  CHECK(exact->status().joins == 1);
  exact->stop();
  CHECK(skipped == 0);
  CHECK(resynced == 0);
}
