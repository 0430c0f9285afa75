// How this code reports what the world did: tl::expected, shaped like std::expected.
// Bugs are PRISMBUS_ASSERT; exceptions stay inside third-party calls.
#pragma once

#include <tl/expected.hpp>

namespace prismbus {

struct Error;  // proto/wire/error.hpp: a code of the protocol's table, a message, its extra fields

template <class T, class E = Error>
using Result = tl::expected<T, E>;

using tl::unexpected;

}  // namespace prismbus
