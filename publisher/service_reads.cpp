// What a broker is asked about itself: status, hello, backup, audit. One reply each.
#include <utility>

#include "proto/wire/codec/audit.hpp"
#include "proto/wire/codec/reply.hpp"
#include "publisher/publisher_reads.hpp"

namespace prismbus {
namespace {

class Status final : public Read<std::string> {
 public:
  [[nodiscard]] RequestBody request() const override { return StatusRequest{}; }
  bool finish(const ReplyHeader& reply) override {
    return give(reply, [](const ReplyHeader& r) -> Result<std::string> { return std::string(r.body); });
  }
};

class Hello final : public Read<HelloReply> {
 public:
  explicit Hello(const ClientIdentity& client) : client_(client) {}
  [[nodiscard]] RequestBody request() const override {
    HelloRequest out;
    out.name = client_.name;
    out.version = client_.version;
    out.instance = client_.instance;
    for (const auto& [name, value] : client_.labels) out.labels.emplace_back(name, value);
    return out;
  }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_hello_reply); }

 private:
  ClientIdentity client_;
};

class Backup final : public Read<BackupReply> {
 public:
  Backup(std::string_view name, const ReadCall& call) : Read(call), name_(name) {}
  [[nodiscard]] RequestBody request() const override { return BackupRequest{name_}; }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_backup_reply); }

 private:
  std::string name_;
};

class Audit final : public Read<AuditReply> {
 public:
  explicit Audit(AuditCall call) : Read(call.read), call_(std::move(call)) {
    if (call_.after) with_epoch = true;
  }
  [[nodiscard]] RequestBody request() const override {
    AuditRequest out;
    out.ns = call_.ns;
    out.by = call_.by;
    if (call_.since) out.since = to_micros(*call_.since);
    out.page.after = call_.after;
    out.page.limit = call_.limit;
    return out;
  }
  bool finish(const ReplyHeader& reply) override { return give(reply, codec::decode_audit_reply); }

 private:
  AuditCall call_;
};

}  // namespace

Asked<std::string> ask_status() {
  return asked<Status>();
}
Asked<HelloReply> ask_hello(const ClientIdentity& client) {
  return asked<Hello>(client);
}
Asked<AuditReply> ask_audit(AuditCall call) {
  return asked<Audit>(std::move(call));
}
Asked<BackupReply> ask_backup(std::string_view name, const ReadCall& call) {
  return asked<Backup>(name, call);
}

}  // namespace prismbus
