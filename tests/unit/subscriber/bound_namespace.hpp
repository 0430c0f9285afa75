// A namespace "n" whose sets the test writes, with handles that follow it: the path of the subscriber from a
// decoded change set to a handle, without sockets and threads.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/hash.hpp"
#include "subscriber/delivery/bindings.hpp"
#include "subscriber/handle.hpp"
#include "subscriber/native.hpp"

namespace prismbus {

class BoundNamespace {
 public:
  BoundNamespace()
      : bindings(*FollowSet::make({"n"}, {"tree"}), store, nullptr,
                 [this](LogLevel, std::string_view line) { logged.emplace_back(line); }) {}

  template <class T>
  static Change put(std::string key, const T& value) {
    Change change;
    change.op = ChangeOp::put;
    change.key = std::move(key);
    change.value = encode_value(value);
    change.version = 1;
    return change;
  }
  static Change gone(std::string key) {
    Change change;
    change.op = ChangeOp::del;
    change.key = std::move(key);
    return change;
  }

  // One transaction, shown and told like the background thread does it.
  void write(std::vector<Change> changes) { step(publish(std::move(changes))); }
  // The picture alone: the handles hear of it with step().
  std::vector<SyncEvent> publish(std::vector<Change> changes) {
    ChangeSet set;
    set.seq = copy_.seq.next();
    set.rev = Revision(copy_.rev.value() + 10);
    set.changes = std::move(changes);
    std::vector<KeyChange> told;
    copy_.apply(set, garbage_, &told);
    show();
    std::vector<SyncEvent> events;
    for (const KeyChange& change : told) {
      SyncEvent event;
      event.ns = name_;
      event.change = change;
      events.push_back(std::move(event));
    }
    return events;
  }
  void step(const std::vector<SyncEvent>& events) {
    bindings.refresh(events);
    store.retire(std::exchange(garbage_, {}));
  }
  void state(NamespaceState now) {
    SyncEvent event;
    event.kind = SyncEvent::Kind::state;
    event.ns = name_;
    event.after = now;
    step({event});
  }
  // Too old to be read, and then live again.
  void refuse(bool refused) {
    refused_ = refused;
    show();
    state(refused ? NamespaceState::stale : NamespaceState::live);
  }

  template <class T>
  Result<Handle<T>> bind_fields(std::string ns, std::vector<Field<T>> fields, T otherwise,
                                OnChange<T> told = {}) {
    auto cell = std::make_shared<ValueCell<T>>(ns, std::move(fields), std::move(otherwise), std::move(told),
                                               bindings.memory());
    if (auto attached = bindings.attach(cell); !attached) return tl::unexpected<Error>(attached.error());
    return Handle<T>(cell);
  }
  template <class T>
  Result<Handle<T>> bind(std::string key, T otherwise, std::type_identity_t<OnChange<T>> told = {}) {
    return bind_fields<T>("n", {whole<T>(key)}, std::move(otherwise), std::move(told));
  }

  ViewStore store;
  std::vector<std::string> logged;
  Bindings bindings;

 private:
  void show() {
    auto* leaf = new NamespaceLeaf;
    leaf->name = name_;
    leaf->hash = xxh3_64(*name_);
    leaf->shown = true;
    leaf->refused = refused_;
    leaf->entries = copy_.entries;
    leaf->seq = copy_.seq;
    leaf->rev = copy_.rev;
    leaf->state = refused_ ? NamespaceState::stale : NamespaceState::live;
    table_.put(leaf, garbage_);
    store.publish(new ViewRoot{Epoch(1), true, true, nullptr, table_});
  }

  std::shared_ptr<const std::string> name_ = std::make_shared<const std::string>("n");
  NamespaceCopy copy_;
  Hamt<NamespaceLeaf> table_;
  Garbage garbage_;
  bool refused_ = false;
};

}  // namespace prismbus
