#include "broker/security/token_agent.hpp"

#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {

TokenAgent::TokenAgent(std::string keys_file, TokenVerifier verifier, BoundedQueue<TokenJob>& in,
                       BoundedQueue<TokenDone>& out, LogSink log)
    : keys_file_(std::move(keys_file)),
      verifier_(std::move(verifier)),
      in_(in),
      out_(out),
      log_(std::move(log)) {}

std::size_t TokenAgent::step(Now now) {
  look_at_file(now);
  in_.drain(jobs_);
  for (TokenJob& job : jobs_) {
    auto claims = verifier_.verify(job.token, now.wall);
    const bool taken =
        out_.try_push(TokenDone{std::move(job.to), std::move(job.payload), std::move(job.token),
                                std::move(job.hash), std::move(claims), now.steady, false});
    PRISMBUS_ASSERT(taken, "as many answers fit as jobs were let in");
  }
  const std::size_t done = jobs_.size();
  jobs_.clear();
  return done;
}

void TokenAgent::look_at_file(Now now) {
  if (!keys_file_.changed(now)) return;
  auto keys = TokenKeys::load(keys_file_.path(), KeepParts::verifying);
  if (!keys) {
    if (log_) log_(LogLevel::error, LogLine("token_keys_not_taken").with("why", keys.error().message).text());
    return keys_file_.taken();
  }
  TokenDone changed{{}, {}, {}, {}, TokenClaims{}, now.steady, true};
  if (!out_.try_push(std::move(changed))) return;  // the next look tries again
  keys_file_.taken();
  verifier_ = TokenVerifier(std::move(*keys), verifier_.rules());
  if (log_)
    log_(LogLevel::info, LogLine("token_keys_taken").with("keys", verifier_.keys().all().size()).text());
}

}  // namespace prismbus
