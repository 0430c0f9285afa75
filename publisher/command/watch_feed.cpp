#include "publisher/command/watch_feed.hpp"

#include <utility>

namespace prismbus::command {

SubscriberCallbacks WatchFeed::callbacks() {
  SubscriberCallbacks c;
  c.added = [this](const ChangeEvent& e) { gather(WatchedChange::Kind::added, e); };
  c.changed = [this](const ChangeEvent& e) { gather(WatchedChange::Kind::changed, e); };
  c.deleted = [this](const ChangeEvent& e) { gather(WatchedChange::Kind::deleted, e); };
  c.namespace_changed = [this](const NamespaceEvent& e) { finish(e); };
  c.state_changed = [this](const StateEvent& e) {
    push(WatchedState{std::string(e.ns), e.after, std::string(e.why)});
  };
  return c;
}

std::vector<WatchedItem> WatchFeed::take() {
  waker_.clear();
  std::vector<WatchedItem> items;
  queue_.drain(items);
  return items;
}

void WatchFeed::gather(WatchedChange::Kind kind, const ChangeEvent& e) {
  if (gathered_.changes.empty()) {
    gathered_.by = e.by;
    gathered_.time = e.time;
    if (e.note) gathered_.note = std::string(*e.note);
  }
  WatchedChange change;
  change.kind = kind;
  change.key = e.key;
  if (e.before) change.before = e.before->bytes;
  if (e.after) {
    change.after = e.after->bytes;
    change.rev = e.after->rev;
    change.version = e.after->version;
    change.time = e.after->time;
  }
  gathered_.changes.push_back(std::move(change));
}

void WatchFeed::finish(const NamespaceEvent& e) {
  WatchedSet set = std::exchange(gathered_, {});
  set.ns = e.ns;
  set.seq = e.seq;
  set.rev = e.rev;
  set.resync = e.resync;
  set.why = e.why;
  push(std::move(set));
}

void WatchFeed::push(WatchedItem&& item) {
  if (!queue_.try_push(std::move(item))) dropped_.fetch_add(1);
}

}  // namespace prismbus::command
