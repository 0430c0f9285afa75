// Data brought into a broker before a measurement: a key space as transactions of many puts. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "perf/request_stream.hpp"
#include "proto/base/result.hpp"
#include "proto/transport/credentials.hpp"

namespace prismbus::perf {

// Keys first..first+count-1 of `space` as payloads of transactions, `per_txn` (1..1000) puts each.
[[nodiscard]] std::vector<std::string> loading_transactions(const KeySpace& space, std::uint64_t first,
                                                            std::uint64_t count, std::size_t per_txn);

// Puts every key of `space` once, repeating what was `overloaded`. Blocks. Errors: those of
// ZmqAsker::connect, no answer for ten seconds, or a refusal.
[[nodiscard]] Result<void, std::string> load_keys(const std::string& endpoint, const KeySpace& space,
                                                  const Credentials& credentials);

}  // namespace prismbus::perf
