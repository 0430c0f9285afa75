// The reads that both client libraries offer. Names are not checked here: what is malformed the broker
// refuses with `invalid_argument` and its field. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/client/broker_read.hpp"

namespace prismbus {

[[nodiscard]] Asked<Entry> ask_get(std::string_view ns, std::string_view key, const ReadCall& call);
[[nodiscard]] Asked<std::vector<std::optional<Entry>>> ask_mget(std::string_view ns,
                                                                std::vector<std::string> keys,
                                                                const ReadCall& call);
[[nodiscard]] Asked<std::vector<Entry>> ask_list(ListCall call);
[[nodiscard]] Asked<std::vector<NamespaceRow>> ask_namespaces(std::string_view under, const ReadCall& call);
[[nodiscard]] Asked<HistoryReply> ask_history(HistoryCall call);
[[nodiscard]] Asked<DiffReply> ask_diff(DiffCall call);

}  // namespace prismbus
