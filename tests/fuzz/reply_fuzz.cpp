// Every decoder of replies over the same bytes. What one accepts msgpack-c accepts whole; replies that have
// an encoder encode to bytes that decode to the same.
#include "proto/wire/codec/acknowledgement.hpp"
#include "proto/wire/codec/audit.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/stream_keys.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;
using namespace prismbus::codec;

namespace {

// encode(decode(x)) is a fixed point of decoding and encoding.
template <class Decode, class Encode>
void check_fixed_point(const ReplyHeader& header, Decode decode, Encode encode) {
  const auto reply = decode(header);
  if (!reply) return;
  const ReplyHead head{header.id, header.epoch, header.rev, header.at};
  const std::string once = encode(head, *reply);
  const auto header_again = decode_reply(once);
  FUZZ_CHECK(header_again && header_again->id == header.id);
  const auto again = decode(*header_again);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(encode(head, *again) == once);
}

std::string encode_owned_entry(const ReplyHead& head, const Entry& e) {
  return encode_entry_reply(head, {e.ns, e.key, e.value, e.rev, e.created, e.version, e.time, e.by});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view payload = fuzz::as_bytes(data, size);
  const auto header = decode_reply(payload);
  if (!header) {
    FUZZ_CHECK(header.error().field && !header.error().message.empty());
    return 0;
  }
  FUZZ_CHECK(fuzz::oracle_accepts_whole(payload));
  if (header->error) {
    const auto once =
        encode_error_reply({header->id, header->epoch, header->rev, header->at}, *header->error);
    const auto again = decode_reply(once);
    FUZZ_CHECK(again && again->error == header->error && again->at == header->at);
    FUZZ_CHECK(decode_put_reply(*header).error() == *header->error);
    return 0;
  }
  check_fixed_point(*header, decode_hello_reply, encode_hello_reply);
  check_fixed_point(*header, decode_entry_reply, encode_owned_entry);
  check_fixed_point(*header, decode_put_reply, encode_put_reply);
  check_fixed_point(*header, decode_delete_reply, encode_delete_reply);
  check_fixed_point(*header, decode_txn_reply, encode_txn_reply);
  check_fixed_point(*header, decode_rollback_reply, encode_rollback_reply);
  check_fixed_point(*header, decode_backup_reply, encode_backup_reply);
  check_fixed_point(*header, decode_audit_reply, encode_audit_reply);
  check_fixed_point(*header, decode_keys_reply, encode_keys_reply);
  check_fixed_point(*header, decode_ack_reply, encode_ack_reply);
  check_fixed_point(*header, decode_subscribers_reply, encode_subscribers_reply);
  check_fixed_point(*header, decode_wait_applied_reply, encode_wait_applied_reply);
  (void)decode_entries_reply(*header);
  (void)decode_namespaces_reply(*header);
  (void)decode_snapshot_reply(*header);
  (void)decode_changes_reply(*header);
  (void)decode_history_reply(*header);
  (void)decode_diff_reply(*header);
  return 0;
}
