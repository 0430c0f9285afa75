#include "publisher/command/snapshot_picture.hpp"

#include <fmt/format.h>

#include "publisher/command/change_pages.hpp"

namespace prismbus::command {
namespace {

struct Chunks {
  SnapshotPicture picture;  // of several revisions still; `rev` = the last chunk's
  Revision first;
};

Outcome<Chunks> read_chunks(Session& session, const std::string& ns, bool subtree) {
  Chunks out;
  SnapshotCall call;
  call.ns = ns;
  call.subtree = subtree;
  for (;;) {
    session.start_over();
    call.read = session.read();
    if (call.after) call.read.epoch = out.picture.epoch;
    auto chunk = session.wait(session.publisher().snapshot(call), "snapshot " + ns);
    if (!chunk) return tl::unexpected<Failure>(chunk.error());
    if (!call.after) out.first = chunk->rev;
    out.picture.epoch = chunk->epoch;
    out.picture.rev = chunk->rev;
    for (Entry& e : chunk->value.entries) {
      auto at = std::pair(e.ns, e.key);
      out.picture.entries.insert_or_assign(std::move(at), std::move(e));
    }
    for (const auto& [name, head] : chunk->value.heads) out.picture.heads.insert_or_assign(name, head);
    call.after = chunk->value.after;
    if (!chunk->value.more || !call.after) return out;
  }
}

// An entry is replaced or deleted only by a change of a higher rev.
void apply(const std::string& ns, const ChangeSet& set, SnapshotPicture& picture) {
  for (const Change& c : set.changes) {
    const auto at = std::pair(ns, c.key);
    const auto found = picture.entries.find(at);
    const bool known = found != picture.entries.end();
    if (known && found->second.rev >= set.rev) continue;
    if (c.op == ChangeOp::del) {
      if (known) picture.entries.erase(found);
      continue;
    }
    const Revision created = known && c.version > 1 ? found->second.created : set.rev;
    picture.entries.insert_or_assign(
        at, Entry{ns, c.key, c.value, set.rev, created, c.version, set.time, set.by});
  }
  Head& head = picture.heads[ns];
  if (head.rev < set.rev) head = {set.seq, set.rev, set.time, 0, set.lane.value_or(head.lane)};
}

// The hash of each namespace as its entries make it. False when it is not what the broker said.
bool settle_hashes(SnapshotPicture& picture) {
  std::map<std::string, std::uint64_t> sums;
  for (const auto& [at, e] : picture.entries) sums[e.ns] += entry_hash(e.key, e.rev);
  bool equal = true;
  for (auto& [ns, head] : picture.heads) {
    equal = equal && (head.hash == 0 || head.hash == sums[ns]);
    head.hash = sums[ns];
  }
  return equal;
}

}  // namespace

Outcome<SnapshotPicture> read_snapshot(Session& session, const std::string& ns, bool subtree) {
  auto chunks = read_chunks(session, ns, subtree);
  if (!chunks) return tl::unexpected<Failure>(chunks.error());
  SnapshotPicture& picture = chunks->picture;
  if (chunks->first != picture.rev) {
    Since since;
    since.moment.rev = chunks->first;
    auto pages = ChangePages::open(session, ns, subtree, since);
    if (!pages) return tl::unexpected<Failure>(pages.error());
    for (;;) {
      const auto page = pages->next();
      if (!page) return tl::unexpected<Failure>(page.error());
      if (!*page) break;
      for (const auto& [name, set] : (*page)->sets) {
        if (set.rev <= picture.rev) apply(name, set, picture);
      }
    }
  }
  if (settle_hashes(picture)) return std::move(picture);
  Error e;
  e.code = ErrorCode::unavailable;
  e.message = "what was read does not have the broker's hash; try again";
  return failed(e, "snapshot " + ns);
}

}  // namespace prismbus::command
