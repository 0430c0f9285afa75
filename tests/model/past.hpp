// The past as the store tells it, held against the reference: as-of reads of a few revisions at and above the
// floor, `compacted` below it, and a floor that never takes what retention promised to keep.
#pragma once

#include "tests/model/world.hpp"

namespace prismbus::model {

// Of what is folded. Throws Violation.
void check_past(World& world);

}  // namespace prismbus::model
