#include "broker/core/build_transaction.hpp"

#include <algorithm>
#include <numeric>

namespace prismbus {
namespace {

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

StoredChange change_of(const TxnRequest::Do& item, const KeyFact& before, Revision rev) {
  if (item.op == ChangeOp::del) return {ChangeOp::del, {}, {}, 0, {}};
  if (before.live) return {ChangeOp::put, {}, {}, before.version + 1, before.created};
  return {ChangeOp::put, {}, {}, 1, rev};
}

}  // namespace

TransactionBuilder::TransactionBuilder(const RuleBook& rules, const std::optional<StreamKey>& master)
    : rules_(rules) {
  if (master) sealer_.emplace(*master);
}

void TransactionBuilder::group(const WriteIntent& intent) {
  items_.resize(intent.items.size());
  std::iota(items_.begin(), items_.end(), 0u);
  if (items_.size() == 1) return;
  std::stable_sort(items_.begin(), items_.end(),
                   [&intent](auto a, auto b) { return intent.items[a].ns < intent.items[b].ns; });
}

// The items of one namespace, in `do` order, into its set.
void TransactionBuilder::fill(StoredSet& set, std::span<const std::uint32_t> items, const WriteIntent& intent,
                              const Judged& judged, const TransactionPlace& place) {
  views_.clear();
  offsets_.clear();
  set.changes.reserve(items.size());
  for (const std::uint32_t i : items) {
    const auto& item = intent.items[i];
    count(set.after, item, judged.facts[i], place.rev);
    set.changes.push_back(change_of(item, judged.facts[i], place.rev));
    views_.push_back({item.op, item.key, item.value, set.changes.back().version});
  }
  const auto lane = set.both_lanes ? std::optional(set.lane) : std::nullopt;
  codec::encode_change_set(set.encoded,
                           {place.epoch, place.rev, set.seq, place.time, place.by, intent.options.note, lane},
                           views_, offsets_);
  const std::string_view bytes = set.encoded;
  for (std::size_t i = 0; i < set.changes.size(); ++i) {
    set.changes[i].key = bytes.substr(offsets_[i].key_at, offsets_[i].key_size);
    set.changes[i].value = bytes.substr(offsets_[i].value_at, offsets_[i].value_size);
  }
}

void TransactionBuilder::seal_values(StoredSet& set, Revision rev) {
  std::size_t bytes = 0;
  for (const StoredChange& change : set.changes) {
    if (change.op == ChangeOp::put) bytes += 1 + kValueSealBytes + change.value.size();
  }
  if (bytes == 0) return;
  set.sealed.reserve(bytes);  // views into it are taken as it grows
  for (StoredChange& change : set.changes) {
    if (change.op != ChangeOp::put) continue;
    const std::size_t at = set.sealed.size();
    sealer_->seal({set.ns, change.key, rev}, change.value, set.sealed);
    change.sealed = std::string_view(set.sealed).substr(at);
  }
  set.sealed_by = sealer_->id();
}

Result<TransactionPtr> TransactionBuilder::build(const WriteIntent& intent, const Judged& judged,
                                                 const TransactionPlace& place, Ledger& ledger,
                                                 LanePlan& lanes) {
  auto txn = std::make_shared<StoredTransaction>();
  txn->rev = place.rev;
  txn->time = place.time;
  txn->by = place.by;
  txn->op = intent.op;
  if (intent.options.note) txn->note = std::string(*intent.options.note);
  if (intent.options.session) txn->req = RequestId{std::string(*intent.options.session), intent.options.n};
  group(intent);
  const bool one_namespace = intent.items[items_.front()].ns == intent.items[items_.back()].ns;
  if (!one_namespace) txn->order.resize(items_.size());
  for (std::size_t begin = 0, end = 0; begin < items_.size(); begin = end) {
    const std::string_view ns = intent.items[items_[begin]].ns;
    while (end < items_.size() && intent.items[items_[end]].ns == ns) ++end;
    const auto fact = ledger.find_namespace(ns);
    if (!fact) return tl::unexpected(fact.error());
    auto set = std::make_unique<StoredSet>();
    set->ns = ns;
    set->seq = fact->seq.next();
    set->after = fact->figures;
    const LanePlan::Choice choice = lanes.choose(ns, fact->lane, place.now);
    set->lane = choice.lane;
    set->both_lanes = choice.both;
    const auto items = std::span<const std::uint32_t>(items_).subspan(begin, end - begin);
    fill(*set, items, intent, judged, place);
    if (sealer_ && rules_.policy().is_secret(ns)) seal_values(*set, place.rev);
    if (!one_namespace) {
      for (const std::uint32_t i : items) txn->order[i] = static_cast<std::uint16_t>(txn->sets.size());
    }
    txn->sets.push_back(std::move(set));
  }
  return TransactionPtr(std::move(txn));
}

}  // namespace prismbus
