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
#include "broker/net/frame_properties.hpp"
#include "proto/transport/curve.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kDescriptorMargin = 64;  // LMDB, logs, and connections still in their handshake

constexpr std::chrono::microseconds kRefusalPause{200};
constexpr std::size_t kCurveKeyBytes = 32;

// As Z85; empty: that is no proved key.
std::string key_text(std::string_view mechanism, std::string_view credential) {
  if (mechanism != "CURVE" || credential.size() != kCurveKeyBytes) return {};
  std::array<char, kCurveKeyChars + 1> text{};
  const void* const key = credential.data();
  zmq_z85_encode(text.data(), static_cast<const std::uint8_t*>(key), kCurveKeyBytes);
  return text.data();
}

// RFC 23: a name behind its length in one byte, a value behind its length in four.
std::string property(std::string_view name, std::string_view value) {
  const auto size = static_cast<std::uint32_t>(value.size());
  std::string out(1, static_cast<char>(name.size()));
  out += name;
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(size >> shift & 0xff);
  out += value;
  return out;
}

}  // namespace

Result<std::unique_ptr<ZapHandler>> ZapHandler::bind(Context& context, std::uint64_t descriptors_max,
                                                     AllowedKeysPtr allowed) {
  auto socket = Socket::open(context, SocketRole::admission);
  if (!socket) return unexpected(socket.error());
  if (auto bound = socket->bind_inproc("zeromq.zap.01"); !bound) return unexpected(bound.error());
  return std::unique_ptr<ZapHandler>(new ZapHandler(std::move(*socket), descriptors_max, std::move(allowed)));
}

ZapHandler::ZapHandler(Socket socket, std::uint64_t descriptors_max, AllowedKeysPtr allowed)
    : socket_(std::move(socket)),
      first_refused_descriptor_(descriptors_max - std::min(kDescriptorMargin, descriptors_max / 4)),
      allowed_(std::move(allowed)) {}

std::size_t ZapHandler::step() {
  std::size_t answered = 0;
  while (answer_one()) ++answered;
  return answered;
}

ZapHandler::Verdict ZapHandler::judge(std::string_view domain, const std::string& key) const {
  if (is_short_of_descriptors()) return Verdict::short_of_descriptors;
  if (domain == kPlainDomain) return Verdict::admit;
  const bool listed = allowed_ == nullptr || allowed_->contains(key);
  return domain == kCurveDomain && !key.empty() && listed ? Verdict::admit : Verdict::not_allowed;
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
  const std::string key = key_text(question[kMechanism].bytes(), question[kCredential].bytes());
  const Verdict verdict = judge(question[kDomain].bytes(), key);
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
  const std::string metadata = key.empty() ? std::string() : property(kClientKeyProperty, key);
  const std::array<std::string_view, 6> answer{
      crowded ? "refused" : "1.0", question[kRequestId].bytes(), status, text, number, metadata};
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
