#include "broker/core/rollback_plan.hpp"

#include <set>

#include "broker/core/past.hpp"
#include "proto/wire/codec/stream.hpp"

namespace prismbus {

// One step: the view, and over it what is pending behind it.
struct RollbackPlan::Step {
  const RollbackRequest& request;
  const ReadView& view;
  Seq view_seq;
  std::vector<const StoredSet*> pending;  // ascending, of this namespace

  [[nodiscard]] Seq seq() const { return pending.empty() ? view_seq : pending.back()->seq; }
  // What is pending of a key, the newest; null = nothing.
  [[nodiscard]] const StoredChange* find_pending(std::string_view key) const {
    for (auto set = pending.rbegin(); set != pending.rend(); ++set) {
      for (const StoredChange& change : (*set)->changes) {
        if (change.key == key) return &change;
      }
    }
    return nullptr;
  }
};

void RollbackPlan::advance(const RollbackRequest& request, const ReadView& view,
                           const std::vector<TransactionPtr>& pending) {
  const auto run = [&]() -> Result<void> {
    if (request.to < view.floor()) return tl::unexpected(below_floor(view.floor()));
    const auto head = view.find_head(request.ns);
    if (!head) return tl::unexpected(head.error());
    Step step{request, view, *head ? (*head)->head.seq : Seq(), {}};
    for (const TransactionPtr& txn : pending) {
      if (txn->rev <= view.rev()) continue;  // durable and folded since
      for (const auto& set : txn->sets) {
        if (set->ns == request.ns) step.pending.push_back(set.get());
      }
    }
    if (!std::exchange(begun_, true)) seq_ = step.view_seq;
    if (request.key) {
      whole_ = caught_up_ = true;
      seq_ = step.seq();
      return look_again(step, *request.key);
    }
    if (!whole_) {
      if (auto visited = visit_slice(step); !visited) return visited;
    }
    return catch_up(step);
  };
  if (auto done = run(); !done) error_ = std::move(done.error());
}

// The next keys of the namespace, as the view has them.
Result<void> RollbackPlan::visit_slice(const Step& step) {
  std::size_t visited = 0, compared = 0;
  bool ended = true;
  const auto each = [&](std::string_view key, const EntryView* then, const EntryView* now) {
    if (key == visited_) return true;  // the slice before ended with it
    if (visited >= limits::kPageKeys || compared >= kComparedBytes) return ended = false;
    ++visited;
    compared += compared_bytes(then, now);
    learn(key, then, differ(then, now));
    visited_ = key;
    return true;
  };
  const Revision to = step.request.to;
  if (auto scanned = scan_two(step.view, step.request.ns, visited_, to, std::max(to, step.view.rev()), each);
      !scanned) {
    return scanned;
  }
  whole_ = ended;
  return {};
}

// Looks again at the keys that were written between `seq_` and what is pending now.
Result<void> RollbackPlan::catch_up(const Step& step) {
  caught_up_ = true;
  if (too_large_) return {};
  std::set<std::string, std::less<>> written;
  Seq at = seq_;
  while (at < step.view_seq && written.size() < limits::kPageKeys) {
    const auto set = step.view.change_set(step.request.ns, at.next());
    if (!set) return tl::unexpected(set.error());
    const auto changes = codec::view_changes(*set);
    if (!changes) return tl::unexpected(changes.error());
    for (const codec::ChangeView& change : *changes) written.emplace(change.key);
    at = at.next();
  }
  caught_up_ = at >= step.view_seq;
  if (caught_up_) {
    for (const StoredSet* set : step.pending) {
      for (const StoredChange& change : set->changes) written.emplace(change.key);
    }
    at = step.seq();
  }
  for (const std::string& key : written) {
    if (auto looked = look_again(step, key); !looked) return looked;
  }
  seq_ = at;
  return {};
}

// One key as it is with what is pending.
Result<void> RollbackPlan::look_again(const Step& step, std::string_view key) {
  const auto then = step.view.find_at(step.request.to, step.request.ns, key);
  if (!then) return tl::unexpected(then.error());
  const EntryView* entry = *then ? &**then : nullptr;
  if (const StoredChange* change = step.find_pending(key)) {
    const bool there = change->op == ChangeOp::put;
    learn(key, entry, there != (entry != nullptr) || (there && change->value != entry->value));
    return {};
  }
  const auto now = step.view.find(step.request.ns, key);
  if (!now) return tl::unexpected(now.error());
  learn(key, entry, differ(entry, *now ? &**now : nullptr));
  return {};
}

void RollbackPlan::learn(std::string_view key, const EntryView* then, bool differs) {
  const std::uint64_t size = key.size() + (then != nullptr ? then->value.size() : 0);
  if (too_large_) {
    count_ += differs ? 1 : 0;
    bytes_ += differs ? size : 0;
    return;
  }
  if (const auto known = changes_.find(key); known != changes_.end()) {
    bytes_ -= known->first.size() + (known->second ? known->second->size() : 0);
    changes_.erase(known);
  }
  if (differs) {
    bytes_ += size;
    changes_.emplace(key, then != nullptr ? std::optional(std::string(then->value)) : std::nullopt);
  }
  count_ = changes_.size();
  if (count_ <= limits::kTxnChanges && bytes_ <= limits::kTxnBytes) return;
  too_large_ = true;
  changes_.clear();
}

}  // namespace prismbus
