#include "proto/seal/sealed_body.hpp"

#include <sodium.h>

#include <algorithm>

#include "proto/base/bytes.hpp"
#include "proto/seal/crypto_start.hpp"
#include "proto/seal/raw_bytes.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kNonceAt = 1 + 8, kBoxAt = kNonceAt + NonceSource::kBytes;

static_assert(NonceSource::kBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
                  kSealTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES &&
                  StreamKey::kBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
              "as the cipher has them");

}  // namespace

std::string BodySealer::seal(const StreamKey& leaf, Period period, std::string_view topic,
                             std::string_view plain) {
  std::string frame(topic.size() + kSealOverhead + plain.size(), '\0');
  std::copy(topic.begin(), topic.end(), frame.begin());
  char* body = frame.data() + topic.size();
  *body = kSealedMark;
  store_be64(body + 1, period.value());
  nonces_.take(body + kNonceAt);
  (void)crypto_aead_xchacha20poly1305_ietf_encrypt(raw(body + kBoxAt), nullptr, raw(plain.data()),
                                                   plain.size(), raw(topic.data()), topic.size(), nullptr,
                                                   raw(body + kNonceAt), leaf.data());
  return frame;
}

Result<Period, SealFault> period_of(std::string_view body) {
  if (body.empty() || body.front() != kSealedMark) return unexpected(SealFault::unsealed);
  if (body.size() < kSealOverhead) return unexpected(SealFault::malformed);
  return Period(load_be64(body.data() + 1));
}

Result<void, SealFault> open_body(const StreamKey& leaf, std::string_view topic, std::string_view body,
                                  std::string& plain) {
  if (const auto period = period_of(body); !period) {
    plain.clear();
    return unexpected(period.error());
  }
  start_crypto();
  const std::string_view box = body.substr(kBoxAt);
  plain.resize(body.size() - kSealOverhead);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(raw(plain.data()), nullptr, nullptr, raw(box.data()),
                                                 box.size(), raw(topic.data()), topic.size(),
                                                 raw(body.data() + kNonceAt), leaf.data()) != 0) {
    plain.clear();
    return unexpected(SealFault::forged);
  }
  return {};
}

}  // namespace prismbus
