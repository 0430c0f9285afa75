#include "publisher/command/past_set.hpp"

#include <utility>

namespace prismbus::command {

WatchedSet past_set(const std::string& ns, const ChangeSet& set) {
  WatchedSet out;
  out.ns = ns;
  out.seq = set.seq;
  out.rev = set.rev;
  out.time = set.time;
  out.by = set.by;
  out.note = set.note;
  for (const Change& c : set.changes) {
    WatchedChange change;
    change.kind = c.op == ChangeOp::del ? WatchedChange::Kind::deleted
                  : c.version == 1      ? WatchedChange::Kind::added
                                        : WatchedChange::Kind::changed;
    change.key = c.key;
    change.after = c.value;
    change.rev = set.rev;
    change.version = c.version;
    change.time = set.time;
    out.changes.push_back(std::move(change));
  }
  return out;
}

}  // namespace prismbus::command
