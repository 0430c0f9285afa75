// Point reads of journal records. A snapshot that could not be renewed is not an abort: each read then says
// why.
#include "broker/store/disk_keys.hpp"
#include "broker/store/journal.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/secret_values.hpp"
#include "broker/store/write_failure.hpp"

namespace prismbus {

JournalReader::JournalReader(const Journal& journal)
    : env_(journal.env()),
      log_(journal.log_dbi()),
      meta_(journal.meta_dbi()),
      vault_(journal.vault()),
      txn_(env_) {}

void JournalReader::renew() {
  bounds_ = unexpected<Error>(Error{});
  if (const auto begun = txn_.renew(); !begun) {
    bounds_ = unexpected<Error>(read_error("journal", begun.error()));
    return;
  }
  const auto record = lmdb::get(txn_.get(), meta_, kMetaKey);
  if (!record) {
    bounds_ = unexpected<Error>(read_error("journal", record.error()));
  } else if (!*record) {
    bounds_ = fail(ErrorCode::internal, "the journal has no meta record");
  } else if (auto meta = decode_journal_meta(**record); !meta) {
    bounds_ = unexpected<Error>(meta.error());
  } else {
    bounds_ = Bounds{meta->floor, meta->last};
  }
}

void JournalReader::release() {
  txn_.release();
}

Result<TransactionPtr> JournalReader::read(Revision rev) {
  if (txn_.get() == nullptr || !bounds_) {
    renew();
    if (!bounds_) return unexpected<Error>(bounds_.error());
  }
  if (rev <= bounds_->floor) {
    Error error;
    error.code = ErrorCode::compacted;
    error.message = "the history of that revision is gone";
    error.floor = bounds_->floor.value();
    return unexpected<Error>(std::move(error));
  }
  if (rev > bounds_->last) return fail(ErrorCode::not_found, "no such revision yet");
  DiskKey key;
  const auto record = lmdb::get(txn_.get(), log_, key.log(rev));
  if (!record) return unexpected<Error>(read_error("journal", record.error()));
  if (!*record)
    return fail(ErrorCode::internal, "journal record " + std::to_string(rev.value()) + " is not there");
  auto decoded = decode_journal_record(**record, rev);
  if (!decoded) return unexpected<Error>(decoded.error());
  return with_open_values(std::move(decoded->txn), vault_.get());
}

Result<Wall> time_of_last(const Journal& journal) {
  if (journal.meta().last <= journal.meta().floor) return Wall();
  JournalReader reader(journal);
  reader.renew();
  return reader.read(journal.meta().last).map([](const TransactionPtr& txn) { return txn->time; });
}

}  // namespace prismbus
