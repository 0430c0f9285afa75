// The stream door: one XPUB of one lane, bound to one or more endpoints, and the set of lanes that the
// pipeline sees as its Feed. Sends each frame once; libzmq copies it to every subscriber of its topic. Hands
// subscriptions up (VERBOSE), so that barriers can be answered. Bus thread. A subscriber that does not read
// loses frames past its mark, in silence: seq and markers tell it (I6), nobody else waits for it.
#pragma once

#include <zmq.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/ports.hpp"
#include "broker/net/bound_socket.hpp"
#include "broker/net/listed_clients.hpp"

namespace prismbus {

class SubscriptionHandler {
 public:
  virtual ~SubscriptionHandler() = default;
  // 0x01 (subscribe) or 0x00 (unsubscribe) and the topic, or whatever else a peer sent. Lent for the call.
  virtual void on_subscription(Lane lane, std::string_view handed_up) = 0;
};

struct StreamDoorSettings {
  int subscriber_frames_max = 20'000;  // queued for one subscriber; more is lost to it
  std::uint64_t io_thread_affinity = 0;
  std::string curve_secret{};        // not empty: CURVE
  ListedClients* clients = nullptr;  // then: asked at each subscription; outlives the door
};

class StreamDoor {
 public:
  StreamDoor(Context& context, Lane lane, const StreamDoorSettings& settings);
  ~StreamDoor();

  [[nodiscard]] Result<std::string> bind(const Endpoint& endpoint) { return socket_.bind(endpoint); }
  [[nodiscard]] const std::vector<std::string>& endpoints() const { return socket_.endpoints(); }
  [[nodiscard]] Lane lane() const { return lane_; }

  void publish(std::string&& frame);
  // Up to `messages_max` subscriptions; does not block. Returns how many.
  std::size_t receive(std::size_t messages_max, SubscriptionHandler& handler);

  [[nodiscard]] bool has_input() { return maybe_input_ && socket_.has_input(); }
  [[nodiscard]] int fd() const { return socket_.fd(); }
  [[nodiscard]] const BoundSocket& socket() const { return socket_; }

 private:
  BoundSocket socket_;
  const Lane lane_;
  ListedClients* const clients_;
  zmq_msg_t frame_{};
  bool maybe_input_ = true;
};

// The lanes that are bound. A frame for one that is not goes nowhere: nobody can have subscribed to it.
class StreamDoors final : public Feed {
 public:
  StreamDoor& add(Context& context, Lane lane, const StreamDoorSettings& settings);
  void publish(Lane lane, std::string frame) override;
  [[nodiscard]] const std::vector<std::unique_ptr<StreamDoor>>& all() const { return doors_; }

 private:
  std::vector<std::unique_ptr<StreamDoor>> doors_;
};

}  // namespace prismbus
