#include "subscriber/delivery/bindings.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "proto/base/hash.hpp"
#include "proto/wire/names.hpp"
#include "subscriber/view/shown_entries.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kNewMax = 65'536;   // handles bound within one step of the background thread
constexpr std::size_t kForgetMin = 1024;  // below it nobody looks for handles that are gone

struct End {  // of what begin() began
  BoundCell& cell;
  ~End() { cell.end(); }
};

}  // namespace

Bindings::Bindings(FollowSet follow, const ViewStore& store, Waker* waker, LogSink log)
    : follow_(std::move(follow)),
      store_(&store),
      log_(std::move(log)),
      new_(kNewMax, waker),
      forget_at_(kForgetMin) {}

// ---- any thread ----

Result<void> Bindings::attach(const std::shared_ptr<BoundCell>& cell) {
  if (auto good = validate_namespace(cell->ns(), "ns"); !good) return good;
  if (!follow_.covers(cell->ns())) {
    return fail_field("ns", "'" + cell->ns() + "' is not followed by this subscriber");
  }
  if (cell->keys() == 0) return fail_field("fields", "at least one key");
  for (std::size_t i = 0; i < cell->keys(); ++i) {
    if (auto good = validate_key(cell->key(i), "key"); !good) return good;
  }
  {
    const View view = store_->view();
    const ViewRoot& root = ViewStore::root_of(view);
    std::vector<std::optional<ValueView>> found(cell->keys());
    const NamespaceLeaf* leaf = root.find(cell->ns());
    const auto shown = view.in(cell->ns());
    for (std::size_t i = 0; shown && i < found.size(); ++i) found[i] = shown->get(cell->key(i));
    if (leaf != nullptr) cell->set_state(leaf->state);
    Garbage none;
    (void)cell->take(found, shown ? shown->seq() : Seq(), none);
  }
  auto handed = cell;
  if (new_.try_push(std::move(handed))) return {};
  return tl::unexpected<Error>(overloaded("too many handles are being bound at once", 10));
}

// ---- the background thread ----

void Bindings::refresh(const std::vector<SyncEvent>& events) {
  adopt();
  if (slots_ == 0) return;
  const std::string* ns = nullptr;
  Bound* bound = nullptr;
  for (const SyncEvent& event : events) {
    if (event.kind == SyncEvent::Kind::moved || event.kind == SyncEvent::Kind::stale) continue;
    if (event.ns.get() != ns) {
      ns = event.ns.get();
      const auto found = namespaces_.find(*ns);
      bound = found == namespaces_.end() ? nullptr : &found->second;
    }
    if (bound == nullptr) continue;
    if (event.kind == SyncEvent::Kind::state) {
      set_state(*bound, event.after);
    } else if (event.change.reach != Reach::replica) {
      mark(bound->slots, event.change.leaf().hash);
    }
  }
  if (marked_.empty() && memory_->waiting() == 0) return;
  Garbage garbage;
  {
    const View view = store_->view();
    for (const auto& cell : marked_) take(ViewStore::root_of(view), *cell, garbage);
  }
  for (const auto& cell : marked_) tell(*cell);
  marked_.clear();
  memory_->retire(std::move(garbage));
}

// Between attach() and now the picture may have moved on: looked at once more.
void Bindings::adopt() {
  new_.drain(adopted_);
  if (adopted_.empty()) return;
  const View view = store_->view();
  for (auto& cell : adopted_) {
    Slots& slots = namespaces_[cell->ns()].slots;
    for (std::size_t i = 0; i < cell->keys(); ++i) slots.emplace(xxh3_64(cell->key(i)), cell);
    slots_ += cell->keys();
    if (const auto* leaf = ViewStore::root_of(view).find(cell->ns())) cell->set_state(leaf->state);
    cell->marked = true;
    marked_.push_back(std::move(cell));
  }
  adopted_.clear();
  if (slots_ > forget_at_) forget_unheld();
}

void Bindings::mark(const Slots& slots, std::uint64_t key_hash) {
  const auto [first, last] = slots.equal_range(key_hash);
  for (auto it = first; it != last; ++it) mark(it->second.lock());
}

void Bindings::mark(std::shared_ptr<BoundCell> cell) {
  if (cell && !std::exchange(cell->marked, true)) marked_.push_back(std::move(cell));
}

// What was refused is refused no more when the state changes, if ever.
void Bindings::set_state(Bound& bound, NamespaceState state) {
  const bool behind = std::exchange(bound.behind, false);
  for (const auto& [hash, slot] : bound.slots) {
    auto cell = slot.lock();
    if (!cell) continue;
    cell->set_state(state);
    if (behind) mark(std::move(cell));
  }
}

void Bindings::take(const ViewRoot& root, BoundCell& cell, Garbage& garbage) {
  cell.marked = false;
  const NamespaceLeaf* leaf = root.find(cell.ns());
  const bool shown = leaf != nullptr && leaf->shown;
  if (shown && leaf->refused) {
    namespaces_[cell.ns()].behind = true;
    return;
  }
  if (!cell.begin()) return;
  const End end{cell};
  found_.assign(cell.keys(), std::nullopt);
  for (std::size_t i = 0; shown && i < found_.size(); ++i) {
    const EntryLeaf* entry = ShownEntries(*leaf).find(xxh3_64(cell.key(i)), cell.key(i));
    if (entry != nullptr) found_[i] = entry->view();
  }
  const std::size_t refused = cell.take(found_, shown ? leaf->seq : Seq(), garbage);
  if (refused == 0) return;
  const auto count = mismatches_.fetch_add(refused, std::memory_order_relaxed) + refused;
  log(LogLevel::warn, LogLine("handle_of_another_type").with("count", count).with("ns", cell.ns()), count);
}

void Bindings::tell(BoundCell& cell) {
  if (!cell.begin()) return;
  const End end{cell};
  std::string what = "not a std::exception";
  try {
    return cell.tell();
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // the application's own type
  }
  const auto count = exceptions_.fetch_add(1, std::memory_order_relaxed) + 1;
  log(LogLevel::error, LogLine("handle_hook_threw").with("count", count).with("what", what), count);
}

void Bindings::forget_unheld() {
  for (auto ns = namespaces_.begin(); ns != namespaces_.end();) {
    std::erase_if(ns->second.slots, [](const auto& slot) { return slot.second.expired(); });
    ns = ns->second.slots.empty() ? namespaces_.erase(ns) : std::next(ns);
  }
  slots_ = 0;
  for (const auto& [name, bound] : namespaces_) slots_ += bound.slots.size();
  forget_at_ = std::max(kForgetMin, 2 * slots_);
}

// Repeats are counted: powers of two are said.
void Bindings::log(LogLevel level, const LogLine& line, std::uint64_t count) {
  if (log_ && (count & (count - 1)) == 0) log_(level, line.text());
}

}  // namespace prismbus
