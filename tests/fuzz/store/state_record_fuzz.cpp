// Every decoder of the state's records on the same bytes, under keys that are always there; and the keys'
// decoders.
#include "broker/store/disk_keys.hpp"
#include "broker/store/record_bytes.hpp"
#include "broker/store/state_record.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

void check_keys(std::string_view bytes) {
  DiskKey key;
  if (const auto k = decode_log_key(bytes)) FUZZ_CHECK(key.log(*k) == bytes);
  if (const auto k = decode_changeset_key(bytes); k && k->ns.size() <= 120) {
    FUZZ_CHECK(key.changeset(k->ns, k->seq) == bytes);
  }
  if (const auto k = decode_head_key(bytes); k && k->ns.size() <= 120 && k->key.size() <= 255) {
    FUZZ_CHECK(key.head(k->ns, k->key) == bytes);
  }
  if (const auto k = decode_history_key(bytes); k && k->ns.size() <= 120 && k->key.size() <= 255) {
    FUZZ_CHECK(key.history(k->rev, k->ns, k->key) == bytes);
  }
  if (const auto k = decode_session_key(bytes); k && k->by.size() <= 255 && k->session.size() <= 8) {
    FUZZ_CHECK((k->is_header ? key.session_header(k->by, k->session)
                             : key.session_outcomes(k->by, k->session)) == bytes);
  }
}

void check_records(std::string record) {
  const std::string_view key("a.b\0key", 7);
  std::string again;
  seal_record(record, key);
  (void)decode_head(key, record);
  if (const auto r = decode_head_record(key, record)) {
    StoredTransaction txn;
    txn.rev = r->entry.rev;
    txn.time = r->entry.time;
    txn.by = r->entry.by;
    const StoredChange change{ChangeOp::put, r->entry.key, r->entry.value, r->entry.version,
                              r->entry.created};
    encode_head(again, key, txn, change, r->links);
    FUZZ_CHECK(again == record);
  }
  if (const auto r = decode_history(key, record)) {
    StoredTransaction txn;
    txn.time = r->time;
    txn.by = r->by;
    if (r->note) txn.note.emplace(*r->note);
    if (r->session) txn.req = RequestId{std::string(*r->session), r->n};
    const StoredChange change{r->op, {}, r->value, r->version, r->created};
    encode_history(again, key, txn, change, r->links);
    FUZZ_CHECK(again == record);
  }
  if (const auto r = decode_deleted(key, record)) {
    encode_deleted(again, key, *r);
    FUZZ_CHECK(again == record);
  }
  if (const auto r = decode_changeset(key, record)) {
    encode_changeset(again, key, *r);
    FUZZ_CHECK(again == record);
  }
  if (const auto r = decode_namespace(key, record)) {
    encode_namespace(again, key, *r);
    FUZZ_CHECK(again == record);
  }
  if (const auto r = decode_session_header(key, record)) {
    encode_session_header(again, key, *r);
    FUZZ_CHECK(again == record);
  }
  if (const auto r = decode_session_outcomes(key, record)) {
    encode_session_outcomes(again, key, *r);
    FUZZ_CHECK(again == record);
  }
  seal_record(record, kMetaKey);
  if (const auto r = decode_state_meta(record)) {
    encode_state_meta(again, *r);
    FUZZ_CHECK(again == record);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_bytes(data, size);
  check_keys(bytes);
  if (size >= kChecksumBytes) check_records(std::string(bytes));
  return 0;
}
