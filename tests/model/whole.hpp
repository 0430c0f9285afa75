// All a broker holds, asked for at its door and held against the reference: heads and counters, entries,
// every change set above the floor, every key's versions. After a restore or a rebuild nothing less will do.
#pragma once

#include "tests/model/world.hpp"

namespace prismbus::model {

// Of a broker that has just started and has told everything it recovered. Throws Violation.
void check_whole(World& world);

}  // namespace prismbus::model
