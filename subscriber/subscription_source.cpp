#include "subscriber/subscription_source.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "proto/base/hash.hpp"
#include "subscriber/shown_entries.hpp"

namespace prismbus {
namespace {

using Kind = SubscriptionEvent::Kind;
using Trie = Hamt<EntryLeaf>;

constexpr std::size_t kVisitsMax =
    4096;  // keys read in a step, so that reading a large state delays no frame long

}  // namespace

void SubscriptionSource::begin(const ViewRoot& before) {
  if (delivery_->subscription().initial) owe_state(before, false);
}

void SubscriptionSource::begin_step(const ViewRoot& before) {
  skip_rest_ = false;
  if (delivery_->take_restart()) owe_state(before, true);
}

void SubscriptionSource::owe_state(const ViewRoot& root, bool resync) {
  readings_.clear();
  root.namespaces.for_each([&](const NamespaceLeaf& leaf) {
    if (!leaf.shown || !delivery_->filter().covers_namespace(*leaf.name)) return;
    readings_[*leaf.name].resync = resync;
  });
}

std::optional<Kind> SubscriptionSource::kind_of(const std::optional<ValueView>& before,
                                                const std::optional<ValueView>& after) {
  std::string what = "not a std::exception";
  try {
    return delivery_->filter().kind_of(before, after);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // the application's own type: nothing of it may cross the thread
  }
  delivery_->count_exception(what);
  return std::nullopt;
}

// ---- events ----

void SubscriptionSource::offer(std::span<const SyncEvent> events, bool first, const ViewRoot& now) {
  const std::string& ns = *events.front().ns;
  if (!delivery_->filter().covers_namespace(ns)) return;
  if (first && !skip_rest_ && !readings_.contains(ns) && !delivery_->fits(events.size())) readings_[ns];
  for (const SyncEvent& event : events) {
    if (event.kind == SyncEvent::Kind::key) {
      if (!skip_rest_ && event.change.reach != Reach::replica) offer_key(event, now);
      continue;
    }
    SubscriptionEvent told;
    told.ns = ns;
    if (event.why) told.why = *event.why;
    if (event.kind == SyncEvent::Kind::state) {
      told.kind = Kind::state_changed;
      told.state_before = event.before;
      told.state_after = event.after;
      offer_event(told, now);
    } else if (event.kind == SyncEvent::Kind::stale) {
      told.kind = Kind::grew_stale;
      told.age = event.age;
      told.refused = event.refused;
      offer_event(told, now);
    } else if (!skip_rest_ && !readings_.contains(ns)) {
      told.kind = Kind::namespace_changed;
      told.seq = event.set->seq;
      told.rev = event.set->rev;
      told.time = event.set->time;
      told.by = event.set->by;
      told.changes = event.changes;
      told.resync = event.resync;
      offer_event(told, now);
    }
  }
}

void SubscriptionSource::offer_key(const SyncEvent& event, const ViewRoot& now) {
  const KeyChange& change = event.change;
  const EntryLeaf& leaf = change.leaf();
  if (!readings_.empty()) {
    const auto found = readings_.find(*event.ns);
    if (found != readings_.end()) {
      const auto& after = found->second.after;
      if (!after || Trie::comes_before(*after, leaf.hash)) return;  // S2
    }
  }
  if (!delivery_->filter().covers_key(leaf.key())) return;
  SubscriptionEvent told;
  if (change.before != nullptr) told.before = change.before->view();
  if (change.after != nullptr) told.after = change.after->view();
  const auto kind = kind_of(told.before, told.after);
  if (!kind) return;
  told.kind = *kind;
  told.ns = *event.ns;
  told.key = leaf.key();
  told.seq = event.set->seq;
  told.rev = event.set->rev;
  told.time = event.set->time;
  told.by = event.set->by;
  if (event.set->note) told.note = *event.set->note;
  told.resync = event.resync;
  offer_event(told, now);
}

void SubscriptionSource::offer_event(const SubscriptionEvent& event, const ViewRoot& now) {
  if (delivery_->offer(event)) return;
  owe_state(now, true);
  skip_rest_ = true;
}

// ---- the state ----

bool SubscriptionSource::read_state(const ViewRoot& now) {
  bool more = false;
  std::size_t visits = kVisitsMax;
  while (!readings_.empty() && delivery_->room_for_state(0)) {
    const auto first = readings_.begin();
    const NamespaceLeaf* leaf = now.namespaces.find(xxh3_64(first->first), first->first);
    if (leaf != nullptr && leaf->shown && !read(*leaf, first->second, visits, more)) break;
    readings_.erase(first);
  }
  return more;
}

bool SubscriptionSource::read(const NamespaceLeaf& ns, Reading& reading, std::size_t& visits, bool& more) {
  const std::optional<std::uint64_t> from = reading.after;
  bool ended = true;
  SubscriptionEvent told;
  told.ns = *ns.name;
  told.seq = ns.seq;
  told.rev = ns.rev;
  told.resync = reading.resync;
  ShownEntries(ns).visit_after(from ? &*from : nullptr, [&](const EntryLeaf& entry) {
    const bool in_a_row = reading.after == entry.hash;  // equal hashes are read in one go
    if (!in_a_row && visits == 0) {
      more = true;
      return ended = false;
    }
    visits -= visits > 0 ? 1 : 0;
    told.after = entry.view();
    if (delivery_->filter().covers_key(entry.key()) && kind_of(std::nullopt, told.after)) {
      told.key = entry.key();
      told.time = entry.time;
      if (!in_a_row && !delivery_->room_for_state(SubscriptionRecord::bytes_of(told))) return ended = false;
      delivery_->offer_state(told);
      ++reading.told;
    }
    reading.after = entry.hash;
    return true;
  });
  if (!ended) return false;
  told.kind = Kind::namespace_changed;
  told.key = {};
  told.after.reset();
  told.time = {};
  told.changes = reading.told;
  delivery_->offer_state(told);
  return true;
}

}  // namespace prismbus
