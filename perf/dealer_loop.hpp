// The same closed loop as closed_loop with one connection, but through a libzmq DEALER: what a client that
// uses the library sees, its own I/O thread and queues included; with credentials by CURVE
// and bound to their token. One thread besides libzmq's.
#pragma once

#include "perf/closed_loop.hpp"

namespace prismbus::perf {

// `load.connections` must be 1. Errors as run_closed_loop, and those of ZmqAsker::connect.
[[nodiscard]] Result<LoadFigures, std::string> run_dealer_loop(const ClosedLoop& load, RequestStream& stream);

}  // namespace prismbus::perf
