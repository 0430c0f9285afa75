// What each operation needs, one row an operation (PROTOCOL section 4, column "needs"): an operation without
// a row does not compile. The hallway asks it before anything of a request is looked at, and the reader
// thread again under the policy of its view. What one row cannot say is said there: each item of a write and
// each condition (write_gate.hpp), each name of `changes` and `keys`, and what lies below a subtree
// (read_scope.hpp, pages).
#pragma once

#include <optional>
#include <string_view>

#include "broker/core/access.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

struct OpNeeds {
  enum class What : std::uint8_t {
    nothing,     // anybody may ask, and is told what he may know
    read_exact,  // `ns`
    read_each,   // names and subtrees, of which what may not be read is left out or failed alone
    write_each,  // judged item by item
    administer,  // admin on everything
  };
  What what = What::nothing;
  std::string_view ns{};  // of read_exact
};

[[nodiscard]] OpNeeds needs_of(const RequestBody& body);
// Errors: permission_denied.
[[nodiscard]] Result<void> authorise(const Access& access, const RequestBody& body);

}  // namespace prismbus
