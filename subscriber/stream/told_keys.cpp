#include "subscriber/stream/told_keys.hpp"

#include <algorithm>
#include <utility>

#include "proto/seal/key_tree.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {

const ToldKeys::Keys::value_type* ToldKeys::OfPeriod::node_above(std::string_view ns) const {
  if (nodes.empty()) return nullptr;
  for (std::string_view above = ns; !above.empty();) {
    if (const auto found = nodes.find(above); found != nodes.end()) return &*found;
    const auto dot = above.rfind('.');
    above = above.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  if (is_system_namespace(ns)) return nullptr;
  const auto root = nodes.find(std::string_view());
  return root == nodes.end() ? nullptr : &*root;
}

// Of the answer's own generation nothing stays; older ones have their time, if there is room.
void ToldKeys::make_room(Period told, Steady now) {
  std::erase_if(periods_, [&](const OfPeriod& p) { return p.period.generation() == told.generation(); });
  for (OfPeriod& p : periods_) {
    if (p.drop_at == Steady::max()) p.drop_at = now + kOlderGenerations;
    next_drop_ = std::min(next_drop_, p.drop_at);
  }
  constexpr std::size_t kNew = 3;
  if (periods_.size() + kNew > kPeriods) {
    const auto surplus = static_cast<std::ptrdiff_t>(periods_.size() + kNew - kPeriods);
    periods_.erase(periods_.begin(), periods_.begin() + surplus);
  }
}

bool ToldKeys::take(KeysTold&& told, Steady now) {
  if (told.period.generation() < last_.generation()) return false;
  drop_outdated(now);
  make_room(told.period, now);
  last_ = told.period;
  cut_ = told.keys.size() > kKeys;
  if (cut_) told.keys.resize(kKeys);
  for (ToldKey& k : told.keys) {
    if (!k.period.is_told_in(told.period)) continue;
    if (!is_namespace(k.ns) && !(k.node && k.ns.empty())) continue;
    auto of = std::find_if(periods_.begin(), periods_.end(),
                           [&](const OfPeriod& p) { return p.period == k.period; });
    if (of == periods_.end()) {
      periods_.emplace_back();
      of = std::prev(periods_.end());
      of->period = k.period;
    }
    (k.node ? of->nodes : of->leaves).insert_or_assign(std::move(k.ns), k.key);
  }
  return true;
}

const StreamKey* ToldKeys::leaf(Period period, std::string_view ns) {
  const auto of =
      std::find_if(periods_.rbegin(), periods_.rend(), [&](const OfPeriod& p) { return p.period == period; });
  if (of == periods_.rend()) return nullptr;
  if (const auto found = of->leaves.find(ns); found != of->leaves.end()) return &found->second;
  if (const auto found = of->derived.find(ns); found != of->derived.end()) return &found->second;
  const auto* node = of->node_above(ns);
  if (node == nullptr) return nullptr;
  auto key = leaf_below(node->second, node->first, ns);
  if (!key) return nullptr;
  if (of->derived.size() >= kDerivedLeaves) of->derived.clear();
  return &of->derived.insert_or_assign(std::string(ns), *key).first->second;
}

bool ToldKeys::covers(std::string_view ns) const {
  return cut_ || std::any_of(periods_.begin(), periods_.end(), [&](const OfPeriod& p) {
           return p.period.generation() == last_.generation() &&
                  (p.leaves.contains(ns) || p.node_above(ns) != nullptr);
         });
}

void ToldKeys::drop_outdated(Steady now) {
  if (now < next_drop_) return;
  std::erase_if(periods_, [&](const OfPeriod& p) { return now >= p.drop_at; });
  next_drop_ = Steady::max();
  for (const OfPeriod& p : periods_) next_drop_ = std::min(next_drop_, p.drop_at);
}

}  // namespace prismbus
