// The request door: one ROUTER, bound to one or more endpoints. Strips and keeps the envelope, names the
// connection, hands requests up and sends replies back. Bus thread. Keeps I8 on the wire: a peer that floods
// or does not read is cut, alone; nothing is decoded or judged here.
//   in:  [routing id] [envelope frame]* [empty] [payload]        at most eight frames up to the empty one
//   out: [routing id] [envelope frame]* [empty] [reply]
#pragma once

#include <zmq.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/core/ports.hpp"
#include "broker/net/admission_figures.hpp"
#include "broker/net/bound_socket.hpp"
#include "broker/net/connections.hpp"
#include "broker/net/door_meter.hpp"
#include "broker/net/listed_clients.hpp"

namespace prismbus {

struct RequestDoorSettings {
  // Of one peer. libzmq learns of what was read half a mark at a time, so a client with the pipeline's 16,384
  // requests in flight needs a mark of more than twice that.
  int reply_frames_max = 65'536;
  std::uint64_t backlog_bytes_max = Connections::kBacklogBytesMax;
  std::uint64_t io_thread_affinity = 0;       // 0 = any
  std::string curve_secret{};                 // not empty: CURVE
  DoorMeter* meter = nullptr;                 // told of all that is taken; outlives the door
  const AdmissionFigures* figures = nullptr;  // told on in figures(); outlives the door
  ListedClients* clients = nullptr;           // with CURVE: asked at each first message; outlives the door
};

struct RequestDoorCounters {
  std::uint64_t requests = 0, malformed = 0;
  std::uint64_t no_envelope = 0;                            // no empty frame among the first eight: dropped
  std::uint64_t not_admitted = 0;                           // no number from the admission: dropped
  std::uint64_t unroutable = 0;                             // the peer was gone before its reply
  std::uint64_t peers_flooding = 0, peers_not_reading = 0;  // dropped
};

class RequestDoor final : public Door {
 public:
  RequestDoor(Context& context, const RequestDoorSettings& settings);
  ~RequestDoor() override;

  [[nodiscard]] Result<std::string> bind(const Endpoint& endpoint) { return socket_.bind(endpoint); }
  [[nodiscard]] const std::vector<std::string>& endpoints() const { return socket_.endpoints(); }

  std::size_t receive(std::size_t messages_max, std::size_t bytes_max, RequestHandler& handler) override;
  void reply(const ReplyTo& to, std::string payload) override;
  std::string origin_of(ConnectionId connection) override;
  bool drop(ConnectionId connection) override;
  [[nodiscard]] DoorFigures figures() const override;
  void tend(RequestHandler& handler);  // now and then: forgets connections that are gone, and tells

  // For the agent's sleep: something may be there, or the descriptor to wait on says when.
  [[nodiscard]] bool has_input() { return maybe_input_ && socket_.has_input(); }
  [[nodiscard]] int fd() const { return socket_.fd(); }
  [[nodiscard]] const BoundSocket& socket() const { return socket_; }
  [[nodiscard]] const RequestDoorCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  enum class Took : std::uint8_t { nothing, message };
  Took receive_one(RequestHandler& handler, std::size_t& bytes);
  bool receive_frame();
  bool read_envelope();
  void discard_rest();
  [[nodiscard]] Connection* identify();
  [[nodiscard]] std::uint64_t wire_size(std::size_t frame_bytes) const;
  void count_taken(Connection& connection);
  void look_at_backlog(Connection& connection);

  BoundSocket socket_;
  DoorMeter* const meter_;
  const AdmissionFigures* const admission_;
  ListedClients* const clients_;
  const std::size_t sealed_bytes_;  // what CURVE adds to a frame
  Connections connections_;
  RequestDoorCounters counters_;
  zmq_msg_t frame_{};             // the one being read, reused
  ReplyTo from_;                  // likewise
  std::uint64_t wire_bytes_ = 0;  // of the message being read
  // Sending runs libzmq's command queue, which may take the edge that fd() waits for.
  bool maybe_input_ = true;
};

}  // namespace prismbus
