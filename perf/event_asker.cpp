#include "perf/event_asker.hpp"

#include <chrono>
#include <utility>

#include "perf/zmq_asker.hpp"
#include "perf/zmtp_peer.hpp"

namespace prismbus::perf {
namespace {

constexpr std::chrono::seconds kPatience{10};

class ZmtpEventAsker final : public EventAsker {
 public:
  ZmtpEventAsker(const FanOutSource& source, OnReply on_reply, ZmtpPeer peer)
      : source_(source), on_reply_(std::move(on_reply)), peer_(std::move(peer)) {}
  int fd() const override { return peer_.fd(); }
  bool ask(std::size_t n) override {
    out_.clear();
    for (; n > 0; --n) ZmtpPeer::append_request(out_, source_.next_payload());
    return peer_.send(out_);
  }
  bool take() override { return peer_.receive(ZmtpPeer::Wait::no, on_reply_); }

 private:
  const FanOutSource& source_;
  const OnReply on_reply_;
  ZmtpPeer peer_;
  std::string out_;
};

class ZmqEventAsker final : public EventAsker {
 public:
  ZmqEventAsker(const FanOutSource& source, OnReply on_reply, ZmqAsker asker)
      : source_(source), on_reply_(std::move(on_reply)), asker_(std::move(asker)) {}
  int fd() const override { return asker_.fd(); }
  bool ask(std::size_t n) override {
    for (; n > 0; --n) asker_.send(source_.next_payload());
    return take();
  }
  bool take() override {
    while (asker_.receive(ZmqAsker::Wait::no, on_reply_) > 0) {
    }
    return true;
  }

 private:
  const FanOutSource& source_;
  const OnReply on_reply_;
  ZmqAsker asker_;
};

}  // namespace

Result<std::unique_ptr<EventAsker>, std::string> EventAsker::connect(const FanOutSource& source,
                                                                     OnReply on_reply) {
  if (source.asker == FanOutSource::Asker::libzmq) {
    auto asker = ZmqAsker::connect(source.requests, source.credentials);
    if (!asker) return tl::unexpected(asker.error());
    return std::make_unique<ZmqEventAsker>(source, std::move(on_reply), std::move(*asker));
  }
  auto peer = ZmtpPeer::connect(source.requests, ZmtpPeer::Role::dealer, kPatience);
  if (!peer) return tl::unexpected(peer.error());
  return std::make_unique<ZmtpEventAsker>(source, std::move(on_reply), std::move(*peer));
}

}  // namespace prismbus::perf
