#include "publisher/outbox/outbox_store.hpp"

#include <algorithm>
#include <utility>

#include "proto/base/bytes.hpp"
#include "proto/base/random.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"
#include "publisher/outbox/key_order.hpp"
#include "publisher/outbox/outbox_directory.hpp"
#include "publisher/outbox/outbox_tables.hpp"

namespace prismbus {

using namespace outbox_tables;

namespace {

constexpr std::size_t kStateBytes = 4 * 8;      // next id, session, n, epoch
constexpr std::size_t kMapSpare = 64u << 20;    // pages that LMDB holds back, and short records' page ends
constexpr std::size_t kPageBytes = 4096;        // a long record's last page is half empty
constexpr std::size_t kMessageBytesMax = 1024;  // of an outcome
constexpr std::uint64_t kIdsReserved = 1;       // 0 is no id

// Runs `body` in one write transaction and commits.
template <class Body>
Result<void> written(const std::shared_ptr<lmdb::Env>& env, Body body) {
  auto txn = lmdb::WriteTxn::begin(env);
  if (!txn) return refused(txn.error());
  if (const auto done = body(*txn); !done) return refused(done.error());
  if (const auto done = txn->commit(); !done) return refused(done.error());
  return {};
}

std::string encode_own(const OutboxStore::Own& own) {
  std::string out;
  append_be64(out, own.epoch.value());
  append_be64(out, own.rev.value());
  out += static_cast<char>((own.merged ? kMerged : 0) | (own.called ? kCalled : 0) | (own.gone ? kGone : 0));
  if (own.called) out += *own.called;
  return out;
}

std::vector<std::uint64_t> order_keys_of(const OutboxRecord& record) {
  std::vector<std::uint64_t> out;
  const auto add = [&](const auto& named) {
    out.push_back(order_key(named.ns, named.key));
    out.push_back(order_key(named.ns, {}));
  };
  for (const auto& step : record.steps) add(step);
  for (const auto& guard : record.guards) add(guard);
  return out;
}

// An application's own message, or one that names its keys, may be anything; an outcome must read back.
std::string readable(std::string message) {
  if (message.size() > kMessageBytesMax) return "(a message too long)";
  if (is_utf8(message)) return message;
  for (char& byte : message) {
    if (static_cast<unsigned char>(byte) >= 0x80) byte = '?';
  }
  return message;
}

}  // namespace

// ---- opening

Result<std::unique_ptr<OutboxStore>> OutboxStore::open(const std::string& directory, Limits limits) {
  std::unique_ptr<OutboxStore> store(new OutboxStore(limits));
  auto lock = hold_outbox_directory(directory);
  if (!lock) return tl::unexpected<Error>(lock.error());
  store->lock_ = *lock;
  lmdb::Env::Options options;
  options.map_bytes = 3 * limits.bytes_max + 2 * limits.entries_max * kPageBytes + kMapSpare;
  options.faults = limits.faults;
  auto env = lmdb::Env::open(directory, options);
  if (!env) return tl::unexpected<Error>(in_context(directory, store_error(env.error())));
  store->env_ = std::move(*env);
  store->env_->check_readers();
  bool known_format = true;
  if (const auto done = store->open_tables(known_format); !done) return refused(done.error());
  if (!known_format) {
    return fail(ErrorCode::internal, directory + " holds an outbox of a format this version does not know");
  }
  if (const auto done = store->count(); !done) return refused(done.error());
  return store;
}

OutboxStore::~OutboxStore() {
  env_.reset();
  release_outbox_directory(lock_);
}

lmdb::Outcome<void> OutboxStore::open_tables(bool& known_format) {
  auto txn = lmdb::WriteTxn::begin(env_);
  if (!txn) return tl::unexpected<lmdb::Fault>(txn.error());
  for (const auto& [table, name] :
       {std::pair{&meta_, "meta"}, {&pending_, "pending"}, {&outcomes_, "outcomes"}, {&own_, "own"}}) {
    const auto opened = lmdb::open_dbi(txn->get(), name, true);
    if (!opened) return tl::unexpected<lmdb::Fault>(opened.error());
    *table = *opened;
  }
  const auto format = lmdb::get(txn->get(), meta_, kFormatKey);
  if (!format) return tl::unexpected<lmdb::Fault>(format.error());
  if (*format && **format != kFormat) {
    known_format = false;
    return {};
  }
  const auto state = lmdb::get(txn->get(), meta_, kStateKey);
  if (!state) return tl::unexpected<lmdb::Fault>(state.error());
  if (*state && (*state)->size() == kStateBytes) {
    const char* at = (*state)->data();
    next_id_ = std::max(load_be64(at), kIdsReserved);
    session_.assign(at + 8, limits::kSessionBytes);
    n_ = load_be64(at + 16);
    epoch_ = Epoch(load_be64(at + 24));
  } else {
    session_ = random_bytes(limits::kSessionBytes);
  }
  if (const auto put = txn->put(meta_, kFormatKey, kFormat); !put) return put;
  if (const auto put = write_meta(*txn); !put) return put;
  return txn->commit();
}

lmdb::Outcome<void> OutboxStore::count() {
  lmdb::ReadTxn txn(env_);
  if (const auto begun = txn.renew(); !begun) return begun;
  for (const auto& [table, count] : {std::pair{pending_, &pending_count_}, {outcomes_, &outcome_count_}}) {
    const auto done =
        walk(txn.get(), table, {},
             [&, pending = table == pending_, counted = count](std::string_view key, std::string_view value) {
               ++*counted;
               bytes_ += value.size();
               if (key.size() != 8) return true;
               const std::uint64_t id = load_be64(key.data());
               next_id_ = std::max(next_id_, id + 1);
               if (!pending) return true;
               if (const auto record = decode_outbox_record(id, value)) hold(*record);
               return true;
             });
    if (!done) return done;
  }
  return walk(txn.get(), own_, {}, [&](std::string_view, std::string_view value) {
    bytes_ += value.size();
    return true;
  });
}

lmdb::Outcome<void> OutboxStore::write_meta(lmdb::WriteTxn& txn) {
  std::string state;
  append_be64(state, next_id_);
  state += session_;
  append_be64(state, n_);
  append_be64(state, epoch_.value());
  return txn.put(meta_, kStateKey, state);
}

void OutboxStore::hold(const OutboxRecord& record) {
  for (const std::uint64_t key : order_keys_of(record)) ++holds_[key];
}

void OutboxStore::let_go(const OutboxRecord& record) {
  for (const std::uint64_t key : order_keys_of(record)) {
    const auto held = holds_.find(key);
    if (held != holds_.end() && --held->second == 0) holds_.erase(held);
  }
}

// ---- changing

Result<void> OutboxStore::append(std::vector<OutboxRecord>& records) {
  std::vector<std::string> encoded;
  std::size_t size = 0;
  std::uint64_t id = next_id_;
  for (auto& record : records) {
    record.id = id++;
    size += encoded.emplace_back(encode_outbox_record(record)).size();
  }
  if (entries() + records.size() > limits_.entries_max || bytes_ + size > limits_.bytes_max) {
    return tl::unexpected<Error>(overloaded(
        "the outbox is full: pending writes and outcomes that nobody acknowledged are over its limit", 1000));
  }
  // Taken up even when the commit fails: it may have succeeded all the same.
  next_id_ = id;
  const auto done = written(env_, [&](lmdb::WriteTxn& txn) -> lmdb::Outcome<void> {
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (const auto put = txn.put(pending_, key_of(records[i].id), encoded[i]); !put) return put;
    }
    return write_meta(txn);
  });
  if (!done) return done;
  pending_count_ += records.size();
  bytes_ += size;
  for (const auto& record : records) hold(record);
  return {};
}

Result<void> OutboxStore::attempt(OutboxRecord& record, OutboxAttempt attempt, bool fresh_session) {
  const std::size_t before = encode_outbox_record(record).size();
  if (fresh_session) {
    session_ = random_bytes(limits::kSessionBytes);
    n_ = 0;
  }
  OutboxRecord changed = record;
  attempt.req = {session_, ++n_};
  changed.attempts.push_back(std::move(attempt));
  if (changed.attempts.size() > kOutboxAttemptsMax) changed.attempts.erase(changed.attempts.begin());
  const std::string encoded = encode_outbox_record(changed);
  const auto done = written(env_, [&](lmdb::WriteTxn& txn) -> lmdb::Outcome<void> {
    if (const auto put = txn.put(pending_, key_of(record.id), encoded); !put) return put;
    return write_meta(txn);
  });
  if (!done) return done;
  record = std::move(changed);
  bytes_ += encoded.size() - before;
  return {};
}

// What the settled write became, for those of its keys that others behind it name; of the rest nothing is
// kept.
lmdb::Outcome<void> OutboxStore::write_own(lmdb::WriteTxn& txn, const OutboxRecord& settled,
                                           const std::vector<Own>& own, std::ptrdiff_t& grown) {
  const auto replace = [&](const auto& named, const Own* fresh) -> lmdb::Outcome<void> {
    const std::string row = own_key(named.ns, named.key);
    const auto there = lmdb::get(txn.get(), own_, row);
    if (!there) return tl::unexpected<lmdb::Fault>(there.error());
    if (*there) grown -= static_cast<std::ptrdiff_t>((*there)->size());
    if (fresh == nullptr) return txn.erase(own_, row);
    const std::string encoded = encode_own(*fresh);
    grown += static_cast<std::ptrdiff_t>(encoded.size());
    return txn.put(own_, row, encoded);
  };
  const auto drop = [&](const auto& named) -> lmdb::Outcome<void> {
    if (holds(order_key(named.ns, named.key))) return {};
    return replace(named, nullptr);
  };
  for (const auto& step : settled.steps) {
    if (const auto done = drop(step); !done) return done;
  }
  for (const auto& guard : settled.guards) {
    if (const auto done = drop(guard); !done) return done;
  }
  for (const auto& row : own) {
    if (!holds(order_key(row.ns, row.key))) continue;
    if (const auto done = replace(row, &row); !done) return done;
  }
  return {};
}

lmdb::Outcome<void> OutboxStore::clear_own(lmdb::WriteTxn& txn, std::ptrdiff_t& grown) {
  std::vector<std::string> rows;
  const auto found = walk(txn.get(), own_, {}, [&](std::string_view row, std::string_view value) {
    rows.emplace_back(row);
    grown -= static_cast<std::ptrdiff_t>(value.size());
    return true;
  });
  if (!found) return found;
  for (const auto& row : rows) {
    if (const auto gone = txn.erase(own_, row); !gone) return gone;
  }
  return {};
}

Result<void> OutboxStore::settle(const OutboxOutcome& outcome, const std::vector<Own>& own) {
  OutboxOutcome kept = outcome;
  kept.message = readable(std::move(kept.message));
  const std::string encoded = encode_outbox_outcome(kept);
  const std::string key = key_of(outcome.id);
  std::optional<OutboxRecord> settled;
  auto grown = static_cast<std::ptrdiff_t>(encoded.size());
  const auto done = written(env_, [&](lmdb::WriteTxn& txn) -> lmdb::Outcome<void> {
    const auto record = lmdb::get(txn.get(), pending_, key);
    if (!record) return tl::unexpected<lmdb::Fault>(record.error());
    if (*record) {
      grown -= static_cast<std::ptrdiff_t>((*record)->size());
      if (auto decoded = decode_outbox_record(outcome.id, **record)) settled = std::move(*decoded);
    }
    if (const auto gone = txn.erase(pending_, key); !gone) return gone;
    if (const auto put = txn.put(outcomes_, key, encoded); !put) return put;
    if (settled) {
      let_go(*settled);
      if (const auto rows = write_own(txn, *settled, own, grown); !rows) return rows;
    }
    if (pending_count_ == 1) {  // rows that only damaged records named
      if (const auto rows = clear_own(txn, grown); !rows) return rows;
    }
    return write_meta(txn);
  });
  if (!done) {
    if (settled) hold(*settled);
    return done;
  }
  --pending_count_;
  ++outcome_count_;
  bytes_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(bytes_) + grown);
  return {};
}

Result<void> OutboxStore::acknowledge(const std::vector<std::uint64_t>& ids) {
  std::size_t freed = 0, count = 0;
  const auto done = written(env_, [&](lmdb::WriteTxn& txn) -> lmdb::Outcome<void> {
    for (const std::uint64_t id : ids) {
      const std::string key = key_of(id);
      const auto there = lmdb::get(txn.get(), outcomes_, key);
      if (!there) return tl::unexpected<lmdb::Fault>(there.error());
      if (!*there) continue;
      freed += (*there)->size();
      ++count;
      if (const auto gone = txn.erase(outcomes_, key); !gone) return gone;
    }
    return {};
  });
  if (!done) return done;
  outcome_count_ -= count;
  bytes_ -= std::min(bytes_, freed);
  return {};
}

}  // namespace prismbus
