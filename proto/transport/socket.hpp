// One ZeroMQ socket, opened for a role that fixes its options (the rules and their reasons are the table in
// socket.cpp). Uses the C calls: nothing here throws. A socket belongs to the thread that uses it; it may be
// moved to another thread before its first use. EINTR is retried inside. Nothing blocks except
// `poll_sockets`.
#pragma once

#include <zmq.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "proto/transport/context.hpp"
#include "proto/transport/curve.hpp"
#include "proto/transport/endpoint.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// One frame of a message, received or to be sent.
class Frame {
 public:
  Frame() { zmq_msg_init(&msg_); }
  explicit Frame(std::string_view bytes);  // copies
  // Lends `bytes` to libzmq without a copy when that pays (from 64 KiB), copies below.
  [[nodiscard]] static Frame owning(std::string&& bytes);
  ~Frame() { zmq_msg_close(&msg_); }
  Frame(Frame&& other) noexcept {
    zmq_msg_init(&msg_);
    zmq_msg_move(&msg_, &other.msg_);
  }
  Frame& operator=(Frame&& other) noexcept {
    zmq_msg_move(&msg_, &other.msg_);
    return *this;
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  // The same bytes again, shared by reference count, not copied: one frame to many receivers.
  [[nodiscard]] Frame share() const;
  // Lent until the frame is sent, assigned or destroyed. A kept frame pins its whole receive buffer.
  [[nodiscard]] std::string_view bytes() const {
    return {static_cast<const char*>(zmq_msg_data(&msg_)), zmq_msg_size(&msg_)};
  }
  [[nodiscard]] bool more() const { return zmq_msg_more(&msg_) != 0; }  // received: another frame follows
  // Received: the connection's descriptor (-1: none, as on ipc of another process part), for shutdown() of
  // that peer.
  [[nodiscard]] int source_fd() const;
  // Received: metadata such as "User-Id" or "Peer-Address"; nullopt when absent. On a ROUTER ask a later
  // frame.
  [[nodiscard]] std::optional<std::string_view> metadata(const char* name) const;

  [[nodiscard]] zmq_msg_t* raw() { return &msg_; }

 private:
  mutable zmq_msg_t msg_;  // zmq_msg_data takes no const
};

// What a socket is for.
enum class SocketRole : std::uint8_t {
  request_client,   // DEALER
  stream_client,    // SUB
  requests_server,  // ROUTER, MANDATORY
  stream_server,    // XPUB, VERBOSE
  admission,        // REP, for a ZAP handler on inproc://zeromq.zap.01
  plain_router,     // ROUTER without MANDATORY: in-process fakes and raw echoes
  plain_dealer,     // DEALER, the same
};

struct SocketOptions {
  std::optional<int> send_hwm, receive_hwm;  // messages; 0 = unlimited; unset = the role's
  std::optional<std::uint64_t> io_affinity;  // bit mask of I/O threads
  std::string zap_domain;                    // not empty: admission is asked, and is required
  Curve curve;                               // the keys are copied
};

class Socket {
 public:
  enum class Sent : std::uint8_t {
    yes,
    would_block,  // the peer's queue is full (or, without IMMEDIATE pipes, there is no peer)
    unreachable,  // a ROUTER knows no such peer
    failed,       // the context is terminating, or libzmq refused the message
  };
  enum class Received : std::uint8_t { yes, nothing, failed };

  // `internal` when the process has no descriptor or socket left.
  [[nodiscard]] static Result<Socket> open(Context& context, SocketRole role,
                                           const SocketOptions& options = {});
  ~Socket();
  Socket(Socket&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
  Socket& operator=(Socket&& other) noexcept;

  // Binds and gives the endpoint really bound (port and `*` resolved by libzmq). `unavailable` when taken or
  // refused.
  [[nodiscard]] Result<std::string> bind(const Endpoint& endpoint);
  [[nodiscard]] Result<void> bind_inproc(const char* name);
  [[nodiscard]] Result<void> connect(const Endpoint& endpoint);

  // SUB only. Topics are sent in the order of the calls and survive reconnects.
  [[nodiscard]] Result<void> subscribe(std::string_view topic);
  [[nodiscard]] Result<void> unsubscribe(std::string_view topic);

  // Never blocks. Once `more` was sent the rest of that message must follow. On `yes` the frame is empty
  // afterwards, otherwise it is as it was.
  [[nodiscard]] Sent send(Frame& frame, bool more = false);
  [[nodiscard]] Sent send(std::string_view bytes, bool more = false);
  // Never blocks. `yes`: `frame` holds the next frame; see frame.more().
  [[nodiscard]] Received receive(Frame& frame);
  // Drops the rest of a message whose last received frame said more().
  void discard_rest(Frame& last);

  // Lets go at once of what is queued, when the peer is given up.
  void drop_on_close();
  [[nodiscard]] void* handle() const { return socket_; }  // for zmq_poll and rare options

 private:
  explicit Socket(void* socket) : socket_(socket) {}
  void* socket_ = nullptr;
};

// Waits until one of `items` is ready or the time is over; EINTR counts as nothing ready. Returns how many
// are ready.
int poll_sockets(std::span<zmq_pollitem_t> items, std::chrono::milliseconds at_most);

}  // namespace prismbus
