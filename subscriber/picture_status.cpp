#include "subscriber/picture_status.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "proto/base/clock.hpp"
#include "proto/wire/names.hpp"
#include "subscriber/view/shown_entries.hpp"

namespace prismbus {

SubscriberStatus status_of(const ViewRoot& root, Steady now) {
  SubscriberStatus out;
  out.connected = root.connected;
  if (root.broker) out.broker = *root.broker;
  if (root.refused) out.refused = *root.refused;
  out.epoch = root.epoch;
  out.sync = root.metrics;
  if (root.history) out.history = *root.history;
  root.namespaces.for_each([&](const NamespaceLeaf& leaf) {
    NamespaceStatus ns;
    ns.ns = *leaf.name;
    ns.state = leaf.state;
    ns.seq = leaf.seq;
    ns.rev = leaf.rev;
    ns.hash = leaf.content_hash;
    ns.keys = ShownEntries(leaf).size();
    ns.kept_back = leaf.kept.size();
    if (leaf.rejected) ns.rejected = *leaf.rejected;
    ns.rung = leaf.rung;
    ns.age = leaf.age(now);
    ns.resyncs = leaf.resyncs;
    ns.events = leaf.events;
    ns.bytes = leaf.bytes;
    ns.behind = leaf.behind;
    ns.latency = leaf.latency;
    if (leaf.why) ns.why = *leaf.why;
    out.namespaces.push_back(std::move(ns));
  });
  std::sort(out.namespaces.begin(), out.namespaces.end(),
            [](const NamespaceStatus& a, const NamespaceStatus& b) { return a.ns < b.ns; });
  return out;
}

Result<void> readable_in(const ViewRoot& root, const FollowSet& follow, std::string_view ns) {
  if (!follow.covers(ns)) return fail_field("ns", std::string(ns) + " is not followed");
  const NamespaceLeaf* leaf = root.find(ns);
  if (leaf != nullptr && leaf->shown && !leaf->refused) return {};
  const std::string why = leaf != nullptr && leaf->why ? *leaf->why
                          : root.refused               ? root.refused->message
                          : root.connected             ? "its first snapshot is on its way"
                                           : "no broker answered yet, and neither cache nor seed holds it";
  const std::string_view refused = leaf != nullptr && leaf->refused ? ": too old to be served: " : ": ";
  return fail(ErrorCode::unavailable, std::string(ns).append(refused) + why);
}

std::optional<std::chrono::milliseconds> age_in(const ViewRoot& root, std::string_view ns, Steady now) {
  const NamespaceLeaf* leaf = root.find(ns);
  return leaf != nullptr && leaf->shown ? std::optional(leaf->age(now)) : std::nullopt;
}

Result<void> validate_staleness(const std::vector<StalenessRule>& rules) {
  for (const StalenessRule& rule : rules) {
    if (rule.after < std::chrono::milliseconds(0) || rule.after > kDurationMax) {
      return fail_field("staleness", "an age is 0 to ten years");
    }
    if (rule.under.empty()) continue;
    if (auto valid = validate_namespace(rule.under, "staleness"); !valid) return valid;
  }
  return {};
}

}  // namespace prismbus
