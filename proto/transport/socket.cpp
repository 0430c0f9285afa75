#include "proto/transport/socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "proto/base/assert.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kLendFromBytes = 64u << 10;  // below it a copy is cheaper than a reference count
constexpr int kZapEnforceDomain = 93;              // ZMQ_ZAP_ENFORCE_DOMAIN, not in the stable header

// The options a role fixes, besides those of every socket (apply_common). Why:
// - Bound sockets receive without a mark: a PING that arrives at a full inbound pipe aborts the process.
// Their owner
//   drains at once and bounds what a peer may have in flight.
// - A client's DEALER has no marks: ClientConnection bounds what is in flight, both ways.
// - A SUB sends without a mark: above it subscriptions vanish when a connection is re-made. It receives up to
// a large
//   mark; what the broker then drops is found as a gap.
// - HEARTBEAT_IVL is never set, by anybody; liveness is the protocol's own heartbeat and TCP's keep-alive.
struct RoleRow {
  SocketRole role;
  int type, send_hwm, receive_hwm, linger_ms;
};
constexpr std::array<RoleRow, 7> kRoles{{
    {SocketRole::request_client, ZMQ_DEALER, 0, 0, 200},
    {SocketRole::stream_client, ZMQ_SUB, 0, 200'000, 0},
    {SocketRole::requests_server, ZMQ_ROUTER, 10'000, 0, 500},
    {SocketRole::stream_server, ZMQ_XPUB, 10'000, 0, 500},
    {SocketRole::admission, ZMQ_REP, 0, 0, 0},
    {SocketRole::plain_router, ZMQ_ROUTER, 0, 0, 0},
    {SocketRole::plain_dealer, ZMQ_DEALER, 0, 0, 0},
}};

const RoleRow& row_of(SocketRole role) {
  const auto* row =
      std::find_if(kRoles.begin(), kRoles.end(), [&](const RoleRow& r) { return r.role == role; });
  PRISMBUS_ASSERT(row != kRoles.end(), "every role has its row of options");
  return *row;
}

tl::unexpected<Error> zmq_failure(ErrorCode code, std::string_view what) {
  std::string message(what);
  message.append(": ").append(zmq_strerror(zmq_errno()));
  return fail(code, std::move(message));
}

template <class T>
bool set(void* socket, int option, const T& value) {
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

bool apply_common(void* socket, const RoleRow& row, const SocketOptions& options) {
  const std::int64_t message_max = limits::kTransportBytes;
  bool ok = set(socket, ZMQ_SNDHWM, options.send_hwm.value_or(row.send_hwm)) &&
            set(socket, ZMQ_RCVHWM, options.receive_hwm.value_or(row.receive_hwm)) &&
            set(socket, ZMQ_LINGER, row.linger_ms) && set(socket, ZMQ_MAXMSGSIZE, message_max) &&
            set(socket, ZMQ_TCP_KEEPALIVE, 1) && set(socket, ZMQ_TCP_KEEPALIVE_IDLE, 10) &&
            set(socket, ZMQ_TCP_KEEPALIVE_INTVL, 5) && set(socket, ZMQ_TCP_KEEPALIVE_CNT, 3) &&
            set(socket, ZMQ_TCP_MAXRT, 15'000) && set(socket, ZMQ_BACKLOG, 4096) &&
            set(socket, ZMQ_HANDSHAKE_IVL, 10'000);
  // Without RECONNECT_IVL_MAX libzmq waits 1..2 x this, at random: a broker's clients do not return in step.
  ok = ok && set(socket, ZMQ_RECONNECT_IVL, 100);
  if (options.io_affinity) ok = ok && set(socket, ZMQ_AFFINITY, *options.io_affinity);
  if (!options.zap_domain.empty()) {
    ok = ok &&
         zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, options.zap_domain.data(), options.zap_domain.size()) == 0 &&
         set(socket, kZapEnforceDomain, 1);
  }
  return ok;
}

bool set_key(void* socket, int option, const std::string& key) {
  return zmq_setsockopt(socket, option, key.c_str(), key.size() + 1) == 0;
}

bool apply_curve(void* socket, const Curve& curve) {
  if (const auto* server = std::get_if<CurveServer>(&curve)) {
    return set(socket, ZMQ_CURVE_SERVER, 1) && set_key(socket, ZMQ_CURVE_SECRETKEY, server->secret_key);
  }
  if (const auto* client = std::get_if<CurveClient>(&curve)) {
    return set_key(socket, ZMQ_CURVE_SERVERKEY, client->server_key) &&
           set_key(socket, ZMQ_CURVE_PUBLICKEY, client->own.public_key) &&
           set_key(socket, ZMQ_CURVE_SECRETKEY, client->own.secret_key);
  }
  return true;
}

bool apply_role(void* socket, SocketRole role) {
  switch (role) {
    case SocketRole::requests_server:
      return set(socket, ZMQ_ROUTER_MANDATORY, 1);
    case SocketRole::stream_server:
      return set(socket, ZMQ_XPUB_VERBOSE, 1);
    default:
      return true;
  }
}

void delete_string(void*, void* hint) {
  delete static_cast<std::string*>(hint);
}

}  // namespace

Frame::Frame(std::string_view bytes) {
  const int rc = zmq_msg_init_size(&msg_, bytes.size());
  PRISMBUS_ASSERT(rc == 0, "no memory for a frame");
  if (!bytes.empty()) std::memcpy(zmq_msg_data(&msg_), bytes.data(), bytes.size());
}

Frame Frame::owning(std::string&& bytes) {
  if (bytes.size() < kLendFromBytes) return Frame(std::string_view(bytes));
  auto* kept = new std::string(std::move(bytes));
  Frame frame;
  const int rc = zmq_msg_init_data(&frame.msg_, kept->data(), kept->size(), delete_string, kept);
  PRISMBUS_ASSERT(rc == 0, "no memory for a frame");
  return frame;
}

Frame Frame::share() const {
  Frame copy;
  zmq_msg_copy(&copy.msg_, &msg_);
  return copy;
}

int Frame::source_fd() const {
  return zmq_msg_get(&msg_, ZMQ_SRCFD);
}

std::optional<std::string_view> Frame::metadata(const char* name) const {
  const char* value = zmq_msg_gets(&msg_, name);
  return value == nullptr ? std::nullopt : std::optional<std::string_view>(value);
}

Result<Socket> Socket::open(Context& context, SocketRole role, const SocketOptions& options) {
  const RoleRow& row = row_of(role);
  void* handle = zmq_socket(context.handle(), row.type);
  if (handle == nullptr) return zmq_failure(ErrorCode::internal, "cannot open a socket");
  Socket socket(handle);
  if (!apply_common(handle, row, options) || !apply_curve(handle, options.curve) ||
      !apply_role(handle, role)) {
    return zmq_failure(ErrorCode::internal, "libzmq refused a socket option");
  }
  return socket;
}

Socket::~Socket() {
  if (socket_ != nullptr) zmq_close(socket_);
}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (socket_ != nullptr) zmq_close(socket_);
    socket_ = std::exchange(other.socket_, nullptr);
  }
  return *this;
}

Result<std::string> Socket::bind(const Endpoint& endpoint) {
  if (endpoint.is_ipv6()) set(socket_, ZMQ_IPV6, 1);
  const std::string text = endpoint.text();
  if (zmq_bind(socket_, text.c_str()) != 0) return zmq_failure(ErrorCode::unavailable, "cannot bind " + text);
  std::array<char, 512> bound{};
  std::size_t size = bound.size();
  if (zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, bound.data(), &size) != 0) {
    return zmq_failure(ErrorCode::internal, "cannot tell the endpoint bound");
  }
  return std::string(bound.data());
}

Result<void> Socket::bind_inproc(const char* name) {
  const std::string text = std::string("inproc://") + name;
  if (zmq_bind(socket_, text.c_str()) != 0) return zmq_failure(ErrorCode::internal, "cannot bind " + text);
  return {};
}

Result<void> Socket::connect(const Endpoint& endpoint) {
  if (endpoint.is_ipv6()) set(socket_, ZMQ_IPV6, 1);
  const std::string text = endpoint.text();
  if (zmq_connect(socket_, text.c_str()) != 0) {
    return zmq_failure(ErrorCode::unavailable, "cannot connect to " + text);
  }
  return {};
}

Result<void> Socket::subscribe(std::string_view topic) {
  if (zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, topic.data(), topic.size()) != 0) {
    return zmq_failure(ErrorCode::internal, "cannot subscribe");
  }
  return {};
}

Result<void> Socket::unsubscribe(std::string_view topic) {
  if (zmq_setsockopt(socket_, ZMQ_UNSUBSCRIBE, topic.data(), topic.size()) != 0) {
    return zmq_failure(ErrorCode::internal, "cannot unsubscribe");
  }
  return {};
}

Socket::Sent Socket::send(Frame& frame, bool more) {
  while (zmq_msg_send(frame.raw(), socket_, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0) {
    switch (zmq_errno()) {
      case EINTR:
        continue;
      case EAGAIN:
        return Sent::would_block;
      case EHOSTUNREACH:
        return Sent::unreachable;
      default:
        return Sent::failed;
    }
  }
  return Sent::yes;
}

Socket::Sent Socket::send(std::string_view bytes, bool more) {
  Frame frame(bytes);
  return send(frame, more);
}

Socket::Received Socket::receive(Frame& frame) {
  while (zmq_msg_recv(frame.raw(), socket_, ZMQ_DONTWAIT) < 0) {
    if (zmq_errno() == EINTR) continue;
    return zmq_errno() == EAGAIN ? Received::nothing : Received::failed;
  }
  return Received::yes;
}

void Socket::discard_rest(Frame& last) {
  while (last.more() && receive(last) == Received::yes) {
  }
}

void Socket::drop_on_close() {
  set(socket_, ZMQ_LINGER, 0);
}

int poll_sockets(std::span<zmq_pollitem_t> items, std::chrono::milliseconds at_most) {
  const int n = zmq_poll(items.data(), static_cast<int>(items.size()), static_cast<long>(at_most.count()));
  return n < 0 ? 0 : n;
}

}  // namespace prismbus
