// The envelope of a request: op, id, token, epoch; then the op's own decoder.
#include "proto/wire/codec/request.hpp"

#include <utility>

#include "proto/wire/codec/request_parts.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus::codec {
namespace {

// The id of a request that is refused, wherever it stands and whatever else is wrong; 0 when it cannot be
// read.
MessageId find_id(std::string_view payload) {
  Cursor cursor(payload);
  std::uint32_t fields = 0;
  if (!cursor.read_map(fields)) return {};
  for (std::uint32_t i = 0; i < fields; ++i) {
    std::string_view name;
    MessageId id;
    const bool named = cursor.read_text(name);
    if (!named && !cursor.skip_any_depth()) return {};
    if (named && name == "id") return cursor.read_integer(id) ? id : MessageId{};
    if (!cursor.skip_any_depth()) return {};
  }
  return {};
}

RequestBody decode_body(std::string_view op, MapReader& in) {
  if (op == "get") return decode_get(in);
  if (op == "ack") return decode_ack(in);
  if (op == "put") return decode_put(in);
  if (op == "mget") return decode_mget(in);
  if (op == "txn") return decode_txn(in);
  if (op == "delete") return decode_delete(in);
  if (op == "list") return decode_list(in);
  if (op == "changes") return decode_changes(in);
  if (op == "snapshot") return decode_snapshot(in);
  if (op == "hello") return decode_hello(in);
  if (op == "namespaces") return decode_namespaces(in);
  if (op == "history") return decode_history(in);
  if (op == "diff") return decode_diff(in);
  if (op == "rollback") return decode_rollback(in);
  if (op == "wait_applied") return decode_wait_applied(in);
  if (op == "subscribers") return decode_subscribers(in);
  if (op == "keys") return decode_keys(in);
  if (op == "backup") return decode_backup(in);
  if (op == "audit") return decode_audit(in);
  if (op == "status") return StatusRequest{};
  return UnsupportedRequest{op};
}

MessageId decode_id(MapReader& in) {
  MessageId id;
  const auto encoded = in.maybe_any("id");
  if (!encoded.empty() && !Cursor(encoded).read_integer(id))
    in.fault().refuse(in.at("id"), "must be an integer");
  return id;
}

}  // namespace

Result<Request, RefusedRequest> decode_request(std::string_view payload) {
  Fault fault;
  if (payload.size() > limits::kMessageBytes) {
    fault.set(over_limit("payload", "a request too large", limits::kMessageBytes, payload.size()));
    return tl::unexpected(RefusedRequest{find_id(payload), std::move(fault.take().value())});
  }
  MapReader in(payload, nullptr, fault);
  Request request;
  request.id = decode_id(in);
  request.token = in.maybe_text("token");
  if (const auto epoch = in.maybe_uint("epoch")) request.epoch = Epoch(*epoch);
  const auto op = in.text("op");
  if (fault.ok()) request.body = decode_body(op, in);
  if (fault.ok()) return request;
  return tl::unexpected(RefusedRequest{find_id(payload), std::move(fault.take().value())});
}

}  // namespace prismbus::codec
