// Writes: put, remove, commit, rollback.
#include <algorithm>
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"
#include "publisher/operation.hpp"

namespace prismbus {
namespace {

tl::unexpected<Error> too_large(std::string what, std::size_t limit, std::size_t size) {
  Error error = fail(ErrorCode::too_large, std::move(what)).value();
  error.limit = limit;
  error.size = size;
  return tl::unexpected<Error>(std::move(error));
}

Result<void> check_names(std::string_view ns, std::string_view key) {
  if (auto valid = validate_namespace(ns, "ns"); !valid) return valid;
  return validate_key(key, "key");
}

Result<void> check_value(std::string_view value) {
  if (value.empty()) return fail_field("value", "holds no MessagePack value");
  if (value.size() > limits::kValueBytes) return too_large("the value", limits::kValueBytes, value.size());
  return {};
}

Result<void> check_note(const std::optional<std::string>& note) {
  if (!note) return {};
  if (note->size() > limits::kNoteBytes) return too_large("the note", limits::kNoteBytes, note->size());
  if (!is_utf8(*note)) return fail_field("note", "is not UTF-8");
  return {};
}

class WriteOperation : public Operation {
 public:
  WriteOperation(WriteCall&& call, WriteAnswer& answer)
      : if_rev_(call.if_rev), note_(std::move(call.note)), answer_(std::move(answer)) {
    is_write = with_epoch = true;
  }
  void fail_with(const Error& error) override { answer_.give(tl::unexpected<Error>(error)); }
  void answer(WriteOutcome&& outcome) override { answer_.give(std::move(outcome)); }
  void answer_queued(std::uint64_t id, Epoch history) override {
    WriteOutcome outcome;
    outcome.epoch = history;
    outcome.queued = id;
    answer(std::move(outcome));
  }

 protected:
  [[nodiscard]] OutboxRecord record_of(ChangeOp op, const std::string& ns, const std::string& key,
                                       const std::string& value) const {
    OutboxRecord record;
    record.queued_at = called_at_;
    record.note = note_;
    record.steps.push_back({op, ns, key, value, if_rev_});
    return record;
  }
  [[nodiscard]] WriteOptions with_note(WriteOptions write) const {
    if (note_) write.note = *note_;
    return write;
  }
  bool give(const ReplyHeader& reply, Result<WriteOutcome> outcome) {
    if (reply.error) {
      answer_.give(tl::unexpected<Error>(*reply.error));
    } else if (!outcome) {  // the broker said ok in words we do not know: applied, but we cannot tell how
      answer_.give(tl::unexpected<Error>(
          in_context("the write was accepted, its reply not understood", outcome.error())));
    } else {
      outcome->epoch = reply.epoch;
      outcome->rev = reply.rev;
      answer_.give(std::move(outcome));
    }
    return true;
  }

  const Wall called_at_ = read_clock().wall;
  std::optional<Revision> if_rev_;
  std::optional<std::string> note_;
  WriteAnswer answer_;
};

class Put final : public WriteOperation {
 public:
  Put(std::string_view ns, std::string_view key, EncodedValue&& value, WriteCall&& call, WriteAnswer& answer)
      : WriteOperation(std::move(call), answer), ns_(ns), key_(key), value_(std::move(value.bytes)) {
    order_keys.push_back(order_key(ns, key));
    bytes = sizeof(Put) + ns.size() + key.size() + value_.size();
  }
  [[nodiscard]] RequestBody request(const WriteOptions& write) const override {
    return PutRequest{ns_, key_, value_, if_rev_, with_note(write)};
  }
  [[nodiscard]] std::optional<PlainPut> plain_put() const override {
    if (if_rev_ || note_) return std::nullopt;
    return PlainPut{ns_, key_, value_};
  }
  [[nodiscard]] std::optional<OutboxRecord> for_outbox() const override {
    return record_of(ChangeOp::put, ns_, key_, value_);
  }
  void learn(const ReplyHeader& reply, KnownRevisions& known) const override {
    known.learn(ns_, key_, {reply.epoch, reply.rev});
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, WriteOutcome{});
    return give(reply, codec::decode_put_reply(reply).map([](const PutReply& r) {
      WriteOutcome outcome;
      outcome.seq = r.seq;
      outcome.version = r.version;
      outcome.duplicate = r.duplicate;
      return outcome;
    }));
  }

 private:
  std::string ns_, key_, value_;
};

class Remove final : public WriteOperation {
 public:
  Remove(std::string_view ns, std::string_view key, WriteCall&& call, WriteAnswer& answer)
      : WriteOperation(std::move(call), answer), ns_(ns), key_(key) {
    order_keys.push_back(order_key(ns, key));
    bytes = sizeof(Remove) + ns.size() + key.size();
  }
  [[nodiscard]] RequestBody request(const WriteOptions& write) const override {
    return DeleteRequest{ns_, key_, if_rev_, with_note(write)};
  }
  [[nodiscard]] std::optional<OutboxRecord> for_outbox() const override {
    return record_of(ChangeOp::del, ns_, key_, {});
  }
  void learn(const ReplyHeader& reply, KnownRevisions& known) const override {
    known.learn(ns_, key_, {reply.epoch, Revision(0)});
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, WriteOutcome{});
    return give(reply, codec::decode_delete_reply(reply).map([](const DeleteReply& r) {
      WriteOutcome outcome;
      outcome.seq = r.seq;
      outcome.duplicate = r.duplicate;
      return outcome;
    }));
  }

 private:
  std::string ns_, key_;
};

class Commit final : public WriteOperation {
 public:
  Commit(Transaction&& transaction, WriteCall&& call, WriteAnswer& answer)
      : WriteOperation(std::move(call), answer), transaction_(std::move(transaction)) {
    if (!note_) note_ = transaction_.note_text();
    for (const auto& step : transaction_.changes()) order_keys.push_back(order_key(step.ns, step.key));
    std::sort(order_keys.begin(), order_keys.end());
    order_keys.erase(std::unique(order_keys.begin(), order_keys.end()), order_keys.end());
    bytes = sizeof(Commit) + transaction_.bytes() + transaction_.size() * sizeof(Transaction::Step);
  }
  [[nodiscard]] RequestBody request(const WriteOptions& write) const override {
    TxnRequest out;
    for (const auto& step : transaction_.changes())
      out.changes.push_back({step.op, step.ns, step.key, step.value});
    for (const auto& need : transaction_.requirements())
      out.conditions.push_back({need.ns, need.key, need.rev});
    out.write = with_note(write);
    return out;
  }
  // A requirement on a key that is written is what that was made from; others stay requirements.
  [[nodiscard]] std::optional<OutboxRecord> for_outbox() const override {
    OutboxRecord record;
    record.queued_at = called_at_;
    record.note = note_;
    for (const auto& step : transaction_.changes())
      record.steps.push_back({step.op, step.ns, step.key, step.value, std::nullopt});
    for (const auto& need : transaction_.requirements()) {
      const auto written = std::find_if(record.steps.begin(), record.steps.end(), [&](const auto& step) {
        return step.ns == need.ns && step.key == need.key;
      });
      if (written != record.steps.end()) {
        written->base = need.rev;
      } else {
        record.guards.push_back({need.ns, need.key, need.rev});
      }
    }
    return record;
  }
  void learn(const ReplyHeader& reply, KnownRevisions& known) const override {
    for (const auto& step : transaction_.changes()) {
      known.learn(step.ns, step.key, {reply.epoch, step.op == ChangeOp::put ? reply.rev : Revision(0)});
    }
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, WriteOutcome{});
    return give(reply, codec::decode_txn_reply(reply).map([](const TxnReply& r) {
      WriteOutcome outcome;
      if (!r.seqs.empty()) outcome.seq = r.seqs.front().second;
      outcome.seqs = r.seqs;
      outcome.versions = r.versions;
      outcome.duplicate = r.duplicate;
      return outcome;
    }));
  }

 private:
  Transaction transaction_;
};

class Rollback final : public WriteOperation {
 public:
  Rollback(std::string_view ns, std::optional<std::string>&& key, Revision to, WriteCall&& call,
           WriteAnswer& answer)
      : WriteOperation(std::move(call), answer), ns_(ns), key_(std::move(key)), to_(to) {
    order_keys.push_back(order_key(ns, key_ ? *key_ : std::string()));
    bytes = sizeof(Rollback) + ns.size() + (key_ ? key_->size() : 0);
  }
  [[nodiscard]] RequestBody request(const WriteOptions& write) const override {
    RollbackRequest out;
    out.ns = ns_;
    if (key_) out.key = *key_;
    out.to = to_;
    out.write = with_note(write);
    return out;
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, WriteOutcome{});
    return give(reply, codec::decode_rollback_reply(reply).map([](const RollbackReply& r) {
      WriteOutcome outcome;
      outcome.seq = r.seq;
      outcome.changes = r.changes;
      outcome.duplicate = r.duplicate;
      return outcome;
    }));
  }

 private:
  std::string ns_;
  std::optional<std::string> key_;
  Revision to_;
};

Result<void> check_transaction(const Transaction& transaction) {
  if (transaction.size() == 0) return fail_field("do", "the transaction is empty");
  if (transaction.size() > limits::kTxnChanges) {
    return too_large("changes of the transaction", limits::kTxnChanges, transaction.size());
  }
  if (transaction.bytes() > limits::kTxnBytes) {
    return too_large("bytes of the transaction", limits::kTxnBytes, transaction.bytes());
  }
  for (const auto& step : transaction.changes()) {
    if (auto valid = check_names(step.ns, step.key); !valid) return valid;
    if (step.op != ChangeOp::put) continue;
    if (auto valid = check_value(step.value); !valid) return valid;
  }
  if (transaction.requirements().size() > limits::kTxnChanges) {
    return too_large("requirements of the transaction", limits::kTxnChanges,
                     transaction.requirements().size());
  }
  for (const auto& need : transaction.requirements()) {
    if (auto valid = check_names(need.ns, need.key); !valid) return valid;
  }
  return check_note(transaction.note_text());
}

}  // namespace

Result<std::unique_ptr<Operation>> make_put(std::string_view ns, std::string_view key, EncodedValue&& value,
                                            WriteCall&& call, WriteAnswer& answer) {
  Result<void> valid = check_names(ns, key);
  if (valid) valid = check_value(value.bytes);
  if (valid) valid = check_note(call.note);
  if (!valid) return tl::unexpected<Error>(valid.error());
  return std::make_unique<Put>(ns, key, std::move(value), std::move(call), answer);
}

Result<std::unique_ptr<Operation>> make_remove(std::string_view ns, std::string_view key, WriteCall&& call,
                                               WriteAnswer& answer) {
  Result<void> valid = check_names(ns, key);
  if (valid) valid = check_note(call.note);
  if (!valid) return tl::unexpected<Error>(valid.error());
  return std::make_unique<Remove>(ns, key, std::move(call), answer);
}

Result<std::unique_ptr<Operation>> make_commit(Transaction&& transaction, WriteCall&& call,
                                               WriteAnswer& answer) {
  if (call.if_rev) return fail_field("if_rev", "use Transaction::require");
  Result<void> valid = check_transaction(transaction);
  if (valid) valid = check_note(call.note);
  if (!valid) return tl::unexpected<Error>(valid.error());
  return std::make_unique<Commit>(std::move(transaction), std::move(call), answer);
}

Result<std::unique_ptr<Operation>> make_rollback(std::string_view ns, std::optional<std::string>&& key,
                                                 Revision to, WriteCall&& call, WriteAnswer& answer) {
  if (call.if_rev) return fail_field("if_rev", "is not for a rollback");
  if (to == Revision(0)) return fail_field("to", "at least 1");
  Result<void> valid = validate_namespace(ns, "ns");
  if (valid && key) valid = validate_key(*key, "key");
  if (valid) valid = check_note(call.note);
  if (!valid) return tl::unexpected<Error>(valid.error());
  return std::make_unique<Rollback>(ns, std::move(key), to, std::move(call), answer);
}

}  // namespace prismbus
