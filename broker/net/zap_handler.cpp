#include "broker/net/zap_handler.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace prismbus {
namespace {

constexpr const char* kEndpoint = "inproc://zeromq.zap.01";
constexpr std::uint64_t kDescriptorMargin = 64;  // LMDB, logs, and connections still in their handshake

// A frame of a question; anything longer than a ZAP field of ours is cut, which only the request id could
// notice.
struct Frame {
  std::array<char, 256> bytes;
  std::size_t size = 0;
};

bool send_text(void* socket, std::string_view text, int flags) {
  while (zmq_send(socket, text.data(), text.size(), flags) < 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<ZapHandler>> ZapHandler::bind(NetContext& context, std::uint64_t descriptors_max) {
  void* const socket = zmq_socket(context.get(), ZMQ_REP);
  const int unlimited = 0, linger = 0;
  zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
  zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
  zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
  if (zmq_bind(socket, kEndpoint) != 0) {
    const std::string why = zmq_strerror(errno);
    zmq_close(socket);
    return fail(ErrorCode::unavailable, std::string("cannot bind ") + kEndpoint + ": " + why);
  }
  return std::unique_ptr<ZapHandler>(new ZapHandler(socket, descriptors_max));
}

ZapHandler::ZapHandler(void* socket, std::uint64_t descriptors_max)
    : socket_(socket),
      first_refused_descriptor_(descriptors_max - std::min(kDescriptorMargin, descriptors_max / 4)) {}

ZapHandler::~ZapHandler() {
  zmq_close(socket_);
}

std::size_t ZapHandler::step() {
  std::size_t answered = 0;
  while (answer_one()) ++answered;
  return answered;
}

// A question is: version, request id, domain, address, routing id, mechanism, credentials... The answer:
// version, request id, status, text, user id, metadata.
bool ZapHandler::answer_one() {
  Frame request_id;
  for (int index = 0;; ++index) {
    Frame frame;
    int size = -1;
    do {
      size = zmq_recv(socket_, frame.bytes.data(), frame.bytes.size(), ZMQ_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size < 0) return false;
    frame.size = std::min(static_cast<std::size_t>(size), frame.bytes.size());
    if (index == 1) request_id = frame;
    int more = 0;
    std::size_t more_size = sizeof more;
    zmq_getsockopt(socket_, ZMQ_RCVMORE, &more, &more_size);
    if (more == 0) break;
  }
  const std::string_view id(request_id.bytes.data(), request_id.size);
  // A refusal by status 400 would make a libzmq client give up for good, and 300 would keep the descriptor
  // until the handshake times out. An answer of no known version closes the connection at once, and the
  // client comes back.
  const bool refuse = is_short_of_descriptors();
  if (refuse) {
    ++refused_;
  } else {
    ++last_number_;
  }
  const std::string user = refuse ? std::string() : std::to_string(last_number_);
  send_text(socket_, refuse ? "refused" : "1.0", ZMQ_SNDMORE);
  send_text(socket_, id, ZMQ_SNDMORE);
  send_text(socket_, refuse ? "300" : "200", ZMQ_SNDMORE);
  send_text(socket_, refuse ? "short of descriptors" : "OK", ZMQ_SNDMORE);
  send_text(socket_, user, ZMQ_SNDMORE);
  send_text(socket_, "", 0);
  return true;
}

// The kernel hands out the lowest free descriptor, so its number tells how many are taken.
bool ZapHandler::is_short_of_descriptors() const {
  const int lowest_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (lowest_free < 0) return true;
  ::close(lowest_free);
  return static_cast<std::uint64_t>(lowest_free) >= first_refused_descriptor_;
}

void ZapHandler::wait(const Waker& stop, std::chrono::milliseconds at_most) {
  zmq_pollitem_t items[2] = {{socket_, 0, ZMQ_POLLIN, 0}, {nullptr, stop.fd(), ZMQ_POLLIN, 0}};
  zmq_poll(items, 2, at_most.count());
}

}  // namespace prismbus
