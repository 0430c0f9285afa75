// OutboxStore where it reads: records, outcomes, what our own writes became; also beside another process.
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "publisher/outbox/outbox_directory.hpp"
#include "publisher/outbox/outbox_store.hpp"
#include "publisher/outbox/outbox_tables.hpp"

namespace prismbus {

using namespace outbox_tables;

namespace {

PendingWrite shown(const OutboxRecord& record) {
  PendingWrite out;
  out.id = record.id;
  out.queued_at = record.queued_at;
  out.attempted = !record.attempts.empty();
  for (const auto& step : record.steps) out.changes.push_back({step.op, step.ns, step.key, step.value});
  return out;
}

}  // namespace

Result<std::vector<OutboxRecord>> OutboxStore::load(std::uint64_t after, std::size_t most,
                                                    std::vector<Damaged>& damaged) {
  lmdb::ReadTxn txn(env_);
  if (const auto begun = txn.renew(); !begun) return refused(begun.error());
  std::vector<OutboxRecord> out;
  const auto done =
      walk(txn.get(), pending_, key_of(after + 1), [&](std::string_view key, std::string_view value) {
        const std::uint64_t id = key.size() == 8 ? load_be64(key.data()) : 0;
        auto record = decode_outbox_record(id, value);
        if (record) {
          out.push_back(std::move(*record));
        } else {
          damaged.push_back({id, record.error().message});
        }
        return out.size() + damaged.size() < most;
      });
  if (!done) return refused(done.error());
  return out;
}

Result<std::optional<OutboxStore::Own>> OutboxStore::own(std::string_view ns, std::string_view key) {
  lmdb::ReadTxn txn(env_);
  if (const auto begun = txn.renew(); !begun) return refused(begun.error());
  const auto row = lmdb::get(txn.get(), own_, own_key(ns, key));
  if (!row) return refused(row.error());
  if (!*row || (*row)->size() < kOwnBytes) return std::nullopt;
  const auto flags = static_cast<unsigned char>((**row)[kOwnBytes - 1]);
  Own out;
  out.ns = ns;
  out.key = key;
  out.epoch = Epoch(load_be64((*row)->data()));
  out.rev = Revision(load_be64((*row)->data() + 8));
  out.merged = (flags & kMerged) != 0;
  out.gone = (flags & kGone) != 0;
  if ((flags & kCalled) != 0) out.called = std::string((*row)->substr(kOwnBytes));
  return out;
}

Result<OutboxListing> OutboxStore::list() {
  lmdb::ReadTxn txn(env_);
  if (const auto begun = txn.renew(); !begun) return refused(begun.error());
  return list_in(txn.get());
}

Result<OutboxListing> OutboxStore::list_in(MDB_txn* txn) const {
  OutboxListing out;
  const auto done = walk(txn, pending_, {}, [&](std::string_view key, std::string_view value) {
    const std::uint64_t id = key.size() == 8 ? load_be64(key.data()) : 0;
    const auto record = decode_outbox_record(id, value);
    out.pending.push_back(record ? shown(*record) : PendingWrite{id, {}, false, {}});
    return true;
  });
  if (!done) return refused(done.error());
  auto outcomes = outcomes_in(txn, 0, std::numeric_limits<std::size_t>::max());
  if (!outcomes) return tl::unexpected<Error>(outcomes.error());
  out.outcomes = std::move(*outcomes);
  return out;
}

Result<std::vector<OutboxOutcome>> OutboxStore::outcomes(std::uint64_t after, std::size_t most) {
  lmdb::ReadTxn txn(env_);
  if (const auto begun = txn.renew(); !begun) return refused(begun.error());
  return outcomes_in(txn.get(), after, most);
}

Result<std::vector<OutboxOutcome>> OutboxStore::outcomes_in(MDB_txn* txn, std::uint64_t after,
                                                            std::size_t most) const {
  std::vector<OutboxOutcome> out;
  const auto done =
      walk(txn, outcomes_, key_of(after + 1), [&](std::string_view key, std::string_view value) {
        const std::uint64_t id = key.size() == 8 ? load_be64(key.data()) : 0;
        auto outcome = decode_outbox_outcome(id, value);
        out.push_back(outcome ? std::move(*outcome) : unreadable_outcome(id, outcome.error().message));
        return out.size() < most;
      });
  if (!done) return refused(done.error());
  return out;
}

Result<OutboxListing> OutboxStore::read(const std::string& directory) {
  if (const int why = look_for_outbox(directory); why == ENOENT) {
    return fail(ErrorCode::not_found, "no outbox in " + directory);
  } else if (why != 0) {
    return fail(ErrorCode::unavailable, directory + ": cannot read: " + std::strerror(why));
  }
  OutboxStore store(Limits{});
  lmdb::Env::Options options;
  options.read_only = true;
  auto env = lmdb::Env::open(directory, options);
  if (!env) return tl::unexpected<Error>(in_context(directory, store_error(env.error())));
  store.env_ = std::move(*env);
  lmdb::ReadTxn txn(store.env_);
  if (const auto begun = txn.renew(); !begun) return refused(begun.error());
  for (const auto& [table, name] :
       {std::pair{&store.meta_, "meta"}, {&store.pending_, "pending"}, {&store.outcomes_, "outcomes"}}) {
    const auto opened = lmdb::open_dbi(txn.get(), name, false);
    if (!opened) return refused(opened.error());
    *table = *opened;
  }
  const auto format = lmdb::get(txn.get(), store.meta_, kFormatKey);
  if (!format) return refused(format.error());
  if (!*format || **format != kFormat) {
    return fail(ErrorCode::internal, directory + " holds an outbox of a format this version does not know");
  }
  return store.list_in(txn.get());
}

}  // namespace prismbus
