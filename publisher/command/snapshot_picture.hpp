// Everything in a namespace or a subtree, at one revision: what `snapshot` prints. The command's one thread.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "publisher/command/session.hpp"

namespace prismbus::command {

struct SnapshotPicture {
  Epoch epoch;
  Revision rev;
  std::map<std::pair<std::string, std::string>, Entry> entries;  // by namespace, key
  std::map<std::string, Head> heads;
};

// Chunks come at growing revisions; the change sets in between bring the earlier ones up to the last, by the
// contract's section 7. Exit::try_later when hashes show that the outcome is not the broker's state.
[[nodiscard]] Outcome<SnapshotPicture> read_snapshot(Session& session, const std::string& ns, bool subtree);

}  // namespace prismbus::command
