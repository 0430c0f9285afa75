#include "perf/zmq_asker.hpp"

#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus::perf {
namespace {

constexpr int kSilenceMs = 10'000;

}  // namespace

ZmqAsker::ZmqAsker() : context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_DEALER)) {
  const int linger = 0, unlimited = 0;
  zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof(linger));
  zmq_setsockopt(socket_, ZMQ_SNDHWM, &unlimited, sizeof(unlimited));
  zmq_setsockopt(socket_, ZMQ_RCVHWM, &unlimited, sizeof(unlimited));
  zmq_setsockopt(socket_, ZMQ_RCVTIMEO, &kSilenceMs, sizeof(kSilenceMs));
}

ZmqAsker::~ZmqAsker() {
  if (socket_ == nullptr) return;
  zmq_close(socket_);
  zmq_ctx_term(context_);
}

ZmqAsker::ZmqAsker(ZmqAsker&& other) noexcept
    : context_(std::exchange(other.context_, nullptr)),
      socket_(std::exchange(other.socket_, nullptr)),
      epoch_(other.epoch_) {}

Result<ZmqAsker, std::string> ZmqAsker::connect(const std::string& endpoint, const Credentials& credentials) {
  const bool secured = !credentials.server_key.empty();
  ZmqAsker asker;
  if (auto done = secured ? asker.secure(credentials) : Result<void, std::string>(); !done)
    return tl::unexpected(done.error());
  if (zmq_connect(asker.socket_, endpoint.c_str()) != 0)
    return tl::unexpected(endpoint + ": " + zmq_strerror(zmq_errno()));
  if (!secured) return asker;
  const auto token = credentials.token_now();
  if (!token) return tl::unexpected(token.error().message);
  if (auto done = asker.greet(*token); !done) return tl::unexpected(endpoint + ": " + done.error());
  return asker;
}

Result<void, std::string> ZmqAsker::secure(const Credentials& credentials) {
  const auto own = CurveKeyPair::fresh();
  if (!own) return tl::unexpected(own.error().message);
  const auto set = [this](int option, const std::string& key) {
    return zmq_setsockopt(socket_, option, key.c_str(), key.size() + 1) == 0;
  };
  if (!set(ZMQ_CURVE_SERVERKEY, credentials.server_key) || !set(ZMQ_CURVE_PUBLICKEY, own->public_key) ||
      !set(ZMQ_CURVE_SECRETKEY, own->secret_key)) {
    return tl::unexpected(std::string("libzmq does not take the keys"));
  }
  return {};
}

Result<void, std::string> ZmqAsker::greet(const std::string& token) {
  send(codec::encode_request({.id = {}, .token = token, .epoch = {}, .body = HelloRequest{}}));
  std::string why = "no answer to hello";
  (void)receive(Wait::yes, [&](std::string_view payload) {
    const auto reply = codec::decode_reply(payload);
    if (reply) epoch_ = reply->epoch;
    why = !reply ? reply.error().message : reply->error ? reply->error->message : "";
  });
  if (why.empty()) return {};
  return tl::unexpected(why);
}

void ZmqAsker::send(std::string_view payload) {
  zmq_send(socket_, "", 0, ZMQ_SNDMORE);
  zmq_send(socket_, payload.data(), payload.size(), 0);
}

int ZmqAsker::fd() const {
  int fd = -1;
  std::size_t size = sizeof fd;
  zmq_getsockopt(socket_, ZMQ_FD, &fd, &size);
  return fd;
}

}  // namespace prismbus::perf
