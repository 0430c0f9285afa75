// Replay against a broker inside the test: the picture at one moment and the sets up to another rebuild the
// other exactly (I5), for random histories, by revision and by time, of a namespace and of a subtree.
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <random>

#include "subscriber/replay.hpp"
#include "tests/integration/client_libraries/in_process.hpp"

using namespace prismbus;
using namespace prismbus::test;
using namespace std::chrono_literals;

namespace {

using Name = ReplayedState::Name;
// What every revision left behind, from the writer's own answers; index = revision.
using Pictures = std::vector<std::map<Name, Revision>>;

// Transactions over a few keys of three namespaces, two of them a subtree.
Pictures write_history(Publisher& publisher, std::mt19937_64& random, std::size_t transactions) {
  Pictures pictures(1);
  const std::vector<std::string> names{"fees", "fees.spot", "limits"};
  while (pictures.size() <= transactions) {
    std::map<Name, Revision> next = pictures.back();
    std::map<Name, bool> touched;  // -> is a put
    Transaction transaction;
    for (std::size_t i = random() % 4 + 1; i > 0; --i) {
      const Name name{names[random() % names.size()], "k" + std::to_string(random() % 6)};
      if (touched.contains(name)) continue;
      const bool put = !next.contains(name) || random() % 3 != 0;
      touched.emplace(name, put);
      if (put) {
        transaction.put(name.first, name.second, static_cast<std::uint64_t>(random()));
      } else {
        transaction.remove(name.first, name.second);
      }
    }
    const auto done = publisher.commit(std::move(transaction)).get();
    REQUIRE(done);
    REQUIRE(done->rev == Revision(pictures.size()));
    for (const auto& [name, put] : touched) {
      put ? void(next[name] = done->rev) : void(next.erase(name));
    }
    pictures.push_back(std::move(next));
  }
  return pictures;
}

std::map<Name, Revision> revisions_of(const ReplayedState& state) {
  std::map<Name, Revision> revisions;
  for (const auto& [name, entry] : state.entries()) revisions.emplace(name, entry.rev);
  return revisions;
}

std::map<Name, Revision> of(const std::map<Name, Revision>& picture, const ReplayOptions& options) {
  std::map<Name, Revision> chosen;
  for (const auto& [name, rev] : picture) {
    const bool below = options.subtree && name.first.starts_with(options.ns + ".");
    if (name.first == options.ns || below) chosen.emplace(name, rev);
  }
  return chosen;
}

// Replays and gives the state at the end; counts the sets.
ReplayedState replayed(const ReplayOptions& options, std::size_t& sets) {
  auto replay = Replay::open(options);
  REQUIRE(replay);
  ReplayedState state;
  REQUIRE((*replay)->picture([&](const Entry& entry) { state.put(entry); }));
  for (;;) {
    auto set = (*replay)->next();
    REQUIRE(set);
    if (!*set) return state;
    CHECK((*set)->set.rev > (*replay)->from());
    CHECK((*set)->set.rev <= (*replay)->to());
    state.apply(**set);
    ++sets;
  }
}

}  // namespace

TEST_CASE("a picture and what is replayed after it rebuild any moment exactly (I5)") {
  const char* given = std::getenv("PRISMBUS_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  const Pictures pictures = write_history(*publisher, random, 300);
  ReplayOptions options;
  options.brokers = {broker->requests()};
  for (int i = 0; i < 40; ++i) {
    const std::uint64_t a = random() % pictures.size(), b = random() % pictures.size();
    options.ns = random() % 2 == 0 ? "fees" : "limits";
    options.subtree = random() % 2 == 0;
    options.from = Revision(std::min(a, b));
    options.to = Revision(std::max(a, b));
    INFO(options.ns << (options.subtree ? " and below" : "") << " from " << std::min(a, b) << " to "
                    << std::max(a, b));
    std::size_t sets = 0;
    const ReplayedState state = replayed(options, sets);
    CHECK(revisions_of(state) == of(pictures[std::max(a, b)], options));
    // Values, versions and authors too: the broker's own answer at that revision.
    ReplayOptions there = options;
    there.from = there.to.value();
    std::size_t none = 0;
    CHECK(replayed(there, none).entries() == state.entries());
    CHECK(none == 0);
  }
}

TEST_CASE("moments may be times, and the end is fixed when a replay begins") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  std::mt19937_64 random(7);
  const Pictures pictures = write_history(*publisher, random, 50);
  ReplayOptions options;
  options.brokers = {broker->requests()};
  options.ns = "fees";
  options.subtree = true;
  std::vector<Wall> times(pictures.size());
  {
    auto all = Replay::open(options).value();
    for (auto set = all->next().value(); set; set = all->next().value())
      times[set->set.rev.value()] = set->set.time;
  }
  for (std::uint64_t rev = 1; rev < pictures.size(); ++rev) {
    if (times[rev] == Wall{}) continue;
    options.to = times[rev];
    auto replay = Replay::open(options).value();
    CHECK(replay->to() >= Revision(rev));
    std::uint64_t after = rev + 1;
    while (after < times.size() && times[after] == Wall{}) ++after;
    if (after < times.size() && times[after] > times[rev]) CHECK(replay->to() < Revision(after));
  }
  options.to.reset();
  auto open_end = Replay::open(options).value();
  REQUIRE(publisher->put("fees", "later", 1).get());
  for (auto set = open_end->next().value(); set; set = open_end->next().value()) {
    CHECK(set->set.rev <= Revision(50));
  }
}

TEST_CASE("a replay that cannot be is refused with the reason") {
  auto broker = testing::Broker::start().value();
  auto publisher = publisher_of(*broker);
  REQUIRE(publisher->put("fees", "a", 1).get());
  REQUIRE(publisher->put("fees", "a", 2).get());
  ReplayOptions options;
  options.brokers = {broker->requests()};
  options.ns = "fees";
  options.from = Revision(2);
  options.to = Revision(1);
  const auto backwards = Replay::open(options);
  REQUIRE_FALSE(backwards);
  CHECK(backwards.error().code == ErrorCode::invalid_argument);
  CHECK(backwards.error().field == "from");
  options.ns = "no/such";
  CHECK(Replay::open(options).error().field == "ns");
  options.ns = "fees";
  options.timeout = std::chrono::milliseconds::max();
  const auto endless = Replay::open(options);
  REQUIRE_FALSE(endless);
  CHECK(endless.error().field == "timeout");
  options.timeout = kDurationMax;
  options.from = Revision(1);
  options.to.reset();
  auto replay = Replay::open(options).value();
  REQUIRE(broker->start_over());
  const auto cut = replay->next();
  REQUIRE_FALSE(cut);
  CHECK(cut.error().code == ErrorCode::other_history);
  options.brokers = {"tcp://127.0.0.1:1"};
  options.timeout = 200ms;
  CHECK(Replay::open(options).error().code == ErrorCode::unavailable);
}

TEST_CASE("in step with a clock a replay waits as long as lay between the writes, divided by the speed") {
  Steady now{};
  std::vector<Steady> woken;
  ReplayPace pace(
      10, [&] { return now; }, [&](Steady until) { woken.push_back(now = until); });
  for (const int seconds : {100, 101, 101, 111}) {
    ReplayedSet set;
    set.set.time = Wall(std::chrono::seconds(seconds));
    pace.await(set);
  }
  CHECK(woken == std::vector<Steady>{Steady{}, Steady(100ms), Steady(100ms), Steady(1100ms)});
}
