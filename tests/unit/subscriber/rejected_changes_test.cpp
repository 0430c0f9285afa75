// What readers see when a validator refuses: transactions stay whole, the replica stays the broker's (I5
// I11).
#include "subscriber/sync/rejected_changes.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "subscriber/view/shown_entries.hpp"
#include "tests/unit/subscriber/judged_namespace.hpp"

using namespace prismbus;
using Text = JudgedNamespace::Text;

TEST_CASE("a refused change leaves readers the entry as it was, and the replica is the broker's") {
  JudgedNamespace n;
  n.set({{"a", "1"}, {"b", "1"}});
  const std::uint64_t hash_before = n.replica.hash;
  CHECK(n.set({{"a", "bad"}}).told == std::vector<RejectedChange>{{"a", Seq(2), "bad is bad"}});
  CHECK(n.shown() == Text{{"a", "1"}, {"b", "1"}});
  CHECK(n.content() == Text{{"a", "bad"}, {"b", "1"}});
  CHECK(n.replica.hash != hash_before);
  CHECK(n.find("a")->rev == Revision(10));
  n.set({{"b", "2"}});  // what does not touch it goes on
  CHECK(n.shown() == Text{{"a", "1"}, {"b", "2"}});
  n.set({{"a", "3"}});
  CHECK(n.shown() == n.content());
  CHECK(n.rejected.standing() == nullptr);
  CHECK(n.rejected.kept().size() == 0);
}

TEST_CASE("without an entry before it the key stays absent; a deleted one stays shown") {
  JudgedNamespace n;
  n.set({{"a", "bad"}});
  CHECK(n.shown().empty());
  n.set({{"keep", "1"}});
  n.set({{"keep", ""}});
  CHECK(n.shown() == Text{{"keep", "1"}});
  CHECK(n.content() == Text{{"a", "bad"}});
  CHECK(n.rejected.standing()->size() == 2);
  n.set({{"a", ""}});  // came and went unseen: nobody is asked, nothing is kept back
  CHECK(n.rejected.standing()->size() == 1);
  CHECK(n.asked.back() == "keep");
}

TEST_CASE("one refused key keeps back its whole set, and every later set that touches it (I11)") {
  JudgedNamespace n;
  n.set({{"a", "0"}, {"b", "0"}, {"c", "0"}, {"d", "0"}});
  n.set({{"a", "1"}, {"b", "bad"}});
  CHECK(n.shown() == Text{{"a", "0"}, {"b", "0"}, {"c", "0"}, {"d", "0"}});
  const auto judged = n.set({{"a", "2"}, {"c", "2"}});
  CHECK(judged.told == std::vector<RejectedChange>{{"a", Seq(3), "kept back with b of seq 2: bad is bad"}});
  CHECK(judged.refused == 0);
  n.set({{"d", "3"}});
  CHECK(n.shown() == Text{{"a", "0"}, {"b", "0"}, {"c", "0"}, {"d", "3"}});
  n.events.clear();
  n.set({{"b", "4"}});  // in one step, told with this set
  CHECK(n.shown() == Text{{"a", "2"}, {"b", "4"}, {"c", "2"}, {"d", "3"}});
  CHECK(n.events == std::vector<std::string>{"a 0 -> 2 readers", "b 0 -> 4 all", "c 0 -> 2 readers"});
}

TEST_CASE("a set that touches two groups makes them one") {
  JudgedNamespace n;
  n.set({{"a", "bad"}, {"x", "1"}});
  n.set({{"b", "bad"}, {"y", "1"}});
  n.set({{"x", "2"}, {"y", "2"}});
  n.set({{"a", "1"}});
  CHECK(n.shown().empty());
  n.set({{"b", "1"}});
  CHECK(n.shown() == n.content());
}

TEST_CASE("a snapshot is judged anew: what one transaction wrote last is kept back together") {
  JudgedNamespace n;
  n.set({{"a", "1"}, {"b", "1"}, {"c", "1"}});
  n.set({{"a", "2"}, {"b", "bad"}});
  n.snapshot({{"a", {"2", 20}}, {"b", {"bad", 20}}, {"c", {"3", 30}}, {"d", {"bad", 31}}, {"e", {"5", 31}}});
  CHECK(n.shown() == Text{{"a", "1"}, {"b", "1"}, {"c", "3"}});
  CHECK(n.rejected.standing()->size() == 2);
  CHECK(n.rejected.standing()->front().seq == n.replica.seq);
  n.snapshot({{"a", {"2", 20}}, {"b", {"7", 40}}, {"c", {"3", 30}}});
  CHECK(n.shown() == n.content());
}

TEST_CASE("keys kept back together stay so over a snapshot") {
  JudgedNamespace n;
  n.set({{"a", "0"}, {"b", "0"}});
  n.set({{"a", "1"}, {"b", "bad"}});
  n.set({{"a", "2"}});
  n.snapshot({{"a", {"2", 30}}, {"b", {"bad", 20}}});
  CHECK(n.shown() == Text{{"a", "0"}, {"b", "0"}});
}

TEST_CASE("only so many keys of a set are told") {
  JudgedNamespace n;
  JudgedNamespace::Changes many;
  for (int i = 0; i < 100; ++i) many["k" + std::to_string(i)] = "bad";
  const auto judged = n.set(many);
  CHECK(judged.refused == 100);
  CHECK(judged.told.size() == kRejectedTold);
  CHECK(n.rejected.standing()->size() == kRejectedTold);
}

TEST_CASE("shown entries are walked in the order of the trie, from anywhere, each once") {
  JudgedNamespace n;
  JudgedNamespace::Changes many;
  for (int i = 0; i < 300; ++i) many["k" + std::to_string(i)] = "1";
  n.set(many);
  for (int i = 0; i < 300; i += 3) n.set({{"k" + std::to_string(i), "bad"}});
  for (int i = 0; i < 60; ++i) n.set({{"new" + std::to_string(i), "bad"}});
  const ShownEntries entries = n.entries();
  CHECK(entries.size() == 300);
  std::vector<std::uint64_t> hashes;
  entries.visit_after(nullptr, [&](const EntryLeaf& e) {
    CHECK(e.value() == "1");
    hashes.push_back(e.hash);
    return true;
  });
  REQUIRE(hashes.size() == 300);
  for (std::size_t i = 1; i < hashes.size(); ++i) {
    REQUIRE(Hamt<EntryLeaf>::comes_before(hashes[i - 1], hashes[i]));
    std::uint64_t next = 0;
    entries.visit_after(&hashes[i - 1], [&](const EntryLeaf& e) {
      next = e.hash;
      return false;
    });
    REQUIRE(next == hashes[i]);
  }
}

// Against a reference of maps: groups are sets of keys, searched one by one.
TEST_CASE("readers see what the rules say, whatever is written (I11)") {
  const std::uint64_t seed = GENERATE(range(1, 60));
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  JudgedNamespace n;
  Text truth, shown;
  std::map<std::string, int> group;        // kept back -> its group
  std::map<std::string, bool> refused_of;  // kept back -> refused itself
  int last_group = 0;
  for (int step = 0; step < 200; ++step) {
    JudgedNamespace::Changes changes;
    for (std::uint64_t i = 1 + random() % 4; i > 0; --i) {
      const std::string key = "k" + std::to_string(random() % 12);
      const std::uint64_t kind = random() % 10;
      changes[key] = kind < 2 ? "bad" : kind < 4 ? "" : std::to_string(step);
    }
    std::erase_if(changes, [&](const auto& c) { return c.second.empty() && !truth.contains(c.first); });
    if (changes.empty()) continue;
    const int fresh = ++last_group;
    for (const auto& [key, value] : changes) {
      if (group.contains(key)) {
        const int former = group[key];
        for (auto& [other, g] : group) g = g == former ? fresh : g;
      }
      value.empty() ? void(truth.erase(key)) : void(truth[key] = value);
    }
    for (const auto& [key, value] : changes) {
      group[key] = fresh;
      refused_of[key] = value == "bad";
    }
    bool any = false;
    for (const auto& [key, g] : group) any = any || (g == fresh && refused_of[key]);
    if (!any) {
      for (auto at = group.begin(); at != group.end();) {
        if (at->second != fresh) {
          ++at;
          continue;
        }
        truth.contains(at->first) ? void(shown[at->first] = truth[at->first]) : void(shown.erase(at->first));
        at = group.erase(at);
      }
    }
    n.set(changes);
    REQUIRE(n.content() == truth);
    REQUIRE(n.shown() == shown);
    REQUIRE(n.told == shown);     // events add up to what readers see ...
    REQUIRE(n.written == truth);  // ... and to what a cache keeps
    REQUIRE(n.entries().size() == shown.size());
    REQUIRE(n.rejected.kept().size() == group.size());
  }
}
