#include "subscriber/delivery/subscription_source.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "subscriber/view/shown_entries.hpp"

namespace prismbus {
namespace {

using Kind = SubscriptionEvent::Kind;
using Trie = Hamt<EntryLeaf>;

// Lends from `event`. Of a key whatever `where` makes of it: `kind` is to be found.
SubscriptionEvent event_of(const SyncEvent& event) {
  SubscriptionEvent out;
  out.ns = *event.ns;
  if (event.set) {
    out.seq = event.set->seq;
    out.rev = event.set->rev;
    out.time = event.set->time;
    out.by = event.set->by;
    out.resync = event.resync;
  }
  switch (event.kind) {
    case SyncEvent::Kind::key:
      out.key = event.change.leaf().key();
      if (event.change.before != nullptr) out.before = event.change.before->view();
      if (event.change.after != nullptr) out.after = event.change.after->view();
      if (event.set->note) out.note = *event.set->note;
      return out;
    case SyncEvent::Kind::moved:
      out.kind = Kind::namespace_changed;
      out.changes = event.changes;
      break;
    case SyncEvent::Kind::state:
      out.kind = Kind::state_changed;
      out.state_before = event.before;
      out.state_after = event.after;
      break;
    case SyncEvent::Kind::stale:
      out.kind = Kind::grew_stale;
      out.age = event.age;
      out.refused = event.refused;
      break;
  }
  if (event.why) out.why = *event.why;
  return out;
}

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
  if (first && !skip_rest_ && !readings_.contains(ns) && !fits(events)) readings_[ns];
  for (const SyncEvent& event : events) {
    if (event.kind == SyncEvent::Kind::key) {
      if (!skip_rest_ && event.change.reach != Reach::replica) offer_key(event, now);
      continue;
    }
    const bool of_content = event.kind == SyncEvent::Kind::moved;
    if (!of_content || (!skip_rest_ && !readings_.contains(ns))) offer_event(event_of(event), now);
  }
}

bool SubscriptionSource::fits(std::span<const SyncEvent> events) const {
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (const SyncEvent& event : events) {
    if (event.kind == SyncEvent::Kind::key && event.change.reach == Reach::replica) continue;
    bytes += SubscriptionRecord::bytes_of(event_of(event));
    ++count;
  }
  return delivery_->fits(count, bytes);
}

void SubscriptionSource::offer_key(const SyncEvent& event, const ViewRoot& now) {
  const EntryLeaf& leaf = event.change.leaf();
  if (!readings_.empty()) {
    const auto found = readings_.find(*event.ns);
    if (found != readings_.end()) {
      const auto& after = found->second.after;
      if (!after || Trie::comes_before(*after, leaf.hash)) return;  // S2
    }
  }
  if (!delivery_->filter().covers_key(leaf.key())) return;
  SubscriptionEvent told = event_of(event);
  const auto kind = kind_of(told.before, told.after);
  if (!kind) return;
  told.kind = *kind;
  offer_event(told, now);
}

void SubscriptionSource::offer_event(const SubscriptionEvent& event, const ViewRoot& now) {
  if (delivery_->offer(event)) return;
  owe_state(now, true);
  skip_rest_ = true;
}

// ---- the state ----

bool SubscriptionSource::read_state(const ViewRoot& now, std::size_t& visits) {
  bool more = false;
  for (auto it = readings_.begin(); it != readings_.end() && delivery_->room_for_state(0);) {
    const NamespaceLeaf* leaf = now.find(it->first);
    if (leaf != nullptr && leaf->shown) {
      if (leaf->refused) {  // S3
        ++it;
        continue;
      }
      if (!read(*leaf, it->second, visits, more)) break;
    }
    it = readings_.erase(it);
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
