#include "broker/net/bound_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "proto/base/assert.hpp"
#include "proto/base/random.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

constexpr int kZapEnforceDomain = 93;  // ZMQ_ZAP_ENFORCE_DOMAIN: works, but its name is in the draft section
constexpr int kBacklog = 4096;         // a reconnect storm of a whole fleet
constexpr int kLingerMs = 1000;        // replies on their way out when the broker stops
constexpr int kHandshakeMs = 5000;     // a peer that never finishes its greeting holds a descriptor this long
constexpr int kTcpMaxRetransmitMs = 15'000;        // a dead peer's pipe is freed
constexpr std::size_t kGiveAwayBytes = 64u << 10;  // below, a copy is cheaper than zmq_msg_init_data

template <class T>
void set(void* socket, int option, T value) {
  [[maybe_unused]] const int rc = zmq_setsockopt(socket, option, &value, sizeof value);
  PRISMBUS_ASSERT(rc == 0, "every option set here exists in libzmq 4.3.4 and its value is in range");
}

// libzmq unlinks the path of an ipc endpoint before it binds, also when a live process listens there.
bool somebody_listens_on_ipc(std::string_view endpoint) {
  constexpr std::string_view kScheme = "ipc://";
  if (!endpoint.starts_with(kScheme)) return false;
  const std::string_view path = endpoint.substr(kScheme.size());
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

NetContext::NetContext(int io_threads) {
  seed_libc_random();
  context_ = zmq_ctx_new();
  PRISMBUS_ASSERT(context_ != nullptr, "a context needs only memory");
  zmq_ctx_set(context_, ZMQ_IO_THREADS, io_threads);
}

NetContext::~NetContext() {
  while (zmq_ctx_term(context_) != 0 && errno == EINTR) {
  }
}

BoundSocket::BoundSocket(NetContext& context, const BoundSocketOptions& options)
    : socket_(zmq_socket(context.get(), options.type)) {
  PRISMBUS_ASSERT(socket_ != nullptr, "the broker opens a handful of sockets in a context of a thousand");
  PRISMBUS_ASSERT(options.send_frames_max > 0,
                  "an unbounded send queue is memory at the mercy of a slow peer (I8)");
  // A ZMTP PING that meets a full inbound pipe aborts the process; the doors bound what is in flight instead.
  set(socket_, ZMQ_RCVHWM, 0);
  set(socket_, ZMQ_SNDHWM, options.send_frames_max);
  set(socket_, ZMQ_MAXMSGSIZE, options.frame_bytes_max);
  set(socket_, ZMQ_BACKLOG, kBacklog);
  set(socket_, ZMQ_LINGER, kLingerMs);
  set(socket_, ZMQ_HANDSHAKE_IVL, kHandshakeMs);
  set(socket_, ZMQ_TCP_MAXRT, kTcpMaxRetransmitMs);
  set(socket_, ZMQ_TCP_KEEPALIVE, 1);
  set(socket_, ZMQ_TCP_KEEPALIVE_IDLE, 15);
  set(socket_, ZMQ_TCP_KEEPALIVE_INTVL, 5);
  set(socket_, ZMQ_TCP_KEEPALIVE_CNT, 3);
  if (options.io_thread_affinity != 0) set(socket_, ZMQ_AFFINITY, options.io_thread_affinity);
  // With a domain even NULL connections pass the ZAP handler, which numbers them; enforced, a missing handler
  // is a refusal and not an admission.
  constexpr std::string_view kDomain = "prismbus";
  [[maybe_unused]] const int rc = zmq_setsockopt(socket_, ZMQ_ZAP_DOMAIN, kDomain.data(), kDomain.size());
  PRISMBUS_ASSERT(rc == 0, "a domain is any short text");
  set(socket_, kZapEnforceDomain, 1);
  // A reply that finds no peer or a full pipe is reported, not swallowed.
  if (options.type == ZMQ_ROUTER) set(socket_, ZMQ_ROUTER_MANDATORY, 1);
  // Without it a subscription re-made while the old connection is half-open is never handed up: no barrier
  // would come.
  if (options.type == ZMQ_XPUB) set(socket_, ZMQ_XPUB_VERBOSE, 1);
  std::size_t size = sizeof fd_;
  zmq_getsockopt(socket_, ZMQ_FD, &fd_, &size);
}

BoundSocket::~BoundSocket() {
  zmq_close(socket_);
}

Result<std::string> BoundSocket::bind(const std::string& endpoint) {
  if (somebody_listens_on_ipc(endpoint))
    return fail(ErrorCode::unavailable, "cannot bind " + endpoint + ": in use");
  set(socket_, ZMQ_IPV6, endpoint.starts_with("tcp://[") ? 1 : 0);
  if (zmq_bind(socket_, endpoint.c_str()) != 0) {
    const int error = errno;
    const bool form = error == EINVAL || error == EPROTONOSUPPORT || error == ENOCOMPATPROTO;
    return fail(form ? ErrorCode::invalid_argument : ErrorCode::unavailable,
                "cannot bind " + endpoint + ": " + zmq_strerror(error));
  }
  char bound[512];
  std::size_t size = sizeof bound;
  if (zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, bound, &size) != 0) {
    return fail(ErrorCode::unavailable,
                "cannot tell where " + endpoint + " is bound: " + zmq_strerror(errno));
  }
  endpoints_.emplace_back(bound);
  return endpoints_.back();
}

bool BoundSocket::has_input() {
  int events = 0;
  std::size_t size = sizeof events;
  return zmq_getsockopt(socket_, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0;
}

bool send_owned(void* socket, std::string&& bytes, int flags) {
  zmq_msg_t frame;
  if (bytes.size() < kGiveAwayBytes) {
    if (zmq_msg_init_size(&frame, bytes.size()) != 0) return false;
    std::memcpy(zmq_msg_data(&frame), bytes.data(), bytes.size());
  } else {
    auto owned = std::make_unique<std::string>(std::move(bytes));
    const auto free_it = [](void*, void* hint) { delete static_cast<std::string*>(hint); };
    if (zmq_msg_init_data(&frame, owned->data(), owned->size(), free_it, owned.get()) != 0) return false;
    owned.release();  // the message frees it, on whichever thread lets go of it last
  }
  while (zmq_msg_send(&frame, socket, flags) < 0) {
    if (errno == EINTR) continue;
    const int error = errno;
    zmq_msg_close(&frame);
    errno = error;
    return false;
  }
  return true;
}

}  // namespace prismbus
