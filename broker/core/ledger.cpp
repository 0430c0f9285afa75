#include "broker/core/ledger.hpp"

namespace prismbus {
namespace {

KeyFact fact_of(const StoredChange& change, Revision rev) {
  if (change.op == ChangeOp::del) return {};
  return {true, rev, change.created, change.version, change.value.size(), {}};
}

}  // namespace

Result<KeyFact> Ledger::find(std::string_view ns, std::string_view key) {
  if (const auto* pending = pending_.find(ns, key)) {
    KeyFact fact = fact_of(*pending->change, pending->txn->rev);
    fact.rests_on = pending->txn->rev;
    return fact;
  }
  if (const auto recent = recent_.find(ns, key)) return fact_of(*recent->change, recent->txn->rev);
  const auto stored = state_.find(ns, key);
  if (!stored) return tl::unexpected(stored.error());
  if (!*stored) return KeyFact{};
  const EntryView& entry = **stored;
  return KeyFact{true, entry.rev, entry.created, entry.version, value_size(entry.value), {}};
}

Result<NamespaceFact> Ledger::find_namespace(std::string_view ns) {
  if (const auto* pending = pending_.find_namespace(ns))
    return NamespaceFact{pending->set->seq, pending->set->after, pending->set->lane};
  if (const auto* recent = recent_.find_head(ns))
    return NamespaceFact{recent->head.seq, recent->figures, recent->head.lane};
  const auto stored = state_.find_head(ns);
  if (!stored) return tl::unexpected(stored.error());
  if (!*stored) return NamespaceFact{};
  return NamespaceFact{(*stored)->head.seq, (*stored)->figures, (*stored)->head.lane};
}

Result<std::optional<Head>> Ledger::find_applied_head(std::string_view ns) {
  if (const auto* recent = recent_.find_head(ns)) return std::optional(recent->head);
  const auto stored = state_.find_head(ns);
  if (!stored) return tl::unexpected(stored.error());
  return *stored ? std::optional((*stored)->head) : std::nullopt;
}

}  // namespace prismbus
