// From HTTP to the core's door: one request of section 4, written as any other client writes it. Judges only
// what HTTP adds (the query's form, the body being JSON, headers); names, options and values are the core's
// to judge. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/gateway/http/entity_tag.hpp"
#include "broker/gateway/http/http_target.hpp"
#include "broker/gateway/http/route.hpp"
#include "proto/json/value.hpp"

namespace prismbus {

// The fields of a request besides `op`, `token` and `epoch`, each encoded, in the order they were added.
class CoreRequest {
 public:
  CoreRequest(std::string_view op, std::optional<std::string_view> token) : op_(op), token_(token) {}

  void set(std::string_view name, std::string encoded) { fields_.emplace_back(name, std::move(encoded)); }
  void set_text(std::string_view name, std::string_view text);
  void set_number(std::string_view name, std::uint64_t number);
  void set_flag(std::string_view name, bool flag);
  void set_bin(std::string_view name, std::string_view bytes);
  void set_epoch(Epoch epoch) { epoch_ = epoch; }

  [[nodiscard]] const std::optional<std::string>& token() const { return token_; }
  [[nodiscard]] const std::optional<Epoch>& epoch() const { return epoch_; }
  [[nodiscard]] std::string payload() const;
  // A `get` of the same key for the same asker.
  [[nodiscard]] std::string get_payload() const;

 private:
  std::string op_;
  std::optional<std::string> token_;
  std::optional<Epoch> epoch_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

// The token of `Authorization: Bearer`; nullopt without the header. Errors: unauthenticated.
[[nodiscard]] Result<std::optional<std::string_view>> token_of(const HttpRequest& request);

// The whole request of a route but for preconditions. Errors: invalid_argument naming the parameter, header
// or place in the body; unauthenticated.
[[nodiscard]] Result<CoreRequest> core_request_of(const RouteMatch& match, const HttpTarget& target,
                                                  const HttpRequest& request);

}  // namespace prismbus
