// decode_request: what it accepts msgpack-c accepts whole and encodes to bytes that decode to themselves;
// what it refuses is refused with a code, a field and a message that themselves survive the wire.
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

void check_accepted(std::string_view payload, const Request& request) {
  FUZZ_CHECK(fuzz::oracle_accepts_whole(payload));
  if (std::holds_alternative<UnsupportedRequest>(request.body)) return;
  const std::string once = codec::encode_request(request);
  const auto again = codec::decode_request(once);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(again->id == request.id && again->body.index() == request.body.index());
  FUZZ_CHECK(codec::encode_request(*again) == once);
}

void check_refused(const codec::RefusedRequest& refused) {
  const auto code = refused.error.code;
  FUZZ_CHECK(code == ErrorCode::invalid_argument || code == ErrorCode::too_large);
  FUZZ_CHECK(refused.error.field && !refused.error.field->empty() && !refused.error.message.empty());
  if (code == ErrorCode::too_large) FUZZ_CHECK(*refused.error.size > *refused.error.limit);
  const auto payload = codec::encode_error_reply({refused.id, Epoch(1), Revision(2)}, refused.error);
  const auto header = codec::decode_reply(payload);
  FUZZ_CHECK(header && header->id == refused.id && header->error == refused.error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view payload = fuzz::as_bytes(data, size);
  const auto request = codec::decode_request(payload);
  if (request) {
    check_accepted(payload, *request);
  } else {
    check_refused(request.error());
  }
  return 0;
}
