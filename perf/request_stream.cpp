#include "perf/request_stream.hpp"

#include <fmt/format.h>

#include "perf/zmtp_peer.hpp"
#include "proto/base/assert.hpp"
#include "proto/base/bytes.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus::perf {
namespace {

// The holes are found by what is put into them while encoding: 8-byte integers and digits that occur nowhere
// else.
constexpr std::uint64_t kIdMark = 0xF1F2F3F4F5F6F7F8, kCountMark = 0xE1E2E3E4E5E6E7E8;
constexpr std::uint64_t kFirstNumber = std::uint64_t{1}
                                       << 40;  // keeps every later number as wide as the mark
constexpr std::size_t kDigits = 8;
constexpr std::string_view kDigitMark = "########";

std::string big_endian(std::uint64_t v) {
  std::string bytes;
  append_be64(bytes, v);
  return bytes;
}

void write_digits(char* to, std::uint64_t index) {
  for (std::size_t i = kDigits; i-- > 0; index /= 10) to[i] = static_cast<char>('0' + index % 10);
}

MessageId id_mark() {
  return MessageId{.negative = false, .bits = kIdMark};
}

std::string framed_request(const Request& request) {
  std::string framed;
  ZmtpPeer::append_request(framed, codec::encode_request(request));
  return framed;
}

}  // namespace

std::string key_name(std::uint64_t index) {
  return fmt::format("key-{:08}", index);
}

std::string encoded_value(std::size_t bytes) {
  std::string value{'\xd9', static_cast<char>(bytes - 2)};  // str 8
  for (std::size_t i = 2; i < bytes; ++i) value += static_cast<char>('a' + i % 26);
  return value;
}

RequestStream::RequestStream(std::string framed, std::uint64_t keys, std::uint64_t seed)
    : framed_(std::move(framed)), keys_(keys), random_(seed * 0x9E3779B97F4A7C15 | 1) {
  const auto place = [this](const std::string& mark) {
    const auto at = framed_.find(mark);
    return at == std::string::npos ? 0 : at;
  };
  id_at_ = place(big_endian(kIdMark));
  n_at_ = place(big_endian(kCountMark));
  for (auto at = framed_.find(kDigitMark); at != std::string::npos;
       at = framed_.find(kDigitMark, at + kDigits)) {
    key_at_.push_back(at);
  }
  PRISMBUS_ASSERT(id_at_ != 0 && !key_at_.empty(), "an encoded request holds its id and its key as they are");
}

RequestStream RequestStream::gets(const KeySpace& space, std::uint64_t seed) {
  const std::string key = "key-" + std::string(kDigitMark);
  Request request{
      .id = id_mark(), .token = {}, .epoch = {}, .body = GetRequest{.ns = space.ns, .key = key, .read = {}}};
  return RequestStream(framed_request(request), space.keys, seed);
}

RequestStream RequestStream::puts(const KeySpace& space, std::uint64_t seed, std::string_view session) {
  const std::string key = "key-" + std::string(kDigitMark), value = encoded_value(kValueBytes);
  PutRequest put{.ns = space.ns, .key = key, .value = value, .if_rev = {}, .write = {}};
  if (!session.empty()) put.write = {.session = session, .n = kCountMark, .note = {}};
  return RequestStream(framed_request({.id = id_mark(), .token = {}, .epoch = {}, .body = put}), space.keys,
                       seed);
}

RequestStream RequestStream::spread_transactions(const KeySpace& space, std::size_t namespaces) {
  const std::string key = "key-" + std::string(kDigitMark), value = encoded_value(kValueBytes);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < namespaces; ++i) names.push_back(fmt::format("{}-{:03}", space.ns, i));
  TxnRequest txn;
  for (const std::string& ns : names)
    txn.changes.push_back({.op = ChangeOp::put, .ns = ns, .key = key, .value = value});
  return RequestStream(framed_request({.id = id_mark(), .token = {}, .epoch = {}, .body = txn}), space.keys,
                       1);
}

void RequestStream::next(std::string& out) {
  const std::size_t start = out.size();
  out += framed_;
  char* message = out.data() + start;
  random_ ^= random_ << 13;  // xorshift64 (Marsaglia 2003)
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const std::uint64_t index = random_ % keys_;
  for (const std::size_t at : key_at_) write_digits(message + at, index);
  store_be64(message + id_at_, kFirstNumber + sent_);
  if (n_at_ != 0) store_be64(message + n_at_, kFirstNumber + sent_);
  ++sent_;
}

std::string_view RequestStream::next_payload() {
  scratch_.clear();
  next(scratch_);
  constexpr std::size_t kEmptyFrame = 2, kShortHeader = 2, kLongHeader = 9;
  const std::size_t header = scratch_[kEmptyFrame] == '\0' ? kShortHeader : kLongHeader;
  return std::string_view(scratch_).substr(kEmptyFrame + header);
}

Verdict judge_reply(std::string_view payload, std::string& why) {
  // map, "id", uint64, "ok", true: the order the contract's encoder keeps and the width our ids force.
  constexpr std::size_t kOkAt = 1 + 3 + 9;
  if (payload.size() > kOkAt + 3 && payload.substr(kOkAt, 4) == "\xa2ok\xc3") return Verdict::fine;
  const auto reply = codec::decode_reply(payload);
  if (!reply) {
    why = "a reply that cannot be decoded: " + reply.error().message;
    return Verdict::failed;
  }
  if (!reply->error) return Verdict::fine;
  why = reply->error->message;
  return reply->error->code == ErrorCode::overloaded ? Verdict::overloaded : Verdict::failed;
}

}  // namespace prismbus::perf
