// SyncState, what is too old: rules for namespaces that are shown and not live. The first rule that covers a
// namespace counts. Judged at the time that next_deadline() names, so a refusal comes with the background
// thread's next step, not with a reader's clock.
#include <algorithm>

#include "proto/wire/names.hpp"
#include "subscriber/sync/sync_state.hpp"

namespace prismbus {

void SyncState::judge_staleness(FollowedNamespace& n, Now now) {
  if (n.state == NamespaceState::live || !n.shown || n.stale_told || n.current_at == Steady{}) return;
  const auto rule = std::find_if(options_.staleness.begin(), options_.staleness.end(),
                                 [&](const StalenessRule& r) { return is_under(*n.name, r.under); });
  if (rule == options_.staleness.end() || rule->policy == StalenessPolicy::serve) return;
  const Steady due = n.current_at + rule->after;
  if (now.steady < due) {
    stale_at_ = std::min(stale_at_, due);
    return;
  }
  n.stale_told = true;
  n.refused = rule->policy == StalenessPolicy::refuse;
  SyncEvent event;
  event.kind = SyncEvent::Kind::stale;
  event.ns = n.name;
  event.age = std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - n.current_at);
  event.refused = n.refused;
  event.why = n.why;
  actions_->log(LogLevel::warn, LogLine("stale")
                                    .with("ns", *n.name)
                                    .with("age_ms", event.age.count())
                                    .with("refused", n.refused)
                                    .with("why", n.why ? *n.why : std::string()));
  events_.push_back(std::move(event));
  mark_dirty(n);
}

void SyncState::check_staleness(Now now) {
  if (now.steady < stale_at_) return;
  stale_at_ = Steady::max();
  if (options_.staleness.empty()) return;
  for (auto& [name, n] : namespaces_) judge_staleness(*n, now);
}

}  // namespace prismbus
