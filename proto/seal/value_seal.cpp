#include "proto/seal/value_seal.hpp"

#include <sodium.h>

#include "proto/base/bytes.hpp"
#include "proto/seal/crypto_start.hpp"
#include "proto/seal/keyed_hash.hpp"
#include "proto/seal/raw_bytes.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kValuesRoot = "prismbus.values", kMasterId = "prismbus.master";
constexpr char kMark = '\xc1', kName = '\x01';
constexpr std::size_t kNonceAt = 1, kTagAt = kNonceAt + NonceSource::kBytes, kTextAt = 1 + kValueSealBytes;

static_assert(NonceSource::kBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
                  kValueSealBytes - NonceSource::kBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES &&
                  StreamKey::kBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
              "as the cipher has them");

// Neither names of namespaces nor keys hold a zero byte.
std::string bound_to(const ValuePlace& place) {
  std::string out;
  out.reserve(place.ns.size() + place.key.size() + 10);
  out.append(place.ns).push_back('\0');
  out.append(place.key).push_back('\0');
  char rev[8];
  store_be64(rev, place.rev.value());
  return out.append(rev, sizeof rev);
}

}  // namespace

ValueVault::ValueVault(const StreamKey& master) {
  start_crypto();
  root_ = keyed_hash(master, kValuesRoot);
  const StreamKey id = keyed_hash(root_, kMasterId);
  id_ = load_be64(reinterpret_cast<const char*>(id.data())) | 1;
}

StreamKey ValueVault::key_of(std::string_view ns) const {
  return keyed_hash(root_, {&kName, 1}, ns);
}

bool ValueVault::open(const ValuePlace& place, std::string_view sealed, std::string& plain) const {
  plain.clear();
  if (!is_sealed_value(sealed) || sealed.size() <= kTextAt) return false;
  plain.resize(sealed.size() - kTextAt);
  const std::string bound = bound_to(place);
  const StreamKey key = key_of(place.ns);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
          raw(plain.data()), nullptr, raw(sealed.data() + kTextAt), plain.size(), raw(sealed.data() + kTagAt),
          raw(bound.data()), bound.size(), raw(sealed.data() + kNonceAt), key.data()) == 0)
    return true;
  plain.clear();
  return false;
}

void ValueSealer::seal(const ValuePlace& place, std::string_view value, std::string& out) {
  const std::size_t at = out.size();
  out.resize(at + kTextAt + value.size());
  char* sealed = out.data() + at;
  *sealed = kMark;
  nonces_.take(sealed + kNonceAt);
  const std::string bound = bound_to(place);
  const StreamKey key = vault_.key_of(place.ns);
  unsigned long long tag_size = 0;
  (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
      raw(sealed + kTextAt), raw(sealed + kTagAt), &tag_size, raw(value.data()), value.size(),
      raw(bound.data()), bound.size(), nullptr, raw(sealed + kNonceAt), key.data());
}

}  // namespace prismbus
