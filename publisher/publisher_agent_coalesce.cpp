// PublisherAgent's share of coalescing: plain puts at the front of the queue leave as one transaction under
// one request id (so a repeat is still recognised, I7), and each caller gets its own part of the reply. A
// refusal says which rule was broken, not by whom in the caller's words: then each is sent alone, in order,
// and gets its own answer. They were never applied together, since a transaction is applied whole or not at
// all.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "publisher/publisher_agent.hpp"

namespace prismbus {
namespace {

// What one change can bring upon a whole transaction. Anything else befalls each of them alone as well.
bool blames_content(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::permission_denied:
    case ErrorCode::not_found:
    case ErrorCode::conflict:
    case ErrorCode::too_large:
    case ErrorCode::rejected:
    case ErrorCode::unsupported:
    case ErrorCode::read_only:  // a quota that all of them exceed may hold some
      return true;
    default:
      return false;
  }
}

}  // namespace

// Counts what else at the front of the queue goes together.
void PublisherAgent::gather(Now now) {
  const LimitsInForce& told = connection_->greeting().hello.limits;
  const PutRun::Limits most{std::min<std::size_t>(limits::kTxnChanges, told.txn_changes),
                            std::min<std::size_t>(limits::kTxnBytes, told.txn_bytes)};
  while (run_.size() < writes_.size() && !run_.closed()) {
    const Operation& op = *writes_[run_.size()];
    const auto put = op.plain_put();
    if (!put || op.alone) return run_.cut();
    const std::size_t size = put->key.size() + put->value.size();
    if (!run_.add({op.order_keys.front(), size, op.deadline}, most, now.steady)) return;
    if (!op.followers.empty()) run_.hurry();
  }
  if (!std::exchange(key_waits_, false)) return;
  const auto end = writes_.begin() + static_cast<std::ptrdiff_t>(run_.size());
  if (std::any_of(writes_.begin(), end, [](const Operation* op) { return !op->followers.empty(); }))
    run_.hurry();
}

// Sends what is due at the front of the queue; false when nothing more leaves now.
bool PublisherAgent::send_together(Now now) {
  gather(now);
  if (run_.size() > 0 && !run_.due(now.steady) && flushes_.empty() && !closing_) return false;
  if (run_.size() <= 1) {
    if (!send_at(0, now)) return false;
    run_.clear();
    return true;
  }
  const auto ticket = window_.admit();
  if (!ticket) return false;
  TxnRequest txn;
  txn.write.session = window_.session_bytes(*ticket);
  txn.write.n = ticket->n;
  Together together{{}, *ticket};
  for (std::size_t i = run_.size(); i > 0; --i) {
    Operation& op = *writes_.front();
    writes_.pop_front();
    const auto put = op.plain_put();
    txn.changes.push_back({ChangeOp::put, put->ns, put->key, put->value});
    op.place = Operation::Place::in_flight;
    --backlog_;
    together.members.push_back(&op);
  }
  const std::uint64_t tag = kTogether + ++last_together_;
  connection_->submit(tag, txn, {run_.deadline(), true}, now);
  counters_.coalesced.fetch_add(together.members.size(), std::memory_order_relaxed);
  together_.emplace(tag, std::move(together));
  run_.clear();
  return true;
}

void PublisherAgent::on_reply_together(std::uint64_t tag, const ReplyHeader& reply) {
  const Together together = std::move(together_.extract(tag).mapped());
  window_.close(together.ticket, true);
  if (reply.error && blames_content(reply.error->code)) return send_each_alone(together);
  if (reply.error) return answer_together(together, *reply.error);
  const auto txn = codec::decode_txn_reply(reply);
  if (!txn || txn->versions.size() != together.members.size()) {
    Error error = txn ? error_of(ErrorCode::internal, "not a version for each put") : txn.error();
    return answer_together(together,
                           in_context("the write was accepted, its reply not understood", std::move(error)));
  }
  std::unordered_map<std::string_view, Seq> seqs;
  for (const auto& [ns, seq] : txn->seqs) seqs.emplace(ns, seq);
  for (std::size_t i = 0; i < together.members.size(); ++i) {
    Operation& op = *together.members[i];
    WriteOutcome outcome;
    outcome.epoch = reply.epoch;
    outcome.rev = reply.rev;
    outcome.seq = seqs[op.plain_put()->ns];
    outcome.version = txn->versions[i];
    outcome.duplicate = txn->duplicate;
    tell([&] { op.answer(std::move(outcome)); });
    release(op);
  }
}

void PublisherAgent::on_expired_together(std::uint64_t tag, const Error& error) {
  const Together together = std::move(together_.extract(tag).mapped());
  window_.close(together.ticket, error.code != ErrorCode::timeout);
  answer_together(together, error);
}

void PublisherAgent::answer_together(const Together& together, const Error& error) {
  for (Operation* op : together.members) {
    tell([&] { op->fail_with(error); });
    release(*op);
  }
}

// Back to the front of the queue, in order; their keys are still theirs.
void PublisherAgent::send_each_alone(const Together& together) {
  for (auto op = together.members.rbegin(); op != together.members.rend(); ++op) {
    (*op)->alone = true;
    (*op)->place = Operation::Place::ready;
    ++backlog_;
    writes_.push_front(*op);
  }
  run_.clear();
}

}  // namespace prismbus
