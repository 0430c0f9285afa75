#include "broker/core/replier.hpp"

#include "proto/base/assert.hpp"

namespace prismbus {

void Replier::refuse_at(const ReplyTo& to, MessageId id, const Error& error, Revision rev) {
  if (error.code == ErrorCode::internal) {
    log_(LogLevel::error,
         LogLine("request_failed").with("code", "internal").with("what", error.message).text());
  }
  if (to.connection == kBrokerItself) {  // nobody reads that answer
    log_(LogLevel::error, LogLine("own_write_refused")
                              .with("code", error_row(error.code).name)
                              .with("what", error.message)
                              .text());
  }
  send(to, codec::encode_error_reply({id, epoch_, rev}, error), error.code);
}

void Replier::answer_write(const ReplyTo& to, MessageId id, const StoredTransaction& txn, bool duplicate) {
  const codec::ReplyHead own{id, epoch_, txn.rev};
  const StoredSet& set = *txn.sets.front();
  switch (txn.op) {
    case WriteOp::put:
      return send(to, codec::encode_put_reply(own, {set.seq, set.changes.front().version, duplicate}));
    case WriteOp::del:
      return send(to, codec::encode_delete_reply(own, {set.seq, duplicate}));
    case WriteOp::rollback:
      return send(to, codec::encode_rollback_reply(own, {set.seq, set.changes.size(), duplicate}));
    case WriteOp::txn:
      break;
  }
  TxnReply reply = outcome_of(txn);
  reply.duplicate = duplicate;
  send(to, codec::encode_txn_reply(own, reply));
}

void Replier::answer_waiter(const FateWaiter& waiter, const StoredTransaction& txn) {
  if (std::holds_alternative<SameOutcome>(waiter.answer))
    return answer_write(waiter.to, waiter.id, txn, true);
  settle(waiter.to, waiter.id, waiter.answer, txn.rev);
}

void Replier::settle(const ReplyTo& to, MessageId id, const FateAnswer& answer, Revision rev) {
  if (const auto* refusal = std::get_if<Error>(&answer)) return refuse_at(to, id, *refusal, rev);
  const auto* unchanged = std::get_if<RollbackReply>(&answer);
  PRISMBUS_ASSERT(unchanged != nullptr, "a repeat has the outcome of a transaction");
  send(to, codec::encode_rollback_reply({id, epoch_, rev}, *unchanged));
}

void Replier::answer_duplicate(const ReplyTo& to, MessageId id, Revision rev) {
  journal_.renew();
  const auto txn = journal_.read(rev);
  journal_.release();
  if (!txn && txn.error().code == ErrorCode::compacted) {
    // Applied, and never again (I7); what came of it went with its journal record.
    return refuse(to, id,
                  fail_field("req", "applied as revision " + std::to_string(rev.value()) +
                                        "; its outcome is no longer known, history has moved on")
                      .value());
  }
  if (!txn) return refuse(to, id, txn.error());
  answer_write(to, id, **txn, true);
}

}  // namespace prismbus
