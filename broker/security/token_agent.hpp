// The token thread's agent: verifies tokens off the bus thread, and looks each second whether the file with
// the keys has changed. A file that cannot be taken leaves the former keys in force; the log and the audit
// file tell of either.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/ports.hpp"
#include "broker/security/key_file_news.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/file_look.hpp"
#include "proto/token/token_verifier.hpp"

namespace prismbus {

// A request that waits for its token.
struct TokenJob {
  ReplyTo to;
  std::string payload;
  std::string token, hash;  // SHA-256 of it in hex
};
struct TokenDone {
  ReplyTo to;
  std::string payload, token, hash;
  Result<TokenClaims> claims;
  Steady at{};                // when it was verified
  bool keys_changed = false;  // nothing else is set: what was verified by other keys counts no more
};

class TokenAgent {
 public:
  // `in` and `out` outlive this. An answer that finds no room in `out` is kept and offered again.
  TokenAgent(std::string keys_file, TokenVerifier verifier, BoundedQueue<TokenJob>& in,
             BoundedQueue<TokenDone>& out, BoundedQueue<AuditEntry>& to_audit, LogSink log);
  std::size_t step(Now now);  // verifies what is queued; returns how many answers it gave

 private:
  void look_at_file(Now now);
  [[nodiscard]] TokenDone verify(TokenJob& job, Now now) const;  // takes the job's texts

  FileLook keys_file_;
  TokenVerifier verifier_;
  BoundedQueue<TokenJob>& in_;
  BoundedQueue<TokenDone>& out_;
  KeyFileNews news_;
  std::vector<TokenJob> jobs_;
  std::size_t next_ = 0;             // of jobs_
  std::optional<TokenDone> unsent_;  // the answer to jobs_[next_]
};

}  // namespace prismbus
