#include "broker/net/stream_door.hpp"

#include <cerrno>

#include "broker/net/frame_properties.hpp"

namespace prismbus {
namespace {

// All that a subscriber may send is a flag and a topic; topics over 245 bytes are garbled by libzmq anyway.
constexpr std::int64_t kSubscriptionBytesMax = 1024;

}  // namespace

StreamDoor::StreamDoor(Context& context, Lane lane, const StreamDoorSettings& settings)
    : socket_(context, BoundSocketOptions{.role = SocketRole::stream_server,
                                          .send_frames_max = settings.subscriber_frames_max,
                                          .frame_bytes_max = kSubscriptionBytesMax,
                                          .io_thread_affinity = settings.io_thread_affinity,
                                          .curve_secret = settings.curve_secret}),
      lane_(lane),
      clients_(settings.clients) {
  zmq_msg_init(&frame_);
}

StreamDoor::~StreamDoor() {
  zmq_msg_close(&frame_);
}

void StreamDoor::publish(std::string&& frame) {
  maybe_input_ = true;
  // An XPUB without NODROP takes everything; what a subscriber has no room for is not queued for it.
  Frame message = Frame::owning(std::move(frame));
  [[maybe_unused]] const auto sent = socket_.socket().send(message);
}

std::size_t StreamDoor::receive(std::size_t messages_max, SubscriptionHandler& handler) {
  std::size_t messages = 0;
  while (messages < messages_max) {
    if (zmq_msg_recv(&frame_, socket_.get(), ZMQ_DONTWAIT) < 0) {
      if (errno == EINTR) continue;
      maybe_input_ = false;
      break;
    }
    ++messages;
    if (clients_ != nullptr && !clients_->meet(connection_number_of(frame_), frame_)) continue;
    handler.on_subscription(lane_, {static_cast<const char*>(zmq_msg_data(&frame_)), zmq_msg_size(&frame_)});
  }
  return messages;
}

StreamDoor& StreamDoors::add(Context& context, Lane lane, const StreamDoorSettings& settings) {
  doors_.push_back(std::make_unique<StreamDoor>(context, lane, settings));
  return *doors_.back();
}

void StreamDoors::publish(Lane lane, std::string frame) {
  for (const auto& door : doors_) {
    if (door->lane() == lane) return door->publish(std::move(frame));
  }
}

}  // namespace prismbus
