// Many keys of one namespace removed by as few transactions as the limits allow: what `delete --prefix` and
// `delete --namespace` do. The command's one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "publisher/command/import_plan.hpp"
#include "publisher/command/session.hpp"

namespace prismbus::command {

struct RemovalPlan {
  std::vector<Entry> keys;         // without values, in key order
  std::vector<Transaction> parts;  // each requires the revisions that were seen; one part = atomic
};

// The keys that begin with `prefix`, or all of them. Exit::not_found when there are none.
[[nodiscard]] Outcome<RemovalPlan> plan_removal(Session& session, const std::string& ns,
                                                const std::optional<std::string>& prefix);

struct Removed {
  Epoch epoch;
  Revision rev;
  Seq seq;
  std::size_t keys = 0, transactions = 0;
};

// Writes the parts in order. A key that somebody changed since is a `conflict`; the message says how many
// were removed before.
[[nodiscard]] Outcome<Removed> remove_keys(Session& session, RemovalPlan plan, const std::string& note);

}  // namespace prismbus::command
