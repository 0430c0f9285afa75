// All entries of a namespace, or of a subtree, at one revision, as lines of JSON:
//   {"epoch", "rev", "heads": {ns: head}}       the heads as they were at `rev`
//   an entry a line, in order of namespace and key
//   {"end": true, "entries": n}                 without it the snapshot is not whole
// Heads and revision come from `namespaces`, read again when a write came between its pages; the entries are
// read as of that revision, page by page, so that nothing is held while the client reads. An error on the way
// is the last line: {"error": {...}}.
#pragma once

#include <memory>

#include "broker/gateway/http/core_request.hpp"
#include "broker/gateway/http/exchange.hpp"
#include "broker/gateway/http/http_target.hpp"
#include "broker/gateway/http/route.hpp"

namespace prismbus {

// `asked` is the request as core_request_of() took it: who asks, and of which history.
[[nodiscard]] std::unique_ptr<Exchange> open_snapshot_stream(const CoreRequest& asked,
                                                             const RouteMatch& match,
                                                             const HttpTarget& target);

}  // namespace prismbus
