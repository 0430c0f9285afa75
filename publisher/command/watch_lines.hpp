// What `watch` prints for each thing that happens: lines for a person, or one JSON object a line in the shape
// of the WebSocket messages of section 8 (snapshot, subscribed, change), with `state` and `gap` beside them.
// The command's one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "proto/json/value.hpp"
#include "publisher/command/secret_values.hpp"
#include "publisher/command/terminal/terminal.hpp"
#include "publisher/command/watch_feed.hpp"

namespace prismbus::command {

struct WatchLook {
  bool json = false;
  bool with_namespace = false;  // more than one may come
  bool changes_only = false;    // the state found at the start is not printed
  std::optional<std::string> glob;
};

class WatchLines {
 public:
  // `secrets` and `terminal` outlive it.
  WatchLines(WatchLook look, SecretValues& secrets, Terminal& terminal)
      : look_(std::move(look)), secrets_(&secrets), terminal_(&terminal) {}

  enum class Part : std::uint8_t { nothing, found, change };  // found: the state at the start
  // Leaves of a set what the look asks for, and says what that is.
  [[nodiscard]] Part select(WatchedSet& set);
  // What select() leaves; true when it is a change.
  bool print(const WatchedSet& set, Epoch epoch);
  void print(const WatchedState& state);
  void print_dropped(std::uint64_t sets);
  // The state at the start is complete.
  void print_subscribed(const SubscriberStatus& status);

 private:
  void print_json_set(const WatchedSet& set, Epoch epoch, bool initial, Shown shown) const;
  void print_text_set(const WatchedSet& set, bool initial, Shown shown) const;
  void notice(const std::string& text) const;

  WatchLook look_;
  SecretValues* secrets_;
  Terminal* terminal_;
  std::set<std::string> seen_;   // namespaces of which something came
  std::set<std::string> stale_;  // namespaces that are stale now
};

}  // namespace prismbus::command
