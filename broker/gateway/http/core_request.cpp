#include "broker/gateway/http/core_request.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "broker/gateway/http/http_text.hpp"
#include "broker/gateway/http/number_text.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/hash.hpp"
#include "proto/json/base64.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/codec/writer.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kIdempotencyKeyBytes = 255;
constexpr std::size_t kBodyNodes =
    200'000;  // values of one body: parsed in some 150 ms, while nobody else is served

using Query = std::vector<std::pair<std::string, std::string>>;

const std::string* find(const Query& query, std::string_view name) {
  const auto it = std::find_if(query.begin(), query.end(), [&](const auto& p) { return p.first == name; });
  return it == query.end() ? nullptr : &it->second;
}

Result<std::uint64_t> number_of(std::string_view name, std::string_view text) {
  const auto n = parse_decimal(text);
  if (!n) return fail_field(std::string(name), "is not an unsigned number of 64 bits");
  return *n;
}

Result<void> set_from_query(CoreRequest& out, const QueryField& field, const std::string& text) {
  switch (field.type) {
    case QueryField::Type::text:
      out.set_text(field.name, text);
      return {};
    case QueryField::Type::number: {
      const auto n = number_of(field.name, text);
      if (!n) return tl::unexpected(n.error());
      out.set_number(field.name, *n);
      return {};
    }
    case QueryField::Type::flag:
      if (text != "true" && text != "false")
        return fail_field(std::string(field.name), "is neither true nor false");
      out.set_flag(field.name, text == "true");
      return {};
    case QueryField::Type::cursor:
      break;
  }
  const auto bytes = from_base64(text);
  if (!bytes) return fail_field(std::string(field.name), "is not base64");
  out.set_bin(field.name, *bytes);
  return {};
}

// What is asked for in the query and not known is a mistake that somebody would want to hear of.
Result<void> check_query(const Route& route, const Query& query) {
  for (const auto& [name, value] : query) {
    const bool known =
        std::any_of(route.query.begin(), route.query.end(),
                    [&, n = std::string_view(name)](const QueryField& f) { return f.name == n; });
    if (!known && (name != "epoch" || route.op.empty()))
      return fail_field(is_utf8(name) ? name : "target", "no such parameter here");
  }
  for (const QueryField& field : route.query) {
    if (field.required && find(query, field.name) == nullptr)
      return fail_field(std::string(field.name), "is missing in the query");
  }
  return {};
}

// What a proxy on the way may fold, or a browser resolve, is refused in a path; `?key=` takes every key.
Result<void> check_key_in_path(std::string_view key) {
  for (;;) {
    const std::size_t at = key.find('/');
    const std::string_view part = key.substr(0, at);
    if (part.empty() || part == "." || part == "..")
      return fail_field("key", "has an empty, . or .. part: write it as ?key=");
    if (at == std::string_view::npos) return {};
    key.remove_prefix(at + 1);
  }
}

Result<Value> json_of(const HttpRequest& request) {
  auto value = from_json(request.body, kBodyNodes);
  if (!value) return fail_field("body", located("body", value.error()).message);
  return std::move(*value);
}

// The history that revisions, seqs and cursors of this request are of.
Result<void> set_epoch(CoreRequest& out, std::string_view hex) {
  const auto epoch = parse_hex(hex);
  if (!epoch) return fail_field("epoch", "is not 16 hex digits");
  out.set_epoch(Epoch(*epoch));
  return {};
}

Result<void> set_body(CoreRequest& out, const Route& route, const HttpRequest& request) {
  if (route.body == BodyKind::none) return {};
  auto value = json_of(request);
  if (!value) return tl::unexpected(value.error());
  if (route.body == BodyKind::value) {
    out.set("value", to_message_pack(*value));
    return {};
  }
  const auto* members = value->as<Value::Map>();
  if (members == nullptr) return fail_field("body", "is not a JSON object");
  for (const auto& [name, field] : *members) {
    const auto* text = name.as<std::string>();
    if (text == nullptr) return fail_field("body", "has a name that is not a string");
    if (*text == "epoch") {
      const auto* hex = field.as<std::string>();
      if (auto set = set_epoch(out, hex == nullptr ? "" : *hex); !set) return set;
      continue;
    }
    if (*text == "op" || *text == "id" || *text == "token" || *text == "ns")
      return fail_field(*text, "does not belong into the body");
    out.set(*text, to_message_pack(field));
  }
  return {};
}

// The request id of section 4. One of the form `<16 hex digits>-<n>` is taken as it is; any other text is a
// session of its own, of one write.
Result<void> set_request_id(CoreRequest& out, const HttpRequest& request) {
  const std::string* key = request.header("idempotency-key");
  if (key == nullptr) return {};
  if (key->empty() || key->size() > kIdempotencyKeyBytes)
    return fail_field("Idempotency-Key", fmt::format("takes 1 to {} bytes", kIdempotencyKeyBytes));
  std::uint64_t session = xxh3_64(*key), n = 1;
  const std::string_view text = *key;
  if (text.size() > kHexDigits && text[kHexDigits] == '-') {
    const auto given = parse_hex(text.substr(0, kHexDigits));
    const auto count = parse_decimal(text.substr(kHexDigits + 1));
    if (given && count) session = *given, n = *count;
  }
  char bytes[limits::kSessionBytes];
  store_be64(bytes, session);
  std::string encoded;
  codec::Writer writer(encoded);
  writer.array(2);
  writer.bin({bytes, sizeof bytes});
  writer.uint(n);
  out.set("req", std::move(encoded));
  return {};
}

// `changes` of one namespace behind a seq, or of a subtree behind a revision.
Result<void> set_changes(CoreRequest& out, const RouteMatch& match, const Query& query) {
  const std::string* subtree = find(query, "subtree");
  const std::string* since = find(query, "since");
  const std::string* since_rev = find(query, "since_rev");
  if (subtree != nullptr && *subtree != "true" && *subtree != "false")
    return fail_field("subtree", "is neither true nor false");
  const bool below = subtree != nullptr && *subtree == "true";
  if (below && since != nullptr) return fail_field("since", "not with subtree: there since_rev counts");
  if (!below && since_rev != nullptr) return fail_field("since_rev", "only with subtree=true");
  const std::string_view name = below ? "since_rev" : "since";
  const auto from = number_of(name, below ? (since_rev ? *since_rev : "0") : (since ? *since : "0"));
  if (!from) return tl::unexpected(from.error());
  if (below) {
    out.set_text("under", match.ns);
    out.set_number("since_rev", *from);
    return {};
  }
  std::string encoded;
  codec::Writer writer(encoded);
  writer.map(1);
  writer.field(std::string_view(match.ns), *from);
  out.set("since", std::move(encoded));
  return {};
}

}  // namespace

void CoreRequest::set_text(std::string_view name, std::string_view text) {
  std::string encoded;
  codec::Writer(encoded).text(text);
  set(name, std::move(encoded));
}
void CoreRequest::set_number(std::string_view name, std::uint64_t number) {
  std::string encoded;
  codec::Writer(encoded).uint(number);
  set(name, std::move(encoded));
}
void CoreRequest::set_flag(std::string_view name, bool flag) {
  std::string encoded;
  codec::Writer(encoded).boolean(flag);
  set(name, std::move(encoded));
}
void CoreRequest::set_bin(std::string_view name, std::string_view bytes) {
  std::string encoded;
  codec::Writer(encoded).bin(bytes);
  set(name, std::move(encoded));
}

std::string CoreRequest::payload() const {
  std::string out;
  codec::Writer writer(out);
  writer.map(static_cast<std::uint32_t>(1 + fields_.size() + (token_ ? 1 : 0) + (epoch_ ? 1 : 0)));
  writer.field("op", std::string_view(op_));
  if (epoch_) writer.field("epoch", epoch_->value());
  if (token_) writer.field("token", std::string_view(*token_));
  for (const auto& [name, encoded] : fields_) {
    writer.text(name);
    writer.raw(encoded);
  }
  return out;
}

std::string CoreRequest::get_payload() const {
  CoreRequest get("get", token_);
  for (const auto& [name, encoded] : fields_) {
    if (name == "ns" || name == "key") get.set(name, encoded);
  }
  return get.payload();
}

Result<std::optional<std::string_view>> token_of(const HttpRequest& request) {
  const std::string* header = request.header("authorization");
  if (header == nullptr) return std::optional<std::string_view>();
  constexpr std::string_view kScheme = "bearer ";
  if (header->size() <= kScheme.size() || lower(header->substr(0, kScheme.size())) != kScheme)
    return fail(ErrorCode::unauthenticated, "Authorization is not `Bearer <token>`");
  return std::optional(std::string_view(*header).substr(kScheme.size()));
}

Result<CoreRequest> core_request_of(const RouteMatch& match, const HttpTarget& target,
                                    const HttpRequest& request) {
  const Route& route = *match.route;
  const auto token = token_of(request);
  if (!token) return tl::unexpected(token.error());
  if (auto known = check_query(route, target.query); !known) return tl::unexpected(known.error());
  CoreRequest out(route.op, *token);
  if (route.op == "changes") {
    if (auto set = set_changes(out, match, target.query); !set) return tl::unexpected(set.error());
  } else if (route.answer == Answer::row) {
    out.set_text("under", match.ns);
    out.set_number("limit", 1);
  } else if (route.path.find("{ns}") != std::string_view::npos) {
    out.set_text("ns", match.ns);
  }
  if (match.has_key) {
    if (auto good = check_key_in_path(match.key); !good) return tl::unexpected(good.error());
    out.set_text("key", match.key);
  }
  for (const QueryField& field : route.query) {
    const std::string* text = find(target.query, field.name);
    const bool taken =
        route.op == "changes" && field.type != QueryField::Type::cursor && field.name != "limit";
    if (text == nullptr || taken) continue;
    if (auto set = set_from_query(out, field, *text); !set) return tl::unexpected(set.error());
  }
  if (const std::string* epoch = find(target.query, "epoch")) {
    if (auto set = set_epoch(out, *epoch); !set) return tl::unexpected(set.error());
  }
  if (auto set = set_body(out, route, request); !set) return tl::unexpected(set.error());
  if (route.writes != Writes::nothing) {
    if (auto set = set_request_id(out, request); !set) return tl::unexpected(set.error());
  }
  return out;
}

}  // namespace prismbus
