#include "broker/net/bound_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr int kHandshakeMs = 5000;  // a peer that never finishes its greeting holds a descriptor this long

Socket open_with_admission(Context& context, const BoundSocketOptions& options) {
  PRISMBUS_ASSERT(options.send_frames_max > 0,
                  "a send queue without a mark is memory at a slow peer's mercy (I8)");
  SocketOptions wanted;
  wanted.send_hwm = options.send_frames_max;
  if (options.io_thread_affinity != 0) wanted.io_affinity = options.io_thread_affinity;
  // With a domain even NULL connections pass the ZAP handler, which numbers them.
  wanted.zap_domain = options.curve_secret.empty() ? kPlainDomain : kCurveDomain;
  if (!options.curve_secret.empty()) wanted.curve = CurveServer{options.curve_secret};
  auto socket = Socket::open(context, options.role, wanted);
  PRISMBUS_ASSERT(socket.has_value(), "the broker opens a handful of sockets, first of all");
  return std::move(*socket);
}

// libzmq unlinks the path of an ipc endpoint before it binds, also when a live process listens there.
bool somebody_listens_on(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path[0] == '@' || path == "*" || path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const void* const generic = &address;
  const bool listens = ::connect(probe, static_cast<const sockaddr*>(generic), sizeof address) == 0;
  ::close(probe);
  return listens;
}

}  // namespace

BoundSocket::BoundSocket(Context& context, const BoundSocketOptions& options)
    : socket_(open_with_admission(context, options)) {
  zmq_setsockopt(get(), ZMQ_HANDSHAKE_IVL, &kHandshakeMs, sizeof kHandshakeMs);
  zmq_setsockopt(get(), ZMQ_MAXMSGSIZE, &options.frame_bytes_max, sizeof options.frame_bytes_max);
  std::size_t size = sizeof fd_;
  [[maybe_unused]] const int rc = zmq_getsockopt(get(), ZMQ_FD, &fd_, &size);
  PRISMBUS_ASSERT(rc == 0, "every socket has a mailbox");
}

Result<std::string> BoundSocket::bind(const Endpoint& endpoint) {
  if (!endpoint.is_tcp() && somebody_listens_on(endpoint.path())) {
    return fail(ErrorCode::unavailable, "cannot bind " + endpoint.text() + ": in use");
  }
  // libzmq looks no name up for a bind, not even this one.
  if (endpoint.is_tcp() && endpoint.host() == "localhost") {
    const std::string port = endpoint.port() == 0 ? "*" : std::to_string(endpoint.port());
    const auto numeric = Endpoint::parse("tcp://127.0.0.1:" + port, Endpoint::Use::bind);
    PRISMBUS_ASSERT(numeric.has_value(), "a numeric host and a port that was parsed make an endpoint");
    return bind(*numeric);
  }
  // Left on by an earlier bind it would turn 127.0.0.1 into ::ffff:...
  const int ipv6 = endpoint.is_ipv6() ? 1 : 0;
  zmq_setsockopt(get(), ZMQ_IPV6, &ipv6, sizeof ipv6);
  auto bound = socket_.bind(endpoint);
  if (bound) endpoints_.push_back(*bound);
  return bound;
}

bool BoundSocket::has_input() {
  int events = 0;
  std::size_t size = sizeof events;
  return zmq_getsockopt(get(), ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0;
}

}  // namespace prismbus
