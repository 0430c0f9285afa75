// What decodes encodes to the same bytes, and what is refused is refused with the code for damage.
#include "broker/store/disk_keys.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/record_bytes.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

void check_transaction(std::string& record) {
  if (record.size() < 34) return;
  RecordReader in(std::string_view(record).substr(8 + 16 + 2));
  const Revision rev(in.be64());
  DiskKey key;
  seal_record(record, key.log(rev));
  const auto decoded = decode_journal_record(record, rev);
  if (!decoded) {
    FUZZ_CHECK(decoded.error().code == ErrorCode::internal);
    return;
  }
  std::string again;
  encode_journal_record(again, *decoded->txn, decoded->previous);
  FUZZ_CHECK(again == record);
  FUZZ_CHECK(outcome_of(*decoded->txn).versions.size() == decoded->txn->change_count());
}

void check_meta(std::string& record) {
  seal_record(record, kMetaKey);
  const auto decoded = decode_journal_meta(record);
  if (!decoded) return;
  std::string again;
  encode_journal_meta(again, *decoded);
  FUZZ_CHECK(again == record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string record(fuzz::as_bytes(data, size));
  (void)decode_journal_record(record, Revision(1));  // as it comes: no checksum fits
  (void)decode_journal_meta(record);
  if (record.size() < kChecksumBytes) return 0;
  check_transaction(record);
  check_meta(record);
  return 0;
}
