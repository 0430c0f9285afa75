#include "tests/model/past.hpp"

#include <algorithm>

#include "broker/store/read_view.hpp"
#include "tests/model/writes.hpp"

namespace prismbus::model {
namespace {

void check_scan(const World& world, const ReadView& view, Revision at) {
  const auto expected =
      world.model.entries(at.value(), [](const std::string&, const std::string&) { return true; });
  std::size_t given = 0;
  const auto scanned =
      view.scan_at(at, "", "", [&](std::string_view ns, std::string_view key, const EntryView* entry) {
        if (entry == nullptr) return true;
        demand(given < expected.size(), "an as-of scan holds nothing that was not there");
        const LiveEntry& wanted = expected[given++];
        demand(ns == wanted.ns && key == wanted.key, "an as-of scan goes in (ns, key) order");
        demand(entry->value == wanted.version->value && entry->rev.value() == wanted.version->rev &&
                   entry->created.value() == wanted.version->created &&
                   entry->version == wanted.version->version &&
                   to_micros(entry->time) == wanted.version->time,
               "an as-of scan tells what was");
        return true;
      });
  demand(scanned.has_value(), "what is at or above the floor can be read");
  demand(given == expected.size(), "an as-of scan leaves nothing out");
}

void check_key(World& world, const ReadView& view, Revision at) {
  const std::string ns = random_namespace(world), key = random_key(world);
  const auto found = view.find_at(at, ns, key);
  demand(found.has_value(), "what is at or above the floor can be read");
  const Version* wanted = world.model.find(ns, key, at.value());
  demand(found->has_value() == (wanted != nullptr), "an as-of read finds what was there, and nothing else");
  if (wanted != nullptr) demand((*found)->value == wanted->value, "an as-of read gives what was");
}

std::uint64_t time_of(const World& world, std::uint64_t rev) {
  const auto& [ns, seq] = *world.model.outcome(rev).seqs.begin();
  return world.model.set(ns, seq)->time;
}

// By the time of a revision above the floor, and by the moment before the floor's own.
void check_times(const World& world, const ReadView& view, std::uint64_t floor, std::uint64_t at,
                 std::uint64_t folded) {
  if (floor > 0) {
    const auto reached = view.revision_at(time_of(world, floor));
    demand(reached.has_value() && reached->value() >= floor, "the floor's own time leads to the floor");
    const auto before = view.revision_at(time_of(world, floor) - 1);
    demand(!before && before.error().code == ErrorCode::compacted && before.error().floor == floor,
           "a time before the floor's is compacted");
  }
  if (at <= floor) return;
  const std::uint64_t time = time_of(world, at);
  while (at < folded && time_of(world, at + 1) == time) ++at;
  const auto reached = view.revision_at(time);
  demand(reached.has_value() && reached->value() == at,
         "a time leads to the last revision that is not later");
}

}  // namespace

void check_past(World& world) {
  const Store& store = world.broker->store;
  if (store.journal.env()->poisoned() || store.state.env()->poisoned()) return;
  const Revision folded = store.state.meta().folded;
  if (folded.value() > world.model.last()) return;  // not yet told after a crash
  Recent nothing(folded);
  StateReader state(store.state);
  JournalReader journal(store.journal);
  const ReadView view(nothing.snapshot(), state, journal);
  const std::uint64_t floor = view.floor().value();
  demand(store.journal.meta().floor <= store.state.meta().floor,
         "the journal is not trimmed above the floor");
  demand(floor == 0 || world.may_be_gone(floor), "retention keeps what it promised");
  if (floor > 0) {
    const auto below = view.find_at(Revision(world.pick(floor)), random_namespace(world), random_key(world));
    demand(!below && below.error().code == ErrorCode::compacted && below.error().floor == floor,
           "below the floor everything is compacted");
  }
  check_scan(world, view, Revision(floor));
  for (int i = 0; i < 3; ++i) {
    const Revision at(floor + world.pick(folded.value() - floor + 1));
    check_key(world, view, at);
    check_times(world, view, floor, at.value(), folded.value());
    if (i == 0) check_scan(world, view, at);
  }
}

}  // namespace prismbus::model
