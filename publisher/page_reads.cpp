// Reads whose pages the caller takes one by one, since all of them may not fit memory: changes, snapshot.
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "publisher/publisher_reads.hpp"

namespace prismbus {
namespace {

class ReadChanges final : public Read<ChangesReply> {
 public:
  explicit ReadChanges(ChangesCall&& call) : Read(call.read), call_(std::move(call)) { with_epoch = true; }
  [[nodiscard]] RequestBody request() const override {
    ChangesRequest out;
    for (const auto& [ns, seq] : call_.since) out.since.emplace_back(ns, seq);
    if (call_.under) out.under = *call_.under;
    out.since_rev = call_.since_rev;
    if (call_.after) out.page.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_changes_reply); }

 private:
  ChangesCall call_;
};

class ReadSnapshot final : public Read<SnapshotReply> {
 public:
  explicit ReadSnapshot(SnapshotCall&& call) : Read(call.read), call_(std::move(call)) {
    with_epoch = call_.after.has_value();
  }
  [[nodiscard]] RequestBody request() const override {
    SnapshotRequest out;
    (call_.subtree ? out.under : out.ns) = call_.ns;
    if (call_.after) out.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_snapshot_reply); }

 private:
  SnapshotCall call_;
};

}  // namespace

Asked<ChangesReply> ask_changes(ChangesCall call) {
  return asked<ReadChanges>(std::move(call));
}
Asked<SnapshotReply> ask_snapshot(SnapshotCall call) {
  return asked<ReadSnapshot>(std::move(call));
}

}  // namespace prismbus
