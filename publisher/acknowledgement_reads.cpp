// Reads about those who follow: subscribers, wait_applied. Both may be repeated: a second wait changes
// nothing.
#include <utility>

#include "proto/wire/codec/acknowledgement.hpp"
#include "publisher/publisher_reads.hpp"

namespace prismbus {
namespace {

class ReadSubscribers final : public Read<SubscribersReply> {
 public:
  explicit ReadSubscribers(SubscribersCall&& call) : Read(call.read), call_(std::move(call)) {
    with_epoch = call_.after.has_value();
  }
  [[nodiscard]] RequestBody request() const override {
    SubscribersRequest out;
    if (call_.ns) out.ns = *call_.ns;
    out.page.limit = call_.limit;
    if (call_.after) out.page.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_subscribers_reply); }

 private:
  SubscribersCall call_;
};

class WaitApplied final : public Read<WaitAppliedReply> {
 public:
  WaitApplied(std::string_view ns, Seq seq, std::chrono::milliseconds at_most,
              std::optional<std::uint64_t> count, const ReadCall& call)
      : Read(call),
        ns_(ns),
        seq_(seq),
        timeout_ms_(at_most.count() < 0 ? 0 : static_cast<std::uint64_t>(at_most.count())),
        count_(count) {
    with_epoch = true;  // the seq is of one history
  }
  [[nodiscard]] RequestBody request() const override {
    return WaitAppliedRequest{ns_, seq_, timeout_ms_, count_};
  }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_wait_applied_reply); }

 private:
  const std::string ns_;
  const Seq seq_;
  const std::uint64_t timeout_ms_;
  const std::optional<std::uint64_t> count_;
};

}  // namespace

Asked<SubscribersReply> ask_subscribers(SubscribersCall call) {
  return asked<ReadSubscribers>(std::move(call));
}
Asked<WaitAppliedReply> ask_wait_applied(std::string_view ns, Seq seq, std::chrono::milliseconds at_most,
                                         std::optional<std::uint64_t> count, const ReadCall& call) {
  return asked<WaitApplied>(ns, seq, at_most, count, call);
}

}  // namespace prismbus
