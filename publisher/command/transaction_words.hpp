// A transaction as a person writes it: words of the command line, or a JSON document. Pure functions, any
// thread.
#pragma once

#include <string>
#include <vector>

#include "proto/json/value.hpp"
#include "publisher/command/failure.hpp"
#include "publisher/transaction.hpp"

namespace prismbus::command {

// put NS KEY VALUE | delete NS KEY, one after the other; a `--` between them is skipped.
[[nodiscard]] Outcome<void> add_words(const std::vector<std::string>& words, Transaction& transaction);

// NS KEY REV, three words each.
[[nodiscard]] Outcome<void> add_requirements(const std::vector<std::string>& words, Transaction& transaction);

// {"do": [{"op": "put" | "delete", "ns", "key", "value"?}], "if"?: [{"ns", "key", "rev"}], "note"?}: the
// fields of the request. A field nobody knows is refused: a misspelt `if` must not go unnoticed.
[[nodiscard]] Outcome<void> add_document(const Value& document, Transaction& transaction);

}  // namespace prismbus::command
