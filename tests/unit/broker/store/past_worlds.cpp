#include "tests/unit/broker/store/past_worlds.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace prismbus::test {
namespace {

void require_same(const EntryView& entry, const SampleEntry& wanted) {
  REQUIRE(entry.value == wanted.value);
  REQUIRE(entry.rev.value() == wanted.rev);
  REQUIRE(entry.created.value() == wanted.created);
  REQUIRE(entry.version == wanted.version);
  REQUIRE(to_micros(entry.time) == wanted.time);
  REQUIRE(entry.by == wanted.by);
}

void require_same(const KeyVersionView& version, const StoredTransaction& txn, const StoredChange& change) {
  REQUIRE(version.rev == txn.rev);
  REQUIRE(version.op == change.op);
  REQUIRE(version.value == change.value);
  REQUIRE(version.version == change.version);
  REQUIRE(version.time == txn.time);
  REQUIRE(version.by == txn.by);
  REQUIRE(version.note.has_value() == txn.note.has_value());
  if (txn.note) REQUIRE(*version.note == *txn.note);
  REQUIRE((version.req != nullptr) == txn.req.has_value());
  if (txn.req) REQUIRE(*version.req == *txn.req);
}

template <class T>
void require_compacted(const Result<T>& answer, Revision floor) {
  REQUIRE_FALSE(answer);
  REQUIRE(answer.error().code == ErrorCode::compacted);
  REQUIRE(answer.error().floor == floor.value());
}

}  // namespace

void PastWorlds::add(const SampleWorld& world, const TransactionPtr& txn) {
  REQUIRE(txn->rev.value() == worlds_.size());
  worlds_.push_back(world);
  times_.push_back(to_micros(txn->time));
  for (const auto& set : txn->sets) {
    for (const StoredChange& change : set->changes)
      versions_[{set->ns, std::string(change.key)}].push_back({txn, &change});
  }
}

void PastWorlds::require_past_equals(const ReadView& view) const {
  REQUIRE(view.rev().value() < worlds_.size());
  const std::uint64_t floor = view.floor().value();
  for (std::uint64_t at = floor; at <= view.rev().value(); ++at) require_as_of(view, at);
  if (floor > 0) {
    const auto nothing = [](std::string_view, std::string_view, const EntryView*) { return true; };
    require_compacted(view.find_at(Revision(floor - 1), "a", "key/1"), view.floor());
    require_compacted(view.scan_at(Revision(floor - 1), "", "", nothing), view.floor());
  }
  REQUIRE(view.find_at(view.rev().next(), "a", "key/1").error().code == ErrorCode::not_found);
  require_versions(view);
  require_times(view);
}

void PastWorlds::require_as_of(const ReadView& view, std::uint64_t at) const {
  INFO("at " << at);
  const SampleWorld& world = worlds_[at];
  for (const auto& [name, written] : versions_) {
    const auto ns = world.find(name.first);
    const auto found = view.find_at(Revision(at), name.first, name.second);
    REQUIRE(found);
    const bool there = ns != world.end() && ns->second.entries.contains(name.second);
    REQUIRE(found->has_value() == there);
    if (there) require_same(**found, ns->second.entries.at(name.second));
  }
  std::vector<Name> scanned, expected;
  REQUIRE(view.scan_at(Revision(at), "a", "key/3",
                       [&](std::string_view ns, std::string_view key, const EntryView* entry) {
                         if (entry == nullptr) return true;
                         scanned.emplace_back(ns, key);
                         require_same(*entry, world.at(std::string(ns)).entries.at(std::string(key)));
                         return true;
                       }));
  for (const auto& [ns, held] : world) {
    for (const auto& [key, entry] : held.entries) {
      if (Name{ns, key} >= Name{"a", "key/3"}) expected.emplace_back(ns, key);
    }
  }
  REQUIRE(scanned == expected);
}

// Whole, and from a middle on; the newest version at or below the floor is the last one told.
void PastWorlds::require_versions(const ReadView& view) const {
  for (const auto& [name, versions] : versions_) {
    const auto told = [&, &key = name, &written = versions](Revision before) {
      auto at = std::find_if(written.rbegin(), written.rend(), [&](const Written& w) {
        return w.txn->rev <= view.rev() && (before == Revision(0) || w.txn->rev < before);
      });
      std::size_t count = 0;
      bool ended = false;
      REQUIRE(view.versions(key.first, key.second, before, [&](const KeyVersionView& version) {
        REQUIRE_FALSE(ended);
        REQUIRE(at != written.rend());
        require_same(version, *at->txn, *at->change);
        ended = at->txn->rev <= view.floor();
        ++at;
        ++count;
        return true;
      }));
      // What is left untold is at or below the floor.
      REQUIRE((at == written.rend() || at->txn->rev <= view.floor()));
      return count;
    };
    const std::size_t all = told(Revision(0));
    const Revision middle = versions[versions.size() / 2].txn->rev;
    REQUIRE(told(middle) <= all);
    std::size_t calls = 0;
    REQUIRE(view.versions(name.first, name.second, Revision(0), [&](const KeyVersionView&) {
      ++calls;
      return false;
    }));
    REQUIRE(calls == std::min<std::size_t>(all, 1));
  }
}

void PastWorlds::require_change_sets(const ReadView& view, SampleHistory& history) const {
  for (const auto& [ns, held] : worlds_.back()) {
    const auto& sets = history.sets(ns);
    std::uint64_t smallest_since = held.seq;
    for (std::uint64_t seq = held.seq; seq > 0; --seq) {
      const auto set = view.change_set(ns, Seq(seq));
      if (set) {
        REQUIRE(smallest_since == seq);
        REQUIRE(*set == sets[seq - 1]);
        smallest_since = seq - 1;
      } else {
        REQUIRE(set.error().code == ErrorCode::compacted);
        REQUIRE(set.error().floor == smallest_since);
      }
    }
    for (std::uint64_t rev = view.floor().value() + 1; rev <= view.rev().value(); ++rev) {
      const auto txn = view.transaction(Revision(rev));
      REQUIRE(txn);
      REQUIRE((*txn)->rev == Revision(rev));
      for (const auto& set : (*txn)->sets) REQUIRE((set->ns != ns || set->seq > Seq(smallest_since)));
    }
  }
}

void PastWorlds::require_times(const ReadView& view) const {
  std::set<std::uint64_t> asked{0, UINT64_MAX};
  for (std::uint64_t rev = 1; rev <= view.rev().value(); ++rev) {
    for (const std::uint64_t time : {times_[rev] - 1, times_[rev], times_[rev] + 1}) asked.insert(time);
  }
  for (const std::uint64_t time : asked) {
    std::uint64_t wanted = 0;
    for (std::uint64_t rev = 1; rev <= view.rev().value() && times_[rev] <= time; ++rev) wanted = rev;
    const auto got = view.revision_at(time);
    if (wanted < view.floor().value()) {
      require_compacted(got, view.floor());
    } else {
      REQUIRE(got);
      REQUIRE(got->value() == wanted);
    }
  }
}

}  // namespace prismbus::test
