#include "broker/core/judge.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace prismbus {
namespace {

Error conflict(const TxnRequest::If& condition, Revision present) {
  Error error = error_of(ErrorCode::conflict,
                         present == Revision{} ? "the key is not there"
                                               : fmt::format("the key is at revision {}", present.value()));
  error.ns = condition.ns;
  error.key = condition.key;
  error.rev = present.value();
  return error;
}

Error nothing_to_delete(const WriteIntent& intent, std::size_t index) {
  Error error = error_of(ErrorCode::not_found, "no such key");
  error.ns = intent.items[index].ns;
  error.key = intent.items[index].key;
  if (intent.op == WriteOp::txn) error.index = index;
  return error;
}

}  // namespace

Verdict judge(const WriteIntent& intent, Ledger& ledger, Revision applied) {
  Revision named;
  for (const auto& condition : intent.conditions) named = std::max(named, condition.rev);
  if (named > applied) return MustWait{named};
  // Of everything looked at: also a comparison that held may hold because of what is pending only.
  Revision rests_on;
  for (std::size_t i = 0; i < intent.conditions.size(); ++i) {
    const auto& condition = intent.conditions[i];
    const auto fact = ledger.find(condition.ns, condition.key);
    if (!fact) return Refused{fact.error(), {}};
    rests_on = std::max(rests_on, fact->rests_on);
    if (fact->rev == condition.rev) continue;
    Error error = conflict(condition, fact->rev);
    if (intent.op == WriteOp::txn) error.index = i;
    return Refused{std::move(error), rests_on};
  }
  Judged judged;
  judged.facts.reserve(intent.items.size());
  for (std::size_t i = 0; i < intent.items.size(); ++i) {
    const auto& item = intent.items[i];
    const auto fact = ledger.find(item.ns, item.key);
    if (!fact) return Refused{fact.error(), {}};
    rests_on = std::max(rests_on, fact->rests_on);
    if (item.op == ChangeOp::del && !fact->live) return Refused{nothing_to_delete(intent, i), rests_on};
    judged.facts.push_back(*fact);
  }
  return judged;
}

}  // namespace prismbus
