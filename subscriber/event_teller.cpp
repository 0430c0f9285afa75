#include "subscriber/event_teller.hpp"

#include <exception>

namespace prismbus {

template <class Callback, class Event>
void EventTeller::guarded(const Callback& callback, const Event& event) {
  if (!callback) return;
  const char* what = "not a std::exception";
  std::string text;
  try {
    callback(event);
    return;
  } catch (const std::exception& e) {
    text = e.what();
    what = text.c_str();
  } catch (...) {  // the application's own type: nothing of it may cross the thread
  }
  ++exceptions_;
  if (log_ && (exceptions_ & (exceptions_ - 1)) == 0) {
    log_(LogLevel::error, LogLine("callback_threw").with("count", exceptions_).with("what", what).text());
  }
}

void EventTeller::tell_key(const SyncEvent& event) {
  ChangeEvent change;
  change.ns = *event.ns;
  const KeyChange& key = event.change;
  change.key = (key.after != nullptr ? key.after : key.before)->key();
  if (key.before != nullptr) change.before = key.before->view();
  if (key.after != nullptr) change.after = key.after->view();
  change.seq = event.set->seq;
  change.rev = event.set->rev;
  change.time = event.set->time;
  change.by = event.set->by;
  if (event.set->note) change.note = *event.set->note;
  change.resync = event.resync;
  guarded(key.after == nullptr    ? callbacks_.deleted
          : key.before == nullptr ? callbacks_.added
                                  : callbacks_.changed,
          change);
}

void EventTeller::tell_moved(const SyncEvent& event) {
  NamespaceEvent moved;
  moved.ns = *event.ns;
  moved.seq = event.set->seq;
  moved.rev = event.set->rev;
  moved.changes = event.changes;
  moved.resync = event.resync;
  if (event.why) moved.why = *event.why;
  guarded(callbacks_.namespace_changed, moved);
}

void EventTeller::tell_state(const SyncEvent& event) {
  StateEvent state{*event.ns, event.before, event.after, {}};
  if (event.why) state.why = *event.why;
  guarded(callbacks_.state_changed, state);
}

void EventTeller::tell(const std::vector<SyncEvent>& events) {
  for (const SyncEvent& event : events) {
    switch (event.kind) {
      case SyncEvent::Kind::key:
        tell_key(event);
        break;
      case SyncEvent::Kind::moved:
        tell_moved(event);
        break;
      case SyncEvent::Kind::state:
        tell_state(event);
        break;
    }
  }
}

}  // namespace prismbus
