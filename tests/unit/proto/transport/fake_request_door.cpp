#include "tests/unit/proto/transport/fake_request_door.hpp"

#include <stdexcept>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus {

FakeRequestDoor::FakeRequestDoor(Context& context, std::string bind_to)
    : context_(&context), endpoint_(std::move(bind_to)) {
  open_again();
}

void FakeRequestDoor::open_again() {
  auto socket = Socket::open(*context_, SocketRole::plain_router);
  if (!socket) throw std::runtime_error(socket.error().message);
  // The port is given back by libzmq's own thread a moment after a close.
  for (int i = 0; i < 2000; ++i) {
    auto bound = socket->bind(*Endpoint::parse(endpoint_, Endpoint::Use::bind));
    if (bound) {
      endpoint_ = *bound;
      socket_ = std::move(*socket);
      return;
    }
    zmq_poll(nullptr, 0, 2);
  }
  throw std::runtime_error("cannot bind " + endpoint_);
}

std::unique_ptr<FakeRequestDoor::Received> FakeRequestDoor::receive() {
  Frame frame;
  if (!socket_ || socket_->receive(frame) != Socket::Received::yes) return nullptr;
  auto out = std::make_unique<Received>();
  out->peer = frame.bytes();
  if (socket_->receive(frame) != Socket::Received::yes || !frame.bytes().empty())
    throw std::runtime_error("no empty frame");
  if (socket_->receive(frame) != Socket::Received::yes || frame.more())
    throw std::runtime_error("not one payload frame");
  out->payload = frame.bytes();
  auto request = codec::decode_request(out->payload);
  if (!request) throw std::runtime_error(request.error().error.message);
  out->request = std::move(*request);
  return out;
}

void FakeRequestDoor::reply(const Received& to, const std::string& payload) {
  (void)socket_->send(to.peer, true);
  (void)socket_->send({}, true);
  (void)socket_->send(payload);
}

void FakeRequestDoor::reply_hello(const Received& to) {
  HelloReply hello;
  hello.server = "fake";
  hello.run = run;
  hello.changes = {"tcp://127.0.0.1:1"};
  hello.heartbeat_ms = 1000;
  hello.ack_ms = 1000;
  hello.limits = default_limits();
  hello.principal = "anonymous";
  reply(to, codec::encode_hello_reply({to.request.id, epoch, rev}, hello));
}

void FakeRequestDoor::reply_put(const Received& to, std::uint64_t seq, std::uint64_t version,
                                bool duplicate) {
  rev = rev.next();
  reply(to, codec::encode_put_reply({to.request.id, epoch, rev}, {Seq(seq), version, duplicate}));
}

void FakeRequestDoor::reply_error(const Received& to, ErrorCode code,
                                  std::optional<std::uint64_t> retry_after_ms) {
  Error error = fail(code, "as the test wants it").value();
  error.retry_after_ms = retry_after_ms;
  reply(to, codec::encode_error_reply({to.request.id, epoch, rev}, error));
}

}  // namespace prismbus
