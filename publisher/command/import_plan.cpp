#include "publisher/command/import_plan.hpp"

#include <fmt/format.h>

#include "proto/json/json_value.hpp"

namespace prismbus::command {
namespace {

Outcome<void> check_overlap(const std::map<std::string, Current>& current, const KeyValues& wanted,
                            Prune prune) {
  KeyValues outcome = wanted;
  if (prune == Prune::no) {
    for (const auto& [key, value] : current) outcome.emplace(key, Value::nil());
  }
  const auto overlap = find_overlap(outcome);
  // What overlaps at the broker already is not made worse by writing other keys.
  if (!overlap || (!wanted.contains(overlap->above) && !wanted.contains(overlap->below))) return {};
  return misused(
      "import", fmt::format("the namespace would hold both {} and {} below it; --prune deletes what the file "
                            "lacks, or delete one of them",
                            json_quoted(overlap->above), json_quoted(overlap->below)));
}

}  // namespace

Outcome<ImportPlan> plan_import(const std::map<std::string, Current>& current, const KeyValues& wanted,
                                Prune prune, Nesting nesting) {
  if (nesting == Nesting::by_slashes) {
    if (auto fine = check_overlap(current, wanted, prune); !fine)
      return tl::unexpected<Failure>(fine.error());
  }
  ImportPlan plan;
  for (Difference& d : compare(current, wanted)) {
    if (d.kind == DifferenceKind::removed && prune == Prune::no) {
      ++plan.kept;
      continue;
    }
    ++(d.kind == DifferenceKind::added     ? plan.added
       : d.kind == DifferenceKind::changed ? plan.changed
                                           : plan.removed);
    plan.changes.push_back(std::move(d));
  }
  plan.unchanged = wanted.size() - plan.added - plan.changed;
  return plan;
}

std::vector<Transaction> cut_into_transactions(std::string_view ns, const std::vector<Difference>& changes,
                                               TransactionLimits limits) {
  std::vector<Transaction> out;
  for (const Difference& d : changes) {
    const std::string value = d.after ? to_message_pack(*d.after) : std::string();
    const bool full =
        !out.empty() && (out.back().size() >= limits.changes ||
                         out.back().bytes() + ns.size() + d.key.size() + value.size() > limits.bytes);
    if (out.empty() || full) out.emplace_back();
    if (d.after) {
      out.back().put(ns, d.key, EncodedValue{value});
    } else {
      out.back().remove(ns, d.key);
    }
    out.back().require(ns, d.key, d.rev);
  }
  return out;
}

}  // namespace prismbus::command
