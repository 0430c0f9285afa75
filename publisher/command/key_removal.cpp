#include "publisher/command/key_removal.hpp"

#include <fmt/format.h>

namespace prismbus::command {

Outcome<RemovalPlan> plan_removal(Session& session, const std::string& ns,
                                  const std::optional<std::string>& prefix) {
  ListCall call;
  call.ns = ns;
  call.values = false;
  call.prefix = prefix;
  call.read = session.read();
  auto listed = session.wait(session.publisher().list(std::move(call)), "delete");
  if (!listed) return tl::unexpected<Failure>(listed.error());
  if (listed->value.empty()) {
    Error e;
    e.code = ErrorCode::not_found;
    e.message = prefix ? fmt::format("{} has no key that begins with {}", ns, *prefix) : ns + " has no keys";
    return failed(e, "delete");
  }
  RemovalPlan plan;
  plan.keys = std::move(listed->value);
  std::vector<Difference> changes;
  for (const Entry& e : plan.keys) {
    changes.push_back({DifferenceKind::removed, e.key, std::nullopt, std::nullopt, e.rev});
  }
  const auto& limits = session.hello().limits;
  plan.parts = cut_into_transactions(ns, changes, {limits.txn_changes, limits.txn_bytes});
  return plan;
}

Outcome<Removed> remove_keys(Session& session, RemovalPlan plan, const std::string& note) {
  Removed removed;
  for (Transaction& part : plan.parts) {
    session.start_over();
    if (!note.empty()) part.note(note);
    const std::size_t keys = part.size();
    const auto done = session.wait(session.publisher().commit(std::move(part), session.write()), "delete");
    if (!done) {
      Failure f = done.error();
      f.error.message += removed.keys == 0 ? "; nothing was deleted"
                                           : fmt::format("; {} keys were deleted before, up to rev {}",
                                                         removed.keys, removed.rev.value());
      if (f.exit == Exit::unknown_outcome && removed.keys == 0) f.error.message = done.error().error.message;
      return tl::unexpected<Failure>(std::move(f));
    }
    removed = {done->epoch, done->rev, done->seq, removed.keys + keys, removed.transactions + 1};
  }
  return removed;
}

}  // namespace prismbus::command
