#include "broker/net/request_door.hpp"

#include <cerrno>

#include "broker/net/frame_properties.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kTendConnections = 128;  // looked at per call: two system calls each

// CURVE (RFC 26) sends a frame as a MESSAGE: its name, a nonce, and a box with a byte of flags and a seal.
constexpr std::size_t kCurveBytes = 8 + 8 + 16 + 1;

std::string_view bytes_of(zmq_msg_t& frame) {
  return {static_cast<const char*>(zmq_msg_data(&frame)), zmq_msg_size(&frame)};
}

bool send_bytes(void* socket, std::string_view bytes, int flags) {
  while (zmq_send(socket, bytes.data(), bytes.size(), flags) < 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

RequestDoor::RequestDoor(Context& context, const RequestDoorSettings& settings)
    : socket_(context, BoundSocketOptions{.role = SocketRole::requests_server,
                                          .send_frames_max = settings.reply_frames_max,
                                          .frame_bytes_max = limits::kTransportBytes,
                                          .io_thread_affinity = settings.io_thread_affinity,
                                          .curve_secret = settings.curve_secret}),
      meter_(settings.meter),
      admission_(settings.figures),
      clients_(settings.clients),
      sealed_bytes_(settings.curve_secret.empty() ? 0 : kCurveBytes),
      connections_(settings.backlog_bytes_max) {
  zmq_msg_init(&frame_);
}

RequestDoor::~RequestDoor() {
  zmq_msg_close(&frame_);
}

std::size_t RequestDoor::receive(std::size_t messages_max, std::size_t bytes_max, RequestHandler& handler) {
  std::size_t messages = 0, bytes = 0;
  while (messages < messages_max && bytes < bytes_max) {
    if (receive_one(handler, bytes) == Took::nothing) {
      // Nothing is left, unless a reply sent meanwhile let libzmq take in more.
      break;
    }
    ++messages;
  }
  return messages;
}

// ZMTP 3: one byte of flags, then one or eight of length.
std::uint64_t RequestDoor::wire_size(std::size_t frame_bytes) const {
  const std::size_t sent = frame_bytes + sealed_bytes_;
  return sent + (sent > 255 ? 9u : 2u);
}

// False when there is nothing to read.
bool RequestDoor::receive_frame() {
  while (zmq_msg_recv(&frame_, socket_.get(), ZMQ_DONTWAIT) < 0) {
    if (errno != EINTR) return false;
  }
  wire_bytes_ += wire_size(zmq_msg_size(&frame_));
  return true;
}

void RequestDoor::discard_rest() {
  while (zmq_msg_more(&frame_) != 0 && receive_frame()) {
  }
}

// Reads up to and including the first empty frame; false when it is not among the first eight.
bool RequestDoor::read_envelope() {
  from_.envelope.clear();
  for (std::size_t frames = 0; frames < limits::kEnvelopeFrames; ++frames) {
    if (zmq_msg_more(&frame_) == 0 || !receive_frame()) return false;
    if (zmq_msg_size(&frame_) == 0) return true;
    from_.envelope.emplace_back(bytes_of(frame_));
  }
  return false;
}

RequestDoor::Took RequestDoor::receive_one(RequestHandler& handler, std::size_t& bytes) {
  if (!receive_frame()) {
    maybe_input_ = false;
    if (meter_ != nullptr) meter_->count_dry();
    return Took::nothing;
  }
  wire_bytes_ = 0;  // the routing id is not on the wire
  from_.routing_id.assign(bytes_of(frame_));
  const bool enveloped = read_envelope();
  const bool has_payload = enveloped && zmq_msg_more(&frame_) != 0 && receive_frame();
  const bool has_more = zmq_msg_more(&frame_) != 0;
  if (!enveloped || (has_payload && has_more)) discard_rest();
  bytes += wire_bytes_;
  // Read from a later frame than the routing id: that one is libzmq's own and carries no metadata.
  Connection* const connection = identify();
  if (connection == nullptr) {
    ++counters_.not_admitted;
    return Took::message;
  }
  connection->bytes_in += wire_bytes_;
  if (meter_ != nullptr) count_taken(*connection);
  if (Connections::is_due(*connection)) look_at_backlog(*connection);
  if (connection->dropped) return Took::message;
  if (!enveloped) {
    ++counters_.no_envelope;
  } else if (!has_payload || has_more) {
    ++counters_.malformed;
    handler.on_malformed(from_, has_payload ? "more than one payload frame" : "no payload frame");
  } else {
    ++counters_.requests;
    handler.on_request(from_, bytes_of(frame_));
  }
  return Took::message;
}

Connection* RequestDoor::identify() {
  const std::uint64_t id = connection_number_of(frame_);
  if (id == 0) return nullptr;
  from_.connection = ConnectionId(id);
  if (Connection* const known = connections_.find(from_.connection); known != nullptr) return known;
  Connection& met = connections_.meet(from_.connection, zmq_msg_get(&frame_, ZMQ_SRCFD),
                                      property_of(frame_, kPeerAddressProperty));
  if (clients_ != nullptr && !clients_->meet(id, frame_)) connections_.drop(met);
  if (meter_ != nullptr && met.socket.known()) meter_->meet(met.socket.fd(), met.socket.inode());
  return &met;
}

void RequestDoor::count_taken(Connection& connection) {
  if (connection.socket.known()) {
    meter_->took(connection.socket.fd(), connection.socket.inode(), connection.bytes_in);
  }
  meter_->count_message();
}

void RequestDoor::reply(const ReplyTo& to, std::string payload) {
  if (to.connection == kBrokerItself) return;
  void* const socket = socket_.get();
  maybe_input_ = true;
  // Only the first frame can be refused: with it libzmq has chosen the pipe and seen that there is room.
  if (!send_bytes(socket, to.routing_id, ZMQ_SNDMORE | ZMQ_DONTWAIT)) {
    if (errno != EAGAIN) {
      ++counters_.unroutable;
      return;
    }
    if (Connection* const slow = connections_.find(to.connection); slow != nullptr && !slow->dropped) {
      ++counters_.peers_not_reading;
      connections_.drop(*slow);
    }
    return;
  }
  std::uint64_t wire = wire_size(0) + wire_size(payload.size());
  for (const std::string& frame : to.envelope) {
    wire += wire_size(frame.size());
    send_bytes(socket, frame, ZMQ_SNDMORE | ZMQ_DONTWAIT);
  }
  send_bytes(socket, {}, ZMQ_SNDMORE | ZMQ_DONTWAIT);
  Frame message = Frame::owning(std::move(payload));
  if (socket_.socket().send(message) != Socket::Sent::yes) ++counters_.unroutable;
  if (Connection* const connection = connections_.find(to.connection); connection != nullptr) {
    connection->bytes_out += wire;
    if (Connections::is_due(*connection)) look_at_backlog(*connection);
  }
}

std::string RequestDoor::origin_of(ConnectionId id) {
  const Connection* const connection = connections_.find(id);
  return connection == nullptr ? std::string() : connection->origin;
}

DoorFigures RequestDoor::figures() const {
  DoorFigures figures = admission_ == nullptr ? DoorFigures{} : admission_->told();
  figures.cut_flooding = counters_.peers_flooding;
  figures.cut_not_reading = counters_.peers_not_reading;
  return figures;
}

void RequestDoor::look_at_backlog(Connection& connection) {
  const Backlog backlog = connections_.backlog(connection);
  if (backlog == Backlog::fine || connection.dropped) return;
  ++(backlog == Backlog::flooding ? counters_.peers_flooding : counters_.peers_not_reading);
  connections_.drop(connection);
}

bool RequestDoor::drop(ConnectionId id) {
  Connection* const connection = connections_.find(id);
  return connection != nullptr && !connection->dropped && connections_.drop(*connection);
}

void RequestDoor::tend(RequestHandler& handler) {
  for (const ConnectionId gone : connections_.tend(kTendConnections)) handler.on_gone(gone);
  if (meter_ != nullptr) meter_->set_connections(connections_.size());
}

}  // namespace prismbus
