// Reads of what was: history of a key, diff of two revisions. One page each.
#include <utility>

#include "proto/client/reads.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

class ReadHistory final : public Read<HistoryReply> {
 public:
  explicit ReadHistory(HistoryCall&& call) : Read(call.read), call_(std::move(call)) {
    with_epoch = call_.before || call_.after;
  }
  [[nodiscard]] RequestBody request() const override {
    HistoryRequest out;
    out.ns = call_.ns;
    out.key = call_.key;
    out.before = call_.before;
    out.page.limit = call_.limit;
    if (call_.after) out.page.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_history_reply); }

 private:
  HistoryCall call_;
};

class ReadDiff final : public Read<DiffReply> {
 public:
  explicit ReadDiff(DiffCall&& call) : Read(call.read), call_(std::move(call)) { with_epoch = true; }
  [[nodiscard]] RequestBody request() const override {
    DiffRequest out;
    out.ns = call_.ns;
    out.from = call_.from;
    out.to = call_.to;
    if (call_.after) out.page.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_diff_reply); }

 private:
  DiffCall call_;
};

}  // namespace

Asked<HistoryReply> ask_history(HistoryCall call) {
  return asked<ReadHistory>(std::move(call));
}
Asked<DiffReply> ask_diff(DiffCall call) {
  return asked<ReadDiff>(std::move(call));
}

}  // namespace prismbus
