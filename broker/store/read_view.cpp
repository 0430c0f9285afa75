// A view merges two things that were taken in this order: recent up to its watermark, then the state as
// folded by then or later. What recent holds at or below `folded` the state has too, or something newer:
// there the state is asked.
#include "broker/store/read_view.hpp"

#include <algorithm>

#include "broker/store/disk_keys.hpp"
#include "broker/store/read_view_parts.hpp"
#include "broker/store/run_merge.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"

namespace prismbus {

namespace {

RecentHead head_of(const RecentSnapshot::Run::Set& set) {
  return head_after(*set.txn, *set.set);
}

}  // namespace

ReadView::ReadView(RecentSnapshotPtr recent, StateReader& state, JournalReader& journal)
    : impl_(new Impl{std::move(recent), state, journal, Revision(), {}, nullptr}) {
  impl_->runs = impl_->recent->runs;
  if (!impl_->recent->unsorted.empty()) impl_->runs.push_back(seal_run(impl_->recent->unsorted));
  state.renew();
  journal.renew();
  impl_->folded = state.folded();
}

ReadView::~ReadView() {
  impl_->state.release();
  impl_->journal.release();
}

void ReadView::use(TransactionCache& cache) {
  impl_->cache = &cache;
}

void ReadView::without_express() {
  impl_->without_express = true;
}

Revision ReadView::rev() const {
  return std::max(impl_->folded, impl_->recent->watermark);
}

Result<std::optional<EntryView>> ReadView::find(std::string_view ns, std::string_view key) const {
  for (auto run = impl_->runs.rbegin(); run != impl_->runs.rend() && (*run)->last() > impl_->folded; ++run) {
    const auto* item = (*run)->find(ns, key);
    if (item == nullptr) continue;
    if (item->txn->rev <= impl_->folded) break;
    if (item->change->op == ChangeOp::del) return std::optional<EntryView>();
    return std::optional(entry_of(*item));
  }
  return impl_->open(impl_->state.find(ns, key));
}

Result<std::optional<RecentHead>> ReadView::find_head(std::string_view ns) const {
  for (auto run = impl_->runs.rbegin(); run != impl_->runs.rend() && (*run)->last() > impl_->folded; ++run) {
    const auto* set = (*run)->sets_from(ns);
    if (set == (*run)->sets_end() || set->ns != ns) continue;
    set = (*run)->newest_of(set);
    if (set->txn->rev <= impl_->folded) break;
    return std::optional(impl_->served(head_of(*set)));
  }
  auto stored = impl_->state.find_head(ns);
  if (stored && *stored) **stored = impl_->served(**stored);
  return stored;
}

Result<void> ReadView::scan(std::string_view from_ns, std::string_view from_key,
                            const EachEntry& each) const {
  OpeningEach opening(impl_->state.vault(), each);
  return opening.outcome(impl_->scan_heads(impl_->runs, from_ns, from_key, std::ref(opening)));
}

Result<void> ReadView::Impl::scan_heads(const std::vector<RecentRunPtr>& over, std::string_view from_ns,
                                        std::string_view from_key, const EachEntry& each) const {
  if (!fits_disk_key(from_ns, from_key))
    return fail(ErrorCode::invalid_argument, "a scan from a name that is too long");
  DiskKey key;
  const std::string_view from = from_ns.empty() ? std::string_view() : key.head(from_ns, from_key);
  auto rows = Rows::open(state, state.tables().head, from);
  if (!rows) return unexpected<Error>(rows.error());
  KeyMerge newer(over, folded, from_ns, from_key);
  for (const auto* item = newer.next();;) {
    if (auto sound = rows->check(); !sound) return sound;
    if (item == nullptr && rows->end()) return {};
    int order = -1;  // < 0: recent's is next; 0: recent's hides the state's; > 0: the state's
    if (!rows->end()) {
      const auto names = decode_head_key(rows->row().key);
      if (!names) return unexpected<Error>(damaged_record("head", rows->row().key));
      order = item == nullptr ? 1 : compare_names(item->ns, item->key, names->ns, names->key);
    }
    if (order > 0) {
      const auto entry = decode_head(rows->row().key, rows->row().value);
      if (!entry) return unexpected<Error>(damaged_record("head", rows->row().key));
      if (!each(entry->ns, entry->key, &*entry)) return {};
      rows->next();
      continue;
    }
    const bool live = item->change->op == ChangeOp::put;
    const EntryView entry = entry_of(*item);
    if (!each(item->ns, item->key, live ? &entry : nullptr)) return {};
    item = newer.next();
    if (order == 0) rows->next();
  }
}

Result<void> ReadView::scan_namespaces(
    std::string_view from, const std::function<bool(std::string_view, const RecentHead&)>& each) const {
  auto rows = Rows::open(impl_->state, impl_->state.tables().namespaces, from);
  if (!rows) return unexpected<Error>(rows.error());
  NamespaceMerge recent(impl_->runs, impl_->folded, from);
  for (const auto* set = recent.next();;) {
    if (auto sound = rows->check(); !sound) return sound;
    if (set == nullptr && rows->end()) return {};
    const int order = rows->end() ? -1 : set == nullptr ? 1 : set->ns.compare(rows->row().key);
    if (order > 0) {
      const auto head = decode_namespace(rows->row().key, rows->row().value);
      if (!head) return unexpected<Error>(damaged_record("namespaces", rows->row().key));
      if (!each(rows->row().key, impl_->served(*head))) return {};
      rows->next();
      continue;
    }
    if (!each(set->ns, impl_->served(head_of(*set)))) return {};
    set = recent.next();
    if (order == 0) rows->next();
  }
}

Result<std::string_view> ReadView::change_set(std::string_view ns, Seq seq) const {
  // What recent knew once may be older than the floor by now: it is gone with all that is.
  const Revision bottom = floor();
  for (auto run = impl_->runs.rbegin(); run != impl_->runs.rend(); ++run) {
    const auto* set = (*run)->find_set(ns, seq);
    if (set != nullptr && set->txn->rev > bottom) return std::string_view(set->set->encoded);
    if (set != nullptr) return unexpected<Error>(gone(ns));
  }
  const auto rev = impl_->state.find_change_set(ns, seq);
  if (!rev) return unexpected<Error>(rev.error());
  if (!*rev) {
    const auto head = find_head(ns);
    if (!head) return unexpected<Error>(head.error());
    if (!*head || seq > (*head)->head.seq || seq == Seq(0))
      return fail(ErrorCode::not_found, "no such change set");
    return unexpected<Error>(gone(ns));
  }
  if (impl_->held == nullptr || impl_->held->rev != **rev) {
    if (**rev <= bottom) return unexpected<Error>(gone(ns));
    auto txn = impl_->journaled(**rev);
    if (!txn) return unexpected<Error>(txn.error());
    impl_->held = std::move(*txn);
  }
  for (const auto& set : impl_->held->sets) {
    if (set->ns == ns && set->seq == seq) return std::string_view(set->encoded);
  }
  return fail(ErrorCode::internal, "journal record " + std::to_string((*rev)->value()) +
                                       " does not hold the change set it is listed for");
}

Result<TransactionPtr> ReadView::transaction(Revision rev) const {
  if (rev > this->rev()) return fail(ErrorCode::not_found, "no such revision yet");
  if (rev <= floor()) return unexpected<Error>(compacted_below(floor().value()));
  if (auto txn = impl_->recent_transaction(rev)) return txn;
  return impl_->journaled(rev);
}

}  // namespace prismbus
