// Reads of the past and of everything: history, diff, backup. One page each.
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "publisher/read_operation.hpp"

namespace prismbus {
namespace {

class ReadHistory final : public Read<HistoryReply> {
 public:
  ReadHistory(HistoryCall&& call, Promise<HistoryReply> promise)
      : Read(call.read, std::move(promise)), call_(std::move(call)) {
    with_epoch = call_.before || call_.after;
  }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    HistoryRequest out;
    out.ns = call_.ns;
    out.key = call_.key;
    out.before = call_.before;
    out.page.limit = call_.limit;
    if (call_.after) out.page.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, HistoryReply{});
    return give(reply, codec::decode_history_reply(reply));
  }

 private:
  HistoryCall call_;
};

class ReadDiff final : public Read<DiffReply> {
 public:
  ReadDiff(DiffCall&& call, Promise<DiffReply> promise)
      : Read(call.read, std::move(promise)), call_(std::move(call)) {
    with_epoch = true;
  }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override {
    DiffRequest out;
    out.ns = call_.ns;
    out.from = call_.from;
    out.to = call_.to;
    if (call_.after) out.page.after = *call_.after;
    return out;
  }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, DiffReply{});
    return give(reply, codec::decode_diff_reply(reply));
  }

 private:
  DiffCall call_;
};

class Backup final : public Read<BackupReply> {
 public:
  Backup(std::string_view name, const ReadCall& call, Promise<BackupReply> promise)
      : Read(call, std::move(promise)), name_(name) {}
  [[nodiscard]] RequestBody request(const WriteOptions&) const override { return BackupRequest{name_}; }
  bool finish(const ReplyHeader& reply) override {
    if (reply.error) return give(reply, BackupReply{});
    return give(reply, codec::decode_backup_reply(reply));
  }

 private:
  std::string name_;
};

}  // namespace

std::unique_ptr<Operation> make_history(HistoryCall call, Promise<HistoryReply> promise) {
  return std::make_unique<ReadHistory>(std::move(call), std::move(promise));
}
std::unique_ptr<Operation> make_diff(DiffCall call, Promise<DiffReply> promise) {
  return std::make_unique<ReadDiff>(std::move(call), std::move(promise));
}
std::unique_ptr<Operation> make_backup(std::string_view name, const ReadCall& call,
                                       Promise<BackupReply> promise) {
  return std::make_unique<Backup>(name, call, std::move(promise));
}

}  // namespace prismbus
