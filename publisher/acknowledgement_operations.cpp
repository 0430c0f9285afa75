// Reads about those who follow: subscribers, wait_applied. Both may be repeated: a second wait changes
// nothing.
#include <utility>

#include "proto/wire/codec/acknowledgement.hpp"
#include "publisher/read_operation.hpp"

namespace prismbus {
namespace {

class ReadSubscribers final : public Read<SubscribersReply> {
 public:
  ReadSubscribers(SubscribersCall&& call, Promise<SubscribersReply> promise)
      : Read(call.read, std::move(promise)), call_(std::move(call)) {
    with_epoch = call_.after.has_value();
  }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    SubscribersRequest out;
    if (call_.ns) out.ns = *call_.ns;
    out.page.limit = call_.limit;
    if (call_.after) out.page.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, SubscribersReply{});
    return give(reply, codec::decode_subscribers_reply(reply));
  }

 private:
  SubscribersCall call_;
};

class WaitApplied final : public Read<WaitAppliedReply> {
 public:
  WaitApplied(std::string_view ns, Seq seq, std::chrono::milliseconds at_most,
              std::optional<std::uint64_t> count, const ReadCall& call, Promise<WaitAppliedReply> promise)
      : Read(call, std::move(promise)),
        ns_(ns),
        seq_(seq),
        timeout_ms_(at_most.count() < 0 ? 0 : static_cast<std::uint64_t>(at_most.count())),
        count_(count) {
    with_epoch = true;  // the seq is of one history
  }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    return WaitAppliedRequest{ns_, seq_, timeout_ms_, count_};
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, WaitAppliedReply{});
    return give(reply, codec::decode_wait_applied_reply(reply));
  }

 private:
  const std::string ns_;
  const Seq seq_;
  const std::uint64_t timeout_ms_;
  const std::optional<std::uint64_t> count_;
};

}  // namespace

std::unique_ptr<Operation> make_subscribers(SubscribersCall call, Promise<SubscribersReply> promise) {
  return std::make_unique<ReadSubscribers>(std::move(call), std::move(promise));
}
std::unique_ptr<Operation> make_wait_applied(std::string_view ns, Seq seq, std::chrono::milliseconds at_most,
                                             std::optional<std::uint64_t> count, const ReadCall& call,
                                             Promise<WaitAppliedReply> promise) {
  return std::make_unique<WaitApplied>(ns, seq, at_most, count, call, std::move(promise));
}

}  // namespace prismbus
