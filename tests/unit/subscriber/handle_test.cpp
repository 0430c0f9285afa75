#include "subscriber/handle.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <stdexcept>

#include "tests/unit/subscriber/bound_namespace.hpp"
#include "tests/unit/subscriber/sync_recorder.hpp"

using namespace prismbus;
using Put = BoundNamespace;

namespace {

struct Limits {
  double max_order = 10;
  std::int64_t max_open = 5;
  std::string venue = "none";
  bool operator==(const Limits&) const = default;
};

std::vector<Field<Limits>> limits() {
  return {field("max_order", &Limits::max_order), field("max_open", &Limits::max_open),
          field("venue", &Limits::venue)};
}

}  // namespace

TEST_CASE("a handle gives its default while the key is absent, and every value in the step of its picture") {
  BoundNamespace n;
  const Handle<double> tick = n.bind("tick", 0.5);
  CHECK(tick.get() == 0.5);
  CHECK_FALSE(tick.meta().present);
  CHECK(tick.state() == NamespaceState::joining);
  n.write({Put::put("other", 1)});
  CHECK(tick.get() == 0.5);
  n.write({Put::put("tick", 0.01)});
  CHECK(tick.get() == 0.01);
  const Reading<double> now = tick.read();
  CHECK(now.value == 0.01);
  CHECK(now.meta.present);
  CHECK(now.meta.rev == Revision(20));
  CHECK(now.meta.seq == Seq(2));
  CHECK(now.meta.version == 1);
  CHECK(tick.state() == NamespaceState::live);
  CHECK(tick.ns() == "n");
  CHECK(tick.key() == "tick");
  n.write({Put::gone("tick")});
  CHECK(tick.get() == 0.5);
  CHECK_FALSE(tick.meta().present);
}

TEST_CASE("an entry of another type is counted, logged and told, and the value before it is kept") {
  BoundNamespace n;
  const Handle<double> tick = n.bind("tick", 0.5);
  n.write({Put::put("tick", 0.01)});
  n.write({Put::put("tick", std::string("fast"))});
  CHECK(tick.get() == 0.01);
  CHECK(tick.meta().rev == Revision(10));
  CHECK(tick.meta().refused == Revision(20));
  CHECK(n.bindings.mismatches() == 1);
  REQUIRE(n.logged.size() == 1);
  CHECK(n.logged[0].find("handle_of_another_type") != std::string::npos);
  CHECK(n.logged[0].find("fast") == std::string::npos);  // never a value

  const Handle<double> late = n.bind("tick", 0.5);  // there is no value before it
  CHECK(late.get() == 0.5);
  CHECK(late.meta().refused == Revision(20));
  n.step({});
  CHECK(n.bindings.mismatches() == 2);
  n.write({Put::put("tick", 0.02)});
  CHECK(tick.get() == 0.02);
  CHECK(late.get() == 0.02);
  CHECK(tick.meta().refused == Revision());
  CHECK(n.bindings.mismatches() == 2);
}

TEST_CASE(
    "a handle bound to a live namespace has the value at once, and misses nothing until it is taken over") {
  BoundNamespace n;
  n.write({Put::put("tick", 1)});
  std::vector<std::pair<int, int>> told;
  const Handle<int> tick =
      n.bind("tick", 0, [&](int before, int after) { told.emplace_back(before, after); });
  CHECK(tick.get() == 1);
  CHECK(tick.state() == NamespaceState::live);
  const Handle<int> copy = tick;
  // The background thread was in the middle of a step: its events were told before it saw the new handle.
  (void)n.publish({Put::put("tick", 2)});
  n.step({});
  CHECK(copy.get() == 2);
  CHECK(told == std::vector<std::pair<int, int>>{{1, 2}});
  n.step({});
  CHECK(told.size() == 1);
}

TEST_CASE("the hook is told what get() gave and gives, once a step, when every handle shows it") {
  BoundNamespace n;
  std::optional<Handle<std::string>> other;
  std::vector<std::string> told;
  const Handle<int> tick = n.bind("tick", 7, [&](int before, int after) {
    told.push_back(std::to_string(before) + ">" + std::to_string(after) + " beside " + other->get());
  });
  other.emplace(n.bind("venue", std::string("none")));
  n.write({Put::put("tick", 8), Put::put("venue", std::string("binance"))});
  n.write({Put::put("tick", 8)});  // a change, and the same value
  n.write({Put::gone("tick")});
  CHECK(told == std::vector<std::string>{"7>8 beside binance", "8>7 beside binance"});
}

TEST_CASE("a hook that throws is counted, and the handles after it are told all the same") {
  BoundNamespace n;
  int told = 0;
  const Handle<int> a = n.bind("k", 0, [](int, int) { throw std::runtime_error("no"); });
  const Handle<int> b = n.bind("k", 0, [](int, int) { throw 5; });
  const Handle<int> c = n.bind("k", 0, [&](int, int) { ++told; });
  n.write({Put::put("k", 1)});
  CHECK(n.bindings.exceptions() == 2);
  CHECK(told == 1);
  CHECK(a.get() + b.get() + c.get() == 3);
}

TEST_CASE(
    "a bound struct changes once for all keys of a transaction, and has defaults for the others (I11)") {
  BoundNamespace n;
  std::vector<Limits> told;
  const Handle<Limits> bound = n.bind_fields<Limits>(
      "n", limits(), Limits{}, [&](const Limits&, const Limits& after) { told.push_back(after); });
  CHECK(bound.get() == Limits{});
  n.write({Put::put("max_order", 2.5), Put::put("max_open", 3)});
  CHECK(told == std::vector<Limits>{{2.5, 3, "none"}});
  CHECK_FALSE(bound.meta().present);
  n.write({Put::put("venue", std::string("okx")), Put::put("max_open", std::string("many"))});
  CHECK(bound.get() == Limits{2.5, 3, "okx"});  // the one of another type keeps its former value
  CHECK(bound.meta().present);
  CHECK(bound.meta().rev == Revision(20));
  CHECK(bound.meta().refused == Revision(20));
  CHECK(n.bindings.mismatches() == 1);
  n.write({Put::gone("max_order"), Put::put("max_open", 4)});
  CHECK(bound.get() == Limits{10, 4, "okx"});
  CHECK(bound.with([](const Limits& now) { return now.venue.size(); }) == 3);
}

TEST_CASE("what cannot be bound is refused with the field that is wrong") {
  BoundNamespace n;
  const auto refused = [&](std::string ns, std::string key) {
    const auto bound = n.bind_fields<int>(ns, {whole<int>(key)}, 0);
    REQUIRE_FALSE(bound);
    CHECK(bound.error().code == ErrorCode::invalid_argument);
    return *bound.error().field;
  };
  CHECK(refused("elsewhere", "k") == "ns");
  CHECK(refused("n.below", "k") == "ns");
  CHECK(refused("n..", "k") == "ns");
  CHECK(refused("n", "") == "key");
  CHECK_FALSE(n.bind_fields<int>("n", {}, 0));
  CHECK(n.bind_fields<int>("tree.below", {whole<int>("k")}, 0));
}

TEST_CASE("a handle outlives the subscriber's parts and keeps what it had") {
  std::optional<Handle<std::string>> venue;
  std::optional<Handle<int>> tick;
  {
    BoundNamespace n;
    venue.emplace(n.bind("venue", std::string("none")));
    tick.emplace(n.bind("tick", 1));
    n.write({Put::put("venue", std::string("a venue with a name that is not short")), Put::put("tick", 2)});
    n.state(NamespaceState::stale);
  }
  CHECK(venue->get() == "a venue with a name that is not short");
  CHECK(tick->get() == 2);
  CHECK(tick->state() == NamespaceState::stale);
  const auto copy = *venue;
  venue.reset();
  CHECK(copy.with([](const std::string& name) { return name.size(); }) == 37);
}

TEST_CASE("handles that nobody holds any more are forgotten, so that binding again and again stays bounded") {
  BoundNamespace n;
  int told = 0;
  const Handle<int> kept = n.bind("k", 0, [&](int, int) { ++told; });
  for (int i = 0; i < 10'000; ++i) {
    (void)n.bind("k", 0, [&](int, int) { told += 1000; });
    n.step({});
  }
  CHECK(n.bindings.held() <= 2048);
  n.write({Put::put("k", 1)});
  CHECK(told == 1);
}

TEST_CASE("when the last copy of a handle is gone its hook does not run, and what the hook owns is let go") {
  BoundNamespace n;
  const auto owned = std::make_shared<int>(0);
  std::optional<Handle<int>> a, b;
  // Whichever is told first lets the other go.
  a.emplace(n.bind("k", 0, [&, owned](int, int) {
    ++*owned;
    b.reset();
  }));
  b.emplace(n.bind("k", 0, [&, owned](int, int) {
    ++*owned;
    a.reset();
  }));
  auto copy = *a;
  CHECK(owned.use_count() == 3);
  a.reset();
  CHECK(owned.use_count() == 3);  // a copy lives
  a.emplace(std::move(copy));
  n.write({Put::put("k", 1)});
  CHECK(*owned == 1);
  CHECK(owned.use_count() == 2);
  n.write({Put::put("k", 2)});
  CHECK(*owned == 2);
}

TEST_CASE("a hook may let its own handle go: it is the last time it runs") {
  BoundNamespace n;
  const auto owned = std::make_shared<int>(0);
  std::optional<Handle<int>> a;
  a.emplace(n.bind("k", 0, [&, owned](int, int) {
    a.reset();
    ++*owned;  // it lives until it returns
  }));
  n.write({Put::put("k", 1)});
  CHECK(*owned == 1);
  CHECK(owned.use_count() == 1);
  n.write({Put::put("k", 2)});
  CHECK(*owned == 1);
}

TEST_CASE("a handle keeps what it had while its namespace is refused as too old, then has the newest") {
  BoundNamespace n;
  std::vector<int> told;
  const Handle<int> before = n.bind("k", 0, [&](int, int after) { told.push_back(after); });
  n.write({Put::put("k", 1)});
  n.refuse(true);
  const Handle<int> meanwhile = n.bind("k", 7, [&](int, int after) { told.push_back(-after); });
  n.step({});
  CHECK(before.get() == 1);
  CHECK(meanwhile.get() == 7);
  CHECK_FALSE(meanwhile.meta().present);
  n.write({Put::put("k", 2)});
  CHECK(before.get() == 1);
  CHECK(meanwhile.get() == 7);
  CHECK(told == std::vector<int>{1});
  n.refuse(false);
  CHECK(before.get() == 2);
  CHECK(meanwhile.get() == 2);
  std::sort(told.begin(), told.end());
  CHECK(told == std::vector<int>{-2, 1, 2});
  n.refuse(true);  // nothing was missed meanwhile: nothing is told
  n.refuse(false);
  CHECK(told.size() == 3);
}

TEST_CASE("what a handle replaced is freed when no reader looks at it") {
  BoundNamespace n;
  const Handle<std::string> venue = n.bind("venue", std::string("none"));
  n.write({Put::put("venue", std::string("a"))});
  CHECK(n.bindings.memory()->waiting() == 0);
  const bool kept = venue.with([&](const std::string& now) {
    n.write({Put::put("venue", std::string("b"))});
    n.write({Put::put("venue", std::string("c"))});
    CHECK(now == "a");
    CHECK(venue.get() == "c");
    return n.bindings.memory()->waiting() == 2;
  });
  CHECK(kept);
  n.step({});
  CHECK(n.bindings.memory()->waiting() == 0);
}

TEST_CASE("through the machine: a handle joins, follows, falls stale and survives another history (I5)") {
  SyncRecorder r({"a"});
  Bindings bindings(*FollowSet::make({"a"}, {}), r.store, nullptr, {});
  r.shown = [&](const SyncUpdate& update) { bindings.refresh(update.events); };
  auto cell = std::make_shared<ValueCell<int>>("a", std::vector<Field<int>>{whole<int>("k")}, -1,
                                               OnChange<int>(), bindings.memory());
  REQUIRE(bindings.attach(cell));
  const Handle<int> k(cell);
  CHECK(k.get() == -1);
  r.join_live(5, 50);
  CHECK(k.get() == '5');  // its one byte is a number
  CHECK(k.state() == NamespaceState::live);
  r.set(6, 60);
  CHECK(k.get() == '6');
  r.set(8, 80);  // a gap: nothing is shown
  r.pass(std::chrono::milliseconds(100));
  CHECK(k.get() == '6');
  CHECK(k.state() == NamespaceState::catching_up);
  r.sync.on_lost(fail(ErrorCode::unavailable, "gone").value(), r.now);
  r.take();
  CHECK(k.state() == NamespaceState::stale);
  CHECK(k.get() == '6');
  r.shown = nullptr;
}
