// The state's table handles: opened once, then plain integers that every thread copies.
#pragma once

#include "broker/store/state.hpp"
#include "proto/base/lmdb.hpp"

namespace prismbus {

struct State::Tables {
  lmdb::Dbi head{}, deleted{}, history{}, changesets{}, namespaces{}, sessions{}, meta{};

  [[nodiscard]] static lmdb::Outcome<Tables> open(MDB_txn* txn, bool create);
};

}  // namespace prismbus
