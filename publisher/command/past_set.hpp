// A change set of the past in the form watch tells changes in. Pure, any thread.
#pragma once

#include <string>

#include "publisher/command/watch_feed.hpp"

namespace prismbus::command {

// What a key held before is not in a change set: `before` stays empty.
[[nodiscard]] WatchedSet past_set(const std::string& ns, const ChangeSet& set);

}  // namespace prismbus::command
