#include "broker/gateway/http/reply_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "broker/gateway/http/number_text.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 3> kHex{"epoch", "run", "hash"};
// Maps whose keys are names of namespaces or people's own, not fields of the contract.
constexpr std::array<std::string_view, 3> kByName{"heads", "failed", "behind"};
constexpr std::array<std::string_view, 4> kPlain{"value", "seqs", "applied", "labels"};

void write_in_hex(Value& fields);

void write_items_in_hex(Value& container) {
  if (auto* members = container.as<Value::Map>()) {
    for (auto& member : *members) write_in_hex(member.value);
  } else if (auto* items = container.as<Value::Array>()) {
    for (Value& item : *items) write_in_hex(item);
  }
}

// The fields of the contract's own maps; what stands under `value` is the user's.
void write_in_hex(Value& fields) {
  auto* members = fields.as<Value::Map>();
  if (members == nullptr) return;
  for (auto& [key, value] : *members) {
    const auto* name = key.as<std::string>();
    if (name == nullptr || is_one_of(*name, kPlain)) continue;
    if (const auto* n = value.as<std::uint64_t>(); n != nullptr && is_one_of(*name, kHex)) {
      value = Value::text(hex_text(*n));
    } else if (value.is<Value::Array>() || is_one_of(*name, kByName)) {
      write_items_in_hex(value);
    } else {
      write_in_hex(value);
    }
  }
}

}  // namespace

Result<Value> reply_tree(std::string_view payload) {
  auto tree = from_message_pack(payload);
  if (!tree) return fail(ErrorCode::internal, "a reply that is not MessagePack");
  write_in_hex(*tree);
  return tree;
}

HttpResponse json_response(int status, const Value& body) {
  HttpResponse response;
  response.status = status;
  response.body = to_json(body);
  response.body += '\n';
  return response;
}

std::string error_text(const Error& error) {
  std::string encoded;
  codec::Writer writer(encoded);
  writer.map(1);
  writer.name("error");
  codec::encode_error(writer, error);
  const auto tree = reply_tree(encoded);
  return (tree ? to_json(*tree) : R"({"error":{"code":"internal"}})") + "\n";
}

HttpResponse error_response(const Error& error, int status) {
  HttpResponse response;
  response.status = status;
  response.body = error_text(error);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (error.retry_after_ms)
    response.headers.emplace_back("Retry-After", fmt::format("{}", (*error.retry_after_ms + 999) / 1000));
  return response;
}

HttpResponse error_response(const Error& error) {
  return error_response(error, error_row(error.code).http_status);
}

}  // namespace prismbus
