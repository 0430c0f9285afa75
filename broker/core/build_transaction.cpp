#include "broker/core/build_transaction.hpp"

#include <algorithm>

#include "proto/wire/codec/stream.hpp"

namespace prismbus {
namespace {

// Distinct namespaces of the items, in byte order.
std::vector<std::string_view> namespaces_of(const WriteIntent& intent) {
  std::vector<std::string_view> names;
  names.reserve(intent.items.size());
  for (const auto& item : intent.items) {
    if (names.empty() || names.back() != item.ns) names.push_back(item.ns);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void count(NamespaceFigures& figures, const TxnRequest::Do& item, const KeyFact& before, Revision rev) {
  if (before.live) {
    figures.hash -= entry_hash(item.key, before.rev);
    figures.bytes -= item.key.size() + before.value_bytes;
    --figures.keys;
  }
  if (item.op == ChangeOp::put) {
    figures.hash += entry_hash(item.key, rev);
    figures.bytes += item.key.size() + item.value.size();
    ++figures.keys;
  }
}

// The items of one namespace, in `do` order, into its set.
void fill(StoredSet& set, const WriteIntent& intent, const Judged& judged, const TransactionPlace& place) {
  std::vector<codec::ChangeView> views;
  std::vector<codec::ChangeOffsets> offsets;
  for (std::size_t i = 0; i < intent.items.size(); ++i) {
    const auto& item = intent.items[i];
    if (item.ns != set.ns) continue;
    const KeyFact& before = judged.facts[i];
    count(set.after, item, before, place.rev);
    const bool put = item.op == ChangeOp::put;
    views.push_back({item.op, item.key, item.value, put ? (before.live ? before.version + 1 : 1) : 0});
    set.changes.push_back({item.op,
                           {},
                           {},
                           views.back().version,
                           put ? (before.live ? before.created : place.rev) : Revision{}});
  }
  codec::encode_change_set(set.encoded,
                           {place.epoch, place.rev, set.seq, place.time, place.by, intent.options.note},
                           views, offsets);
  const std::string_view bytes = set.encoded;
  for (std::size_t i = 0; i < set.changes.size(); ++i) {
    set.changes[i].key = bytes.substr(offsets[i].key_at, offsets[i].key_size);
    set.changes[i].value = bytes.substr(offsets[i].value_at, offsets[i].value_size);
  }
}

}  // namespace

Result<TransactionPtr> build_transaction(const WriteIntent& intent, const Judged& judged,
                                         const TransactionPlace& place, Ledger& ledger) {
  auto txn = std::make_shared<Transaction>();
  txn->rev = place.rev;
  txn->time = place.time;
  txn->by = place.by;
  txn->op = intent.op;
  if (intent.options.note) txn->note = std::string(*intent.options.note);
  if (intent.options.session) txn->req = RequestId{std::string(*intent.options.session), intent.options.n};
  const auto names = namespaces_of(intent);
  for (const std::string_view ns : names) {
    const auto fact = ledger.find_namespace(ns);
    if (!fact) return tl::unexpected(fact.error());
    auto set = std::make_unique<StoredSet>();
    set->ns = ns;
    set->seq = fact->seq.next();
    set->after = fact->figures;
    fill(*set, intent, judged, place);
    txn->sets.push_back(std::move(set));
  }
  if (names.size() > 1) {
    txn->order.reserve(intent.items.size());
    for (const auto& item : intent.items) {
      const auto at = std::lower_bound(names.begin(), names.end(), item.ns);
      txn->order.push_back(static_cast<std::uint16_t>(at - names.begin()));
    }
  }
  return TransactionPtr(std::move(txn));
}

}  // namespace prismbus
