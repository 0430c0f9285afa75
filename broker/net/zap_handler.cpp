#include "broker/net/zap_handler.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <utility>

namespace prismbus {
namespace {

constexpr std::uint64_t kDescriptorMargin = 64;  // LMDB, logs, and connections still in their handshake

constexpr std::chrono::microseconds kRefusalPause{200};

}  // namespace

Result<std::unique_ptr<ZapHandler>> ZapHandler::bind(Context& context, std::uint64_t descriptors_max) {
  auto socket = Socket::open(context, SocketRole::admission);
  if (!socket) return unexpected(socket.error());
  if (auto bound = socket->bind_inproc("zeromq.zap.01"); !bound) return unexpected(bound.error());
  return std::unique_ptr<ZapHandler>(new ZapHandler(std::move(*socket), descriptors_max));
}

ZapHandler::ZapHandler(Socket socket, std::uint64_t descriptors_max)
    : socket_(std::move(socket)),
      first_refused_descriptor_(descriptors_max - std::min(kDescriptorMargin, descriptors_max / 4)) {}

std::size_t ZapHandler::step() {
  std::size_t answered = 0;
  while (answer_one()) ++answered;
  return answered;
}

// A question is: version, request id, domain, address, routing id, mechanism, credentials... The answer:
// version, request id, status, text, user id, metadata.
bool ZapHandler::answer_one() {
  Frame version, request_id;
  if (socket_.receive(version) != Socket::Received::yes) return false;
  if (version.more() && socket_.receive(request_id) == Socket::Received::yes && request_id.more()) {
    Frame rest;
    if (socket_.receive(rest) == Socket::Received::yes) socket_.discard_rest(rest);
  }
  const bool refuse = is_short_of_descriptors();
  ++(refuse ? refused_ : last_number_);
  const std::string number = refuse ? std::string() : std::to_string(last_number_);
  // A refusal by status 400 would make a libzmq client give up for good, and 300 would keep the descriptor
  // until the handshake times out. An answer of no known version closes the connection at once, and the
  // client comes back; but libzmq overlooks it when it is there already while the question is still being
  // asked: hence the pause.
  if (refuse) std::this_thread::sleep_for(kRefusalPause);
  const std::array<std::string_view, 6> answer{refuse ? "refused" : "1.0",
                                               request_id.bytes(),
                                               refuse ? "300" : "200",
                                               refuse ? "short of descriptors" : "OK",
                                               number,
                                               ""};
  for (std::size_t i = 0; i < answer.size(); ++i) {
    if (socket_.send(answer[i], i + 1 < answer.size()) != Socket::Sent::yes) break;
  }
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
  std::array<zmq_pollitem_t, 2> items{
      {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, stop.fd(), ZMQ_POLLIN, 0}}};
  poll_sockets(items, at_most);
}

}  // namespace prismbus
