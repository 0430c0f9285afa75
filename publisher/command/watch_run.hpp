// One run of `watch`: joins, tells what there is or what was missed, then every change, until it is told to
// end or what it waited for has come. The command's one thread; the subscriber has its own.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "publisher/command/change_pages.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/watch_lines.hpp"
#include "publisher/command/watch_program.hpp"

namespace prismbus::command {

struct WatchUntil {
  std::string key;
  Value value;
};

struct WatchOptions {
  std::string ns;
  bool subtree = false;
  WatchLook look;
  std::uint64_t count = 0;  // change sets; 0 = no end
  std::optional<Since> since;
  std::optional<WatchUntil> until;
  std::optional<std::string> program;  // of --exec; then nothing is printed of the changes
  OnFailure on_failure = OnFailure::warn;
  bool reveal = false;
};

class WatchRun {
 public:
  // All of them outlive it.
  WatchRun(const WatchOptions& options, Invocation& in, Subscriber& subscriber, WatchFeed& feed,
           const StopSignals& signals);

  // Ends well on INT, TERM, --count and --until.
  [[nodiscard]] Outcome<void> run();

 private:
  Outcome<void> take_news();
  Outcome<void> take(const WatchedSet& set, Epoch epoch);
  Outcome<void> tell(const WatchedSet& set, Epoch epoch);
  Outcome<void> check_subscribed();
  Outcome<void> tell_missed();
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] tl::unexpected<Failure> not_live() const;

  const WatchOptions& options_;
  Invocation& in_;
  Subscriber& subscriber_;
  WatchFeed& feed_;
  const StopSignals& signals_;
  SecretValues secrets_;
  WatchLines lines_;
  std::optional<WatchProgram> program_;
  std::map<std::string, Seq> shown_;   // of each namespace: the last seq that came
  std::map<std::string, Seq> missed_;  // ... and the last that tell_missed() told
  std::optional<std::chrono::steady_clock::time_point> live_since_;
  bool subscribed_ = false, found_ = false;
  std::uint64_t told_ = 0;
};

}  // namespace prismbus::command
