#include "broker/security/token_agent.hpp"

#include <utility>

namespace prismbus {

TokenAgent::TokenAgent(std::string keys_file, TokenVerifier verifier, BoundedQueue<TokenJob>& in,
                       BoundedQueue<TokenDone>& out, BoundedQueue<AuditEntry>& to_audit, LogSink log)
    : keys_file_(std::move(keys_file)),
      verifier_(std::move(verifier)),
      in_(in),
      out_(out),
      news_("token_keys", to_audit, std::move(log)) {}

std::size_t TokenAgent::step(Now now) {
  look_at_file(now);
  if (jobs_.empty()) in_.drain(jobs_);
  std::size_t told = 0;
  for (; next_ < jobs_.size(); ++next_, ++told) {
    if (!unsent_) unsent_ = verify(jobs_[next_], now);
    if (!out_.try_push(std::move(*unsent_))) return told;
    unsent_.reset();
  }
  jobs_.clear();
  next_ = 0;
  return told;
}

TokenDone TokenAgent::verify(TokenJob& job, Now now) const {
  auto claims = verifier_.verify(job.token, now.wall);
  return {std::move(job.to),
          std::move(job.payload),
          std::move(job.token),
          std::move(job.hash),
          std::move(claims),
          now.steady,
          false};
}

void TokenAgent::look_at_file(Now now) {
  // An answer that waits was judged by the present keys: it goes out before the word that they changed.
  if (unsent_ || !keys_file_.changed(now)) return;
  auto keys = TokenKeys::load(keys_file_.path(), KeepParts::verifying);
  if (!keys) {
    news_.not_taken(keys.error());
    return keys_file_.taken();
  }
  TokenDone changed{{}, {}, {}, {}, TokenClaims{}, now.steady, true};
  if (!out_.try_push(std::move(changed))) return;  // the next look tries again
  keys_file_.taken();
  verifier_ = TokenVerifier(std::move(*keys), verifier_.rules());
  news_.taken(verifier_.keys().all().size());
}

}  // namespace prismbus
