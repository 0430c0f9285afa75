// Any bytes as JSON and as MessagePack: what is read is written, read again, and the same value; through
// both.
#include "proto/json/base64.hpp"
#include "proto/json/json_value.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

void check_value(const Value& value) {
  for (const JsonLayout layout : {JsonLayout::compact, JsonLayout::indented}) {
    const auto again = from_json(to_json(value, layout));
    FUZZ_CHECK(again.has_value());
    FUZZ_CHECK(*again == value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_bytes(data, size);
  if (const auto value = from_json(bytes)) {
    check_value(*value);
    // A tree of JSON may be deeper than MessagePack of the contract.
    if (const auto back = from_message_pack(to_message_pack(*value))) FUZZ_CHECK(*back == *value);
  }
  if (const auto decoded = from_base64(bytes)) FUZZ_CHECK(to_base64(*decoded) == bytes);
  return 0;
}
