// Thousands of followers in one process: each a request connection as the client libraries have it, by CURVE
// and with a token of its own, and a SUB of its own on the stream. They do what a library does to be joined,
// and nothing with what they follow: `hello`, subscribe, and the barrier that proves it; a barrier of another
// run is answered by `hello` and a new one. One thread besides libzmq's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/base/result.hpp"
#include "proto/base/strong.hpp"
#include "proto/transport/context.hpp"

namespace prismbus::perf {

class FollowerCrowd {
 public:
  static constexpr std::string_view kNamespace = "perf.followed";

  // One follower for each of `tokens`. Connects in the background. Errors: an endpoint or key that is none.
  [[nodiscard]] static Result<std::unique_ptr<FollowerCrowd>, std::string> make(
      const std::string& endpoint, const std::string& server_key, const std::vector<std::string>& tokens);
  ~FollowerCrowd();

  // Looks at every follower once; does not block.
  void step(Now now);
  // The run all of them were greeted by and hear the stream of; none while they do not agree.
  [[nodiscard]] Run joined() const;
  [[nodiscard]] std::uint64_t moves() const;  // connections given up for a new one, so far

 private:
  class Follower;
  FollowerCrowd() = default;
  Context context_;
  std::vector<std::unique_ptr<Follower>> followers_;
};

struct FollowerProcess {
  std::string requests, server_key, tokens_file;  // an endpoint; a token a line
};
// Such a crowd in this process until a signal ends it: whenever all of it has joined a run, a line on stdout
// with how many they are, the steady clock's nanoseconds and the moves so far. Returns 1, with the reason on
// stderr, when there can be none.
int run_follower_process(const FollowerProcess& process);

}  // namespace prismbus::perf
