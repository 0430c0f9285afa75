// What a failed write means, from LMDB's code and from what the file system says about itself.
//
//   code at the failing call             meaning
//   ENOSPC, EDQUOT                       no_space: nothing of the transaction is there
//   EIO with the file system full        no_space: LMDB calls a short write EIO
//   MDB_MAP_FULL                         map_full: nothing of the transaction is there
//   any with outcome_unknown             unknown: the meta page was not written, the environment is condemned
//   MDB_PANIC                            unknown: an earlier write ended so
//   anything else                        io
#pragma once

#include <string>

#include "broker/store/journal.hpp"
#include "broker/store/state.hpp"
#include "proto/base/lmdb.hpp"

namespace prismbus {

// Less than 1 MiB is left for whoever runs this. False when it cannot be told.
[[nodiscard]] bool file_system_is_full(const lmdb::Env& env);

// Asks the file system of `env` when the code alone does not tell.
[[nodiscard]] AppendFailure append_failure(const lmdb::Env& env, const lmdb::Fault& fault);
[[nodiscard]] FoldFailure fold_failure(const lmdb::Env& env, const lmdb::Fault& fault);

// An LMDB fault met while reading or opening, as the protocol's `unavailable` or `internal`.
[[nodiscard]] Error open_error(std::string_view what, const lmdb::Fault& fault);
[[nodiscard]] Error read_error(std::string_view what, const lmdb::Fault& fault);

}  // namespace prismbus
