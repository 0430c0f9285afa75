// The disk space of LMDB's lock.mdb, which LMDB itself never asks for: it makes the file sparse, maps it, and
// a file system without a free page then ends the process with SIGBUS as it writes the first reader's slot.
#pragma once

#include <string>

namespace prismbus::lmdb {

// Gives `dir`/lock.mdb its space, with room for `max_readers`, before LMDB opens it; makes the file when it
// is not there. One that exists keeps its size, since others may have mapped it. Returns 0 or an errno:
// ENOSPC and EDQUOT are told. Whatever else is wrong (no such directory, no permission, read-only) is left
// for LMDB to say.
[[nodiscard]] int allocate_lock_file(const std::string& dir, unsigned max_readers);

}  // namespace prismbus::lmdb
