#include "broker/net/zap_handler.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "broker/net/bound_socket.hpp"
#include "proto/transport/curve.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kDescriptorMargin = 64;  // LMDB, logs, and connections still in their handshake

constexpr std::chrono::microseconds kRefusalPause{200};
constexpr std::size_t kCurveKeyBytes = 32;

}  // namespace

Result<std::unique_ptr<ZapHandler>> ZapHandler::bind(Context& context, std::uint64_t descriptors_max,
                                                     std::shared_ptr<const AllowedKeys> allowed) {
  auto socket = Socket::open(context, SocketRole::admission);
  if (!socket) return unexpected(socket.error());
  if (auto bound = socket->bind_inproc("zeromq.zap.01"); !bound) return unexpected(bound.error());
  return std::unique_ptr<ZapHandler>(new ZapHandler(std::move(*socket), descriptors_max, std::move(allowed)));
}

ZapHandler::ZapHandler(Socket socket, std::uint64_t descriptors_max,
                       std::shared_ptr<const AllowedKeys> allowed)
    : socket_(std::move(socket)),
      first_refused_descriptor_(descriptors_max - std::min(kDescriptorMargin, descriptors_max / 4)),
      allowed_(std::move(allowed)) {}

std::size_t ZapHandler::step() {
  std::size_t answered = 0;
  while (answer_one()) ++answered;
  return answered;
}

ZapHandler::Verdict ZapHandler::judge(const Question& question) const {
  if (is_short_of_descriptors()) return Verdict::short_of_descriptors;
  if (question.domain == kPlainDomain) return Verdict::admit;
  const bool proved = question.domain == kCurveDomain && question.mechanism == "CURVE" &&
                      question.credential.size() == kCurveKeyBytes;
  if (!proved) return Verdict::not_allowed;
  if (allowed_ == nullptr) return Verdict::admit;
  std::array<char, kCurveKeyChars + 1> text{};
  const void* const key = question.credential.data();
  zmq_z85_encode(text.data(), static_cast<const std::uint8_t*>(key), kCurveKeyBytes);
  return allowed_->contains(text.data()) ? Verdict::admit : Verdict::not_allowed;
}

// A question is: version, request id, domain, address, routing id, mechanism, credentials... The answer:
// version, request id, status, text, user id, metadata.
bool ZapHandler::answer_one() {
  constexpr std::size_t kRequestId = 1, kDomain = 2, kMechanism = 5, kCredential = 6, kFrames = 7;
  std::array<Frame, kFrames> question;
  std::size_t frames = 0;
  while (frames < kFrames && socket_.receive(question[frames]) == Socket::Received::yes) {
    if (!question[frames++].more()) break;
  }
  if (frames == 0) return false;
  socket_.discard_rest(question[frames - 1]);
  const Verdict verdict =
      judge({question[kDomain].bytes(), question[kMechanism].bytes(), question[kCredential].bytes()});
  // A refusal by status 400 makes a libzmq client give up for good, which is right for a key that is not on
  // the list. Short of descriptors it has to come back: 300 would keep the descriptor until the handshake
  // times out. An answer of no known version closes the connection at once, and the client comes back; but
  // libzmq overlooks it when it is there already while the question is still being asked: hence the pause.
  const bool crowded = verdict == Verdict::short_of_descriptors;
  if (crowded) std::this_thread::sleep_for(kRefusalPause);
  ++(crowded ? refused_ : verdict == Verdict::admit ? last_number_ : unknown_keys_);
  const std::string number = verdict == Verdict::admit ? std::to_string(last_number_) : std::string();
  const std::string_view status = verdict == Verdict::admit ? "200" : crowded ? "300" : "400";
  const std::string_view text = verdict == Verdict::admit ? "OK"
                                : crowded                 ? "short of descriptors"
                                                          : "not admitted";
  const std::array<std::string_view, 6> answer{
      crowded ? "refused" : "1.0", question[kRequestId].bytes(), status, text, number, ""};
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

}  // namespace prismbus
