// Values of secret namespaces on their way from the disk to a reader: nothing above the store sees a sealed
// one. What is folded, backed up, restored or checked stays sealed and needs no key.
#pragma once

#include <string>
#include <string_view>

#include "broker/store/transaction.hpp"
#include "proto/seal/value_seal.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// Itself when none of its values is sealed; else a copy with all of them open. Errors: internal (no vault,
// another master's, changed on the disk), naming the record.
[[nodiscard]] Result<TransactionPtr> with_open_values(TransactionPtr txn, const ValueVault* vault);

// The value at `place`: `on_disk` itself, or opened into `buffer`. Errors: the same.
[[nodiscard]] Result<std::string_view> open_value(const ValueVault* vault, const ValuePlace& place,
                                                  std::string_view on_disk, std::string& buffer);

}  // namespace prismbus
