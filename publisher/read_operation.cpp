// A read among the publisher's calls.
#include <utility>

#include "publisher/operation.hpp"

namespace prismbus {
namespace {

class ReadOperation final : public Operation {
 public:
  explicit ReadOperation(std::unique_ptr<BrokerRead> read) : read_(std::move(read)) { take_binding(); }
  [[nodiscard]] RequestBody request(const WriteOptions&) const override { return read_->request(); }
  bool finish(const ReplyHeader& reply) override {
    const bool done = read_->finish(reply);
    take_binding();
    return done;
  }
  void fail_with(const Error& error) override { read_->fail_with(error); }
  void learn(const ReplyHeader& reply, KnownRevisions& known) const override {
    read_->tell_revisions(reply, [&](std::string_view ns, std::string_view key, Revision rev) {
      known.learn(ns, key, {reply.epoch, rev});
    });
  }

 private:
  // A further page carries a cursor, which is of one history.
  void take_binding() {
    with_epoch = read_->with_epoch;
    epoch = read_->epoch;
  }
  std::unique_ptr<BrokerRead> read_;
};

}  // namespace

std::unique_ptr<Operation> make_read(std::unique_ptr<BrokerRead> read) {
  return std::make_unique<ReadOperation>(std::move(read));
}

}  // namespace prismbus
