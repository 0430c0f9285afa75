// put, delete, txn and rollback brought to one shape: items, conditions, who asked. Lends from the decoded
// request; a rollback's items are put in by the rollback desk, which learns them, and lend from its plan.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "broker/store/transaction.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

struct WriteIntent {
  WriteOp op = WriteOp::put;
  std::vector<TxnRequest::Do> items;
  std::vector<TxnRequest::If> conditions;
  WriteOptions options;
  const RollbackRequest* rollback = nullptr;  // set for one

  [[nodiscard]] std::size_t bytes() const;  // keys and values
};

// False when the request is no write. Reuses the vectors of `into`.
[[nodiscard]] bool to_write_intent(const RequestBody& body, WriteIntent& into);

}  // namespace prismbus
