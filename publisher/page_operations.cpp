// Reads whose pages the caller takes one by one, since all of them may not fit memory: changes, snapshot.
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "publisher/read_operation.hpp"

namespace prismbus {
namespace {

class ReadChanges final : public Read<ChangesReply> {
 public:
  ReadChanges(ChangesCall&& call, Promise<ChangesReply> promise)
      : Read(call.read, std::move(promise)), call_(std::move(call)) {
    with_epoch = true;
  }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    ChangesRequest out;
    for (const auto& [ns, seq] : call_.since) out.since.emplace_back(ns, seq);
    if (call_.under) out.under = *call_.under;
    out.since_rev = call_.since_rev;
    if (call_.after) out.page.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, ChangesReply{});
    return give(reply, codec::decode_changes_reply(reply));
  }

 private:
  ChangesCall call_;
};

class ReadSnapshot final : public Read<SnapshotReply> {
 public:
  ReadSnapshot(SnapshotCall&& call, Promise<SnapshotReply> promise)
      : Read(call.read, std::move(promise)), call_(std::move(call)) {
    with_epoch = call_.after.has_value();
  }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    SnapshotRequest out;
    (call_.subtree ? out.under : out.ns) = call_.ns;
    if (call_.after) out.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, SnapshotReply{});
    return give(reply, codec::decode_snapshot_reply(reply));
  }

 private:
  SnapshotCall call_;
};

}  // namespace

std::unique_ptr<Operation> make_changes(ChangesCall call, Promise<ChangesReply> promise) {
  return std::make_unique<ReadChanges>(std::move(call), std::move(promise));
}
std::unique_ptr<Operation> make_snapshot(SnapshotCall call, Promise<SnapshotReply> promise) {
  return std::make_unique<ReadSnapshot>(std::move(call), std::move(promise));
}

}  // namespace prismbus
