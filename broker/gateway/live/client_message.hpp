// What a client says on /ws/config/subscribe (section 8): one JSON object a text frame. Judges its form
// alone; names, globs, tokens and rights are the core's to judge. Pure function, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proto/base/strong.hpp"
#include "proto/json/value.hpp"

namespace prismbus {

using SubscriptionId = std::uint64_t;  // the client's own, unique on its socket

struct SubscribeMessage {
  SubscriptionId id = 0;
  std::string ns;
  bool subtree = false;
  std::string glob{};  // empty: every key
  // One seq for `ns` itself, or one for each name of a subtree; names that are not there are at 0.
  std::optional<std::map<std::string, Seq>> since{};
  bool snapshot = true;  // without `since`: the entries come first
  std::optional<Epoch> epoch{};
};
struct UnsubscribeMessage {
  SubscriptionId id = 0;
};
struct PauseMessage {
  SubscriptionId id = 0;
};
struct ResumeMessage {
  SubscriptionId id = 0;
};
struct AckMessage {
  Value fields;  // those of the op `ack`
};
struct TokenMessage {
  std::string token;
};
using ClientMessage =
    std::variant<SubscribeMessage, UnsubscribeMessage, PauseMessage, ResumeMessage, AckMessage, TokenMessage>;

struct ClientMistake {
  std::optional<SubscriptionId> id;  // as far as it could be read
  Error error;
};

// Errors: invalid_argument, unsupported; both name the field.
[[nodiscard]] Result<ClientMessage, ClientMistake> parse_client_message(std::string_view text);

}  // namespace prismbus
