#include "broker/core/rollback_desk.hpp"

#include <utility>

#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

Error too_large(const RollbackPlan& plan) {
  if (plan.count() > limits::kTxnChanges) {
    return over_limit("to", "a rollback that changes too much for one transaction", limits::kTxnChanges,
                      plan.count());
  }
  return over_limit("to", "keys and values of this rollback are too large for one transaction",
                    limits::kTxnBytes, plan.bytes());
}

}  // namespace

bool RollbackDesk::has_items(const Asked& asked, WriteIntent& intent, Revision applied) {
  RollbackVerdict verdict = plan(asked, intent, applied);
  if (const auto* wait = std::get_if<MustWait>(&verdict)) waiting_.park(asked, wait->until_applied);
  if (auto* no = std::get_if<Refused>(&verdict)) fates_.settle(asked, std::move(no->error), no->rests_on);
  if (const auto* same = std::get_if<NothingDiffers>(&verdict))
    fates_.settle(asked, same->reply, same->rests_on);
  return std::holds_alternative<ItemsReady>(verdict);
}

RollbackVerdict RollbackDesk::plan(const Asked& asked, WriteIntent& intent, Revision applied) {
  const RollbackRequest& request = *intent.rollback;
  if (asked.plan == nullptr) {
    if (request.to > applied) return MustWait{request.to};
    return send(asked, request.ns, {});
  }
  RollbackWork& work = *asked.plan;
  const RollbackPlan& plan = work.plan;
  if (plan.error()) return Refused{*plan.error(), {}};
  if (work.drops != pending_.drops()) return send(asked, request.ns, {{}, {}, {}, 0, work.tries + 1});
  if (!plan.complete()) return send(asked, request.ns, std::move(work));
  const auto* moving = pending_.find_namespace(request.ns);
  const Revision rests_on = moving != nullptr ? moving->rev : Revision();
  if (plan.too_large()) return Refused{too_large(plan), rests_on};
  const auto fact = ledger_.find_namespace(request.ns);
  if (!fact) return Refused{fact.error(), {}};
  if (fact->seq != plan.seq()) {
    ++work.tries;
    return send(asked, request.ns, std::move(work));
  }
  if (plan.changes().empty()) return NothingDiffers{{fact->seq, 0, false}, rests_on};
  for (const auto& [key, value] : plan.changes()) {
    intent.items.push_back({value ? ChangeOp::put : ChangeOp::del, request.ns, key,
                            value ? std::string_view(*value) : std::string_view()});
  }
  return ItemsReady{};
}

RollbackVerdict RollbackDesk::send(const Asked& asked, std::string_view ns, RollbackWork work) {
  if (work.tries >= kTries)
    return Refused{overloaded("the namespace is written faster than it can be rolled back", 50), {}};
  work.ns = ns;
  work.drops = pending_.drops();
  if (auto sent = reads_.send(asked, std::make_unique<RollbackWork>(std::move(work))); !sent)
    return Refused{sent.error(), {}};
  return WithReader{};
}

}  // namespace prismbus
