// What tests of the doors need: a context with a running admission, a door on a free port, clients with raw
// ZeroMQ sockets, and waiting for a condition while the door is stepped.
#pragma once

#include <zmq.h>

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/net/request_door.hpp"
#include "broker/net/stream_door.hpp"
#include "broker/net/zap_handler.hpp"
#include "proto/base/waker.hpp"

namespace prismbus::test {

using Frames = std::vector<std::string>;

// The admission on a thread of its own, as the broker runs it.
class RunningAdmission {
 public:
  explicit RunningAdmission(Context& context, std::uint64_t descriptors_max = 1'000'000)
      : handler_(*ZapHandler::bind(context, descriptors_max)), thread_([this](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            handler_->step();
            std::array<zmq_pollitem_t, 2> items{
                {{handler_->handle(), 0, ZMQ_POLLIN, 0}, {nullptr, waker_.fd(), ZMQ_POLLIN, 0}}};
            poll_sockets(items, std::chrono::milliseconds(50));
          }
        }) {}
  ~RunningAdmission() {
    thread_.request_stop();
    waker_.wake();
    thread_.join();
  }

 private:
  Waker waker_;
  std::unique_ptr<ZapHandler> handler_;
  std::jthread thread_;
};

struct Received {
  ReplyTo from;
  std::string payload;
};

class Recorder final : public RequestHandler {
 public:
  void on_request(const ReplyTo& from, std::string_view payload) override {
    requests.push_back({from, std::string(payload)});
  }
  void on_malformed(const ReplyTo& from, std::string_view why) override {
    malformed.push_back({from, std::string(why)});
  }
  void on_gone(ConnectionId connection) override { gone.push_back(connection); }
  std::vector<Received> requests, malformed;
  std::vector<ConnectionId> gone;
};

// A peer: any socket type, options set before it connects.
class Peer {
 public:
  Peer(Context& context, int type, const std::string& endpoint, int receive_mark = 0,
       const std::optional<CurveClient>& curve = std::nullopt)
      : socket_(zmq_socket(context.handle(), type)) {
    const int zero = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(socket_, ZMQ_SNDHWM, &zero, sizeof zero);
    zmq_setsockopt(socket_, ZMQ_RCVHWM, &receive_mark, sizeof receive_mark);
    if (curve) {
      zmq_setsockopt(socket_, ZMQ_CURVE_SERVERKEY, curve->server_key.c_str(), curve->server_key.size() + 1);
      zmq_setsockopt(socket_, ZMQ_CURVE_PUBLICKEY, curve->own.public_key.c_str(),
                     curve->own.public_key.size() + 1);
      zmq_setsockopt(socket_, ZMQ_CURVE_SECRETKEY, curve->own.secret_key.c_str(),
                     curve->own.secret_key.size() + 1);
    }
    zmq_connect(socket_, endpoint.c_str());
  }
  ~Peer() { close(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void send(const Frames& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      zmq_send(socket_, frames[i].data(), frames[i].size(), i + 1 < frames.size() ? ZMQ_SNDMORE : 0);
    }
  }
  void subscribe(std::string_view topic) {
    zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, topic.data(), topic.size());
  }
  // A whole message when one is there.
  bool receive(Frames& frames) {
    frames.clear();
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool more = true;
    while (more) {
      if (zmq_msg_recv(&frame, socket_, ZMQ_DONTWAIT) < 0) break;
      frames.emplace_back(static_cast<const char*>(zmq_msg_data(&frame)), zmq_msg_size(&frame));
      more = zmq_msg_more(&frame) != 0;
    }
    zmq_msg_close(&frame);
    return !frames.empty();
  }
  void close() {
    if (socket_ != nullptr) zmq_close(socket_);
    socket_ = nullptr;
  }

 private:
  void* socket_;
};

// Steps until the condition holds; false when it did not within ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// A request door on loopback; clients live in a context of their own, as other processes would.
struct DoorFixture {
  explicit DoorFixture(const RequestDoorSettings& settings = {})
      : admission(context), door(context, settings) {
    endpoint = *door.bind(*Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind));
  }
  // Takes in what arrived; always true, so that it can stand in a condition.
  bool pump(std::size_t at_most = 256) {
    door.receive(at_most, 64u << 20, recorder);
    return true;
  }
  bool await_requests(std::size_t count) {
    return eventually([&] { return pump() && recorder.requests.size() >= count; });
  }

  Context context, clients;
  RunningAdmission admission;
  RequestDoor door;
  Recorder recorder;
  std::string endpoint;
};

}  // namespace prismbus::test
