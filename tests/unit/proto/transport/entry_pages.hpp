// Replies of entries as a broker writes them, for the tests of those who read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/codec/reply.hpp"

namespace prismbus {

[[nodiscard]] EntryView entry_of(std::string_view ns, std::string_view key, std::string_view value,
                                 Revision rev);
// `after` set = there is more.
[[nodiscard]] std::string entries_reply(const codec::ReplyHead& head,
                                        const std::vector<std::optional<EntryView>>& entries,
                                        std::optional<std::string_view> after);

}  // namespace prismbus
