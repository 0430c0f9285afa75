// ETag of an entry and the preconditions of HTTP, as the contract's conditions: `"<epoch in hex>-<rev>"`.
// Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/gateway/http/http_message.hpp"
#include "proto/base/strong.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

struct EntityTag {
  Epoch epoch;
  Revision rev;
  friend bool operator==(const EntityTag&, const EntityTag&) = default;
};

[[nodiscard]] std::string entity_tag_text(const EntityTag& tag);  // with its quotes
// nullopt when it is no tag of ours; weak ones are none.
[[nodiscard]] std::optional<EntityTag> parse_entity_tag(std::string_view text);

// Whether `If-None-Match` names `tag`: the client has that already. `tag`: with its quotes, without `W/`.
[[nodiscard]] bool has_already(const HttpRequest& request, std::string_view tag);
[[nodiscard]] bool has_already(const HttpRequest& request, const EntityTag& tag);

// What a write asks to be so.
struct Precondition {
  enum class What : std::uint8_t { nothing, absent, present, exactly };
  What what = What::nothing;
  EntityTag tag{};  // of exactly
};
// Of a put or a delete. Errors: invalid_argument naming the header.
[[nodiscard]] Result<Precondition> precondition_of(const HttpRequest& request);

}  // namespace prismbus
