// What the gateway says on its WebSockets (section 8). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/gateway/live/client_message.hpp"
#include "broker/gateway/live/outbox.hpp"
#include "proto/base/strong.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// `entries`: a JSON array.
[[nodiscard]] OutMessage snapshot_message(SubscriptionId id, const std::string& entries, bool more);
// `heads`: a JSON object.
[[nodiscard]] OutMessage subscribed_message(SubscriptionId id, Epoch epoch, const std::string& heads);
[[nodiscard]] OutMessage change_message(SubscriptionId id, SharedText text);
[[nodiscard]] OutMessage gap_message(SubscriptionId id, std::string_view ns, Seq told);
[[nodiscard]] OutMessage error_message(std::optional<SubscriptionId> id, const Error& error);

}  // namespace prismbus
