#include "subscriber/view/view.hpp"

#include <algorithm>
#include <array>

#include "proto/base/hash.hpp"
#include "proto/wire/names.hpp"
#include "subscriber/view/epoch_pins.hpp"
#include "subscriber/view/shown_entries.hpp"

namespace prismbus {

std::string_view name_of(NamespaceState state) {
  static constexpr std::array<std::string_view, 4> kNames{"joining", "catching_up", "live", "stale"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view name_of(Rung rung) {
  static constexpr std::array<std::string_view, 3> kNames{"memory", "disk", "seed"};
  return kNames[static_cast<std::size_t>(rung)];
}

const EntryLeaf* EntryLeaf::make(std::string_view key, std::string_view value, Revision rev,
                                 std::uint64_t version, Wall time) {
  void* block = std::malloc(sizeof(EntryLeaf) + key.size() + value.size());
  PRISMBUS_ASSERT(block != nullptr, "no memory for the local copy");
  auto* leaf = new (block) EntryLeaf;
  leaf->hash = xxh3_64(key);
  leaf->rev = rev;
  leaf->version = version;
  leaf->time = time;
  leaf->key_size = static_cast<std::uint32_t>(key.size());
  leaf->value_size = static_cast<std::uint32_t>(value.size());
  char* bytes = reinterpret_cast<char*>(leaf + 1);
  std::copy(key.begin(), key.end(), bytes);
  std::copy(value.begin(), value.end(), bytes + key.size());
  return leaf;
}

void EntryLeaf::release(const void* leaf) {
  std::free(const_cast<void*>(leaf));
}

std::optional<ValueView> NamespaceView::get(std::string_view key) const {
  const EntryLeaf* leaf = ShownEntries(*leaf_).find(xxh3_64(key), key);
  return leaf == nullptr ? std::nullopt : std::optional<ValueView>(leaf->view());
}

void NamespaceView::get_many(std::span<const std::string_view> keys,
                             std::span<std::optional<ValueView>> out) const {
  for (std::size_t i = 0; i < std::min(keys.size(), out.size()); ++i) out[i] = get(keys[i]);
}

Result<std::vector<ListedValue>> NamespaceView::list(const KeyFilter& filter) const {
  if (auto good = validate_glob(filter.glob, "glob"); !good) return tl::unexpected<Error>(good.error());
  std::vector<ListedValue> out;
  ShownEntries(*leaf_).for_each([&](const EntryLeaf& leaf) {
    if (!leaf.key().starts_with(filter.prefix)) return;
    if (filter.glob.empty() || glob_matches(filter.glob, leaf.key()))
      out.push_back({leaf.key(), leaf.view()});
  });
  std::sort(out.begin(), out.end(), [](const ListedValue& a, const ListedValue& b) { return a.key < b.key; });
  return out;
}

void NamespaceView::for_each(
    const std::function<void(std::string_view key, const ValueView& value)>& visit) const {
  ShownEntries(*leaf_).for_each([&](const EntryLeaf& leaf) { visit(leaf.key(), leaf.view()); });
}

std::string_view NamespaceView::name() const {
  return *leaf_->name;
}
std::size_t NamespaceView::size() const {
  return ShownEntries(*leaf_).size();
}
Seq NamespaceView::seq() const {
  return leaf_->seq;
}
Revision NamespaceView::rev() const {
  return leaf_->rev;
}
std::uint64_t NamespaceView::hash() const {
  return leaf_->content_hash;
}
NamespaceState NamespaceView::state() const {
  return leaf_->state;
}

Rung NamespaceView::rung() const {
  return leaf_->rung;
}
std::chrono::milliseconds NamespaceView::age(Steady now) const {
  return leaf_->age(now);
}

View::View(View&& other) noexcept
    : pins_(std::exchange(other.pins_, nullptr)), slot_(other.slot_), root_(other.root_) {}

View& View::operator=(View&& other) noexcept {
  if (this != &other) {
    if (pins_ != nullptr) pins_->unpin(slot_);
    pins_ = std::exchange(other.pins_, nullptr);
    slot_ = other.slot_;
    root_ = other.root_;
  }
  return *this;
}

View::~View() {
  if (pins_ != nullptr) pins_->unpin(slot_);
}

std::optional<NamespaceView> View::in(std::string_view ns) const {
  const NamespaceLeaf* leaf = root_->find(ns);
  if (leaf == nullptr || !leaf->shown || leaf->refused) return std::nullopt;
  return NamespaceView(*leaf);
}

std::optional<ValueView> View::get(std::string_view ns, std::string_view key) const {
  const auto found = in(ns);
  return found ? found->get(key) : std::nullopt;
}

void View::for_each(std::string_view ns,
                    const std::function<void(std::string_view key, const ValueView& value)>& visit) const {
  if (const auto found = in(ns)) found->for_each(visit);
}

std::vector<std::string> View::namespaces() const {
  std::vector<std::string> out;
  root_->namespaces.for_each([&](const NamespaceLeaf& leaf) {
    if (leaf.shown && !leaf.refused) out.push_back(*leaf.name);
  });
  std::sort(out.begin(), out.end());
  return out;
}

Epoch View::epoch() const {
  return root_->epoch;
}

std::optional<Seq> View::seq(std::string_view ns) const {
  const auto found = in(ns);
  return found ? std::optional<Seq>(found->seq()) : std::nullopt;
}

std::optional<std::uint64_t> View::hash(std::string_view ns) const {
  const auto found = in(ns);
  return found ? std::optional<std::uint64_t>(found->hash()) : std::nullopt;
}

}  // namespace prismbus
