// reply: the last room. Every answer of the broker leaves through here, so that it is counted, carries the
// applied revision (a write's its own), and a defect is logged once. Bus thread.
#pragma once

#include <optional>
#include <string>

#include "broker/core/pending.hpp"
#include "broker/core/ports.hpp"
#include "broker/core/request_meter.hpp"
#include "broker/store/journal.hpp"
#include "broker/store/recent.hpp"
#include "proto/base/log.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {

class Replier {
 public:
  Replier(ReplySink& sink, Epoch epoch, const Recent& recent, const Journal& journal, LogSink log)
      : sink_(sink), epoch_(epoch), recent_(recent), journal_(journal), log_(std::move(log)) {}

  [[nodiscard]] codec::ReplyHead head(MessageId id) const { return {id, epoch_, recent_.applied()}; }
  // `refusal`: the code of an error that is already encoded in `payload`.
  void send(const ReplyTo& to, std::string&& payload, std::optional<ErrorCode> refusal = std::nullopt) {
    meter_.answered(to.mark, refusal);
    sink_.reply(to, std::move(payload));
  }
  void refuse(const ReplyTo& to, MessageId id, const Error& error) {
    refuse_at(to, id, error, recent_.applied());
  }
  // A refusal that was judged at `rev`.
  void refuse_at(const ReplyTo& to, MessageId id, const Error& error, Revision rev);
  void answer_write(const ReplyTo& to, MessageId id, const StoredTransaction& txn, bool duplicate);
  // An answer that rested on `txn`, which is durable now.
  void answer_waiter(const FateWaiter& waiter, const StoredTransaction& txn);
  // A refusal or an outcome without a transaction, as it was at `rev`.
  void settle(const ReplyTo& to, MessageId id, const FateAnswer& answer, Revision rev);
  // The outcome of an applied write, read back from its journal record.
  void answer_duplicate(const ReplyTo& to, MessageId id, Revision rev);

  [[nodiscard]] RequestMeter& meter() { return meter_; }
  [[nodiscard]] const RequestMeter& meter() const { return meter_; }

 private:
  ReplySink& sink_;
  const Epoch epoch_;
  const Recent& recent_;
  JournalReader journal_;
  const LogSink log_;
  RequestMeter meter_;
};

}  // namespace prismbus
