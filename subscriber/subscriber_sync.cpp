// Syncs on demand: from the caller's thread to the background thread, and the answer back once it is shown.
#include <algorithm>
#include <utility>
#include <vector>

#include "subscriber/subscriber_impl.hpp"

namespace prismbus {

// ---- any thread ----

Subscriber::SyncFuture Subscriber::Impl::sync(SyncKind kind, std::vector<std::string> names,
                                              std::chrono::milliseconds at_most) {
  SyncCall call{kind, std::move(names), std::clamp(at_most, std::chrono::milliseconds(0), kDurationMax), {}};
  SyncFuture answer = call.promise.get_future();
  if (!sync_calls_.try_push(std::move(call))) {
    call.promise.set_value(unexpected<Error>(overloaded("too many syncs are asked for at once", 100)));
  } else if (stopped_.load(std::memory_order_seq_cst)) {
    refuse_sync_calls();  // stop() may have looked before
  }
  return answer;
}

void Subscriber::Impl::refuse_sync_calls() {
  std::vector<SyncCall> calls;
  sync_calls_.drain(calls);
  for (SyncCall& call : calls) {
    call.promise.set_value(fail(ErrorCode::unavailable, "the subscriber was stopped"));
  }
}

// ---- the background thread ----

void Subscriber::Impl::take_sync_calls() {
  std::vector<SyncCall> calls;
  sync_calls_.drain(calls);
  for (SyncCall& call : calls) {
    const auto begun = sync_.begin_sync(call.kind, call.names, call.at_most, now_);
    if (begun) {
      syncs_.emplace(*begun, std::move(call.promise));
    } else {
      call.promise.set_value(unexpected<Error>(begun.error()));
    }
  }
}

// After what the reports tell of was shown.
void Subscriber::Impl::answer_sync_calls() {
  for (auto& [id, report] : sync_.take_reports()) {
    const auto call = syncs_.extract(id);
    if (!call.empty()) call.mapped().set_value(std::move(report));
  }
  if (!stopping_.load(std::memory_order_acquire)) return;
  for (auto& [id, promise] : syncs_) {
    promise.set_value(fail(ErrorCode::unavailable, "the subscriber was stopped"));
  }
  syncs_.clear();
}

}  // namespace prismbus
