// Any bytes as what a client says on a WebSocket: understood or refused with a field and a message. What is
// said of it is JSON again, and what an ack asks of the core is an `ack` and nothing else.
#include "broker/gateway/live/client_message.hpp"

#include "broker/gateway/http/core_request.hpp"
#include "broker/gateway/live/server_message.hpp"
#include "proto/json/json_value.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/names.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

void check_mistake(const ClientMistake& mistake) {
  FUZZ_CHECK(mistake.error.field && !mistake.error.field->empty());
  FUZZ_CHECK(!mistake.error.message.empty());
  const OutMessage told = error_message(mistake.id, mistake.error);
  FUZZ_CHECK(from_json(told.head).has_value());
}

void check_subscribe(const SubscribeMessage& message) {
  FUZZ_CHECK(message.glob != "**");
  if (!message.glob.empty()) {
    FUZZ_CHECK(validate_glob(message.glob, "glob").has_value());
    (void)glob_matches(message.glob, "a/b");
  }
  if (!message.since) return;
  for (const auto& [ns, seq] : *message.since)
    FUZZ_CHECK(message.subtree ? is_under(ns, message.ns) : ns == message.ns);
}

void check_ack(const AckMessage& message) {
  CoreRequest request("ack", std::nullopt);
  for (const auto& [name, field] : *message.fields.as<Value::Map>())
    request.set(*name.as<std::string>(), to_message_pack(field));
  const auto decoded = codec::decode_request(request.payload());
  FUZZ_CHECK(!decoded || (codec::op_of(decoded->body) == "ack" && !decoded->token));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = parse_client_message(fuzz::as_bytes(data, size));
  if (!message) return check_mistake(message.error()), 0;
  if (const auto* subscribe = std::get_if<SubscribeMessage>(&*message)) check_subscribe(*subscribe);
  if (const auto* ack = std::get_if<AckMessage>(&*message)) check_ack(*ack);
  return 0;
}
