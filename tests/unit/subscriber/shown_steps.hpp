// Makes what SyncState would hand over, step by step, without a broker: change sets, resyncs, namespaces that
// come and go. Publishes like the background thread and tells a SubscriptionSet.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/hash.hpp"
#include "subscriber/delivery/subscription_set.hpp"
#include "subscriber/view/view_store.hpp"

namespace prismbus {

class ShownSteps {
 public:
  using Changes = std::map<std::string, std::string>;  // key -> value (MessagePack), "" = deleted

  ~ShownSteps() {
    for (auto& [name, ns] : namespaces_) {
      if (!ns.shown) ns.copy.entries.retire(garbage_);
    }
    garbage_.release_all();
  }

  // The set after the last one of `ns`; a namespace that was not shown is shown from now on.
  void set(const std::string& ns, const Changes& changes) {
    Namespace& n = find(ns);
    ChangeSet set;
    set.seq = n.copy.seq.next();
    set.rev = Revision(++rev_);
    set.by = "somebody";
    for (const auto& [key, value] : changes) {
      Change change;
      change.op = value.empty() ? ChangeOp::del : ChangeOp::put;
      change.key = key;
      change.value = value;
      change.version = rev_;
      set.changes.push_back(std::move(change));
    }
    std::vector<KeyChange> told;
    n.copy.apply(set, garbage_, &told);
    n.shown = true;
    tell(n, told, false, set.by);
  }
  // The broker's content is `content` now, found by a snapshot; steps between were missed. Empty and `gone`:
  // it is not shown any more.
  void snapshot(const std::string& ns, const Changes& content, bool gone = false) {
    Namespace& n = find(ns);
    NamespaceCopy next;
    next.seq = Seq(n.copy.seq.value() + 3);
    next.rev = Revision(++rev_);
    for (const auto& [key, value] : content) {
      Entry entry;
      entry.ns = ns;
      entry.key = key;
      entry.value = value;
      entry.rev = next.rev;
      next.insert(entry, garbage_);
    }
    std::vector<KeyChange> told;
    find_differences(n.copy.entries, next.entries, told);
    n.copy.entries.retire(garbage_);
    n.copy = std::move(next);
    const bool again = std::exchange(n.shown, !gone);
    tell(n, told, again, {});
  }
  void state(const std::string& ns, NamespaceState before, NamespaceState after) {
    SyncEvent event;
    event.kind = SyncEvent::Kind::state;
    event.ns = find(ns).name;
    event.before = before;
    event.after = after;
    events_.push_back(std::move(event));
  }

  // Whether readers see nothing of it, as it is too old.
  void refuse(const std::string& ns, bool refused) { find(ns).refused = refused; }

  // One step of the background thread: what was said since the last one becomes visible, whole.
  bool step(SubscriptionSet& subscriptions) {
    auto* root = new ViewRoot;
    for (auto& [name, n] : namespaces_) {
      auto* leaf = new NamespaceLeaf;
      leaf->hash = xxh3_64(name);
      leaf->name = n.name;
      leaf->shown = n.shown;
      leaf->refused = n.refused;
      if (n.shown) {
        leaf->entries = n.copy.entries;
        leaf->seq = n.copy.seq;
        leaf->rev = n.copy.rev;
      }
      table_.put(leaf, garbage_);
    }
    root->namespaces = table_;
    bool more = false;
    {
      const View before = store.view();
      subscriptions.adopt(ViewStore::root_of(before));
      store.publish(root);
      const View shown = store.view();
      more = subscriptions.tell(events_, ViewStore::root_of(before), ViewStore::root_of(shown));
    }
    events_.clear();
    store.retire(std::exchange(garbage_, {}));
    return more;
  }

  ViewStore store;

 private:
  struct Namespace {
    std::shared_ptr<const std::string> name;
    NamespaceCopy copy;
    bool shown = false, refused = false;
  };
  Namespace& find(const std::string& ns) {
    Namespace& n = namespaces_[ns];
    if (!n.name) n.name = std::make_shared<const std::string>(ns);
    return n;
  }
  void tell(const Namespace& n, const std::vector<KeyChange>& changes, bool resync, std::string by) {
    const auto meta = std::make_shared<const SetMeta>(
        SetMeta{n.copy.seq, n.copy.rev, {}, std::move(by), {}, {}, n.copy.hash});
    for (const KeyChange& change : changes) {
      SyncEvent event;
      event.ns = n.name;
      event.change = change;
      event.set = meta;
      event.resync = resync;
      events_.push_back(std::move(event));
    }
    SyncEvent moved;
    moved.kind = SyncEvent::Kind::moved;
    moved.ns = n.name;
    moved.set = meta;
    moved.changes = changes.size();
    moved.resync = resync;
    events_.push_back(std::move(moved));
  }

  std::map<std::string, Namespace> namespaces_;
  Hamt<NamespaceLeaf> table_;
  std::vector<SyncEvent> events_;
  Garbage garbage_;
  std::uint64_t rev_ = 0;
};

}  // namespace prismbus
