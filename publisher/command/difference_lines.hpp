// Differences between two states of a namespace as a person reads them: + added, - removed, ~ changed.
// Shared by import --dry-run, diff and rollback --dry-run. Pure but for the terminal.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "publisher/command/documents/difference.hpp"
#include "publisher/command/session.hpp"
#include "publisher/command/shown_value.hpp"
#include "publisher/command/terminal/terminal.hpp"

namespace prismbus::command {

// One line each; on a terminal that is too narrow for both values, a changed one takes three: the key, then
// - and +, cut to the width.
void print_differences(const std::vector<Difference>& differences, Shown shown, Terminal& terminal);

struct DiffAnswer {
  Epoch epoch;
  Revision rev;
  std::vector<KeyDifference> changes;
};

// All pages of `diff`. `to` 0 = now.
[[nodiscard]] Outcome<DiffAnswer> read_diff(Session& session, const std::string& ns, Revision from,
                                            Revision to);

[[nodiscard]] Difference to_difference(const KeyDifference& d);

}  // namespace prismbus::command
