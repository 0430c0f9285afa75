#include "subscriber/subscriber_callbacks.hpp"

#include <utility>

namespace prismbus {
namespace {

using Kind = SubscriptionEvent::Kind;

void tell(const SubscriberCallbacks& callbacks, const SubscriptionEvent& e) {
  const ChangeEvent change{e.ns, e.key, e.before, e.after, e.seq, e.rev, e.time, e.by, e.note, e.resync};
  switch (e.kind) {
    case Kind::added:
      return callbacks.added(change);
    case Kind::changed:
      return callbacks.changed(change);
    case Kind::deleted:
      return callbacks.deleted(change);
    case Kind::namespace_changed:
      return callbacks.namespace_changed({e.ns, e.seq, e.rev, e.changes, e.resync, e.why});
    case Kind::state_changed:
      return callbacks.state_changed({e.ns, e.state_before, e.state_after, e.why});
    case Kind::grew_stale:
      return callbacks.grew_stale({e.ns, e.age, e.refused, e.why});
    case Kind::resync:  // a queue's, and this one has none while it is not paused
      return;
  }
}

}  // namespace

std::optional<Subscription> subscription_of(SubscriberCallbacks callbacks) {
  Subscription s;
  s.name = "callbacks";
  s.on_background_thread = true;
  s.operations.added = static_cast<bool>(callbacks.added);
  s.operations.changed = static_cast<bool>(callbacks.changed);
  s.operations.deleted = static_cast<bool>(callbacks.deleted);
  s.operations.namespace_changed = static_cast<bool>(callbacks.namespace_changed);
  s.operations.state_changed = static_cast<bool>(callbacks.state_changed);
  s.operations.grew_stale = static_cast<bool>(callbacks.grew_stale);
  const Operations& o = s.operations;
  const bool any =
      o.added || o.changed || o.deleted || o.namespace_changed || o.state_changed || o.grew_stale;
  if (!any) return std::nullopt;
  s.callback = [told = std::move(callbacks)](const SubscriptionEvent& event) { tell(told, event); };
  return s;
}

}  // namespace prismbus
