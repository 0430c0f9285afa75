#include "subscriber/cache/cache_seal.hpp"

#include <sodium.h>

#include <algorithm>

#include "proto/seal/raw_bytes.hpp"

namespace prismbus::cache {
namespace {

static_assert(kNonceBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
                  kTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES &&
                  CacheKey::kBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
              "as the cipher has them");

}  // namespace

Salt random_salt() {
  Salt salt;
  randombytes_buf(salt.data(), salt.size());
  return salt;
}

Sealer::Sealer(const CacheKey& key, std::string_view beginning, const Tag& last) : last_(last) {
  key.derive(beginning, key_);
}

Sealer::~Sealer() {
  sodium_memzero(key_.data(), key_.size());
}

void Sealer::seal(std::string_view plain, std::string& out) {
  const std::size_t first = out.size();
  out.resize(first + plain.size() + kSealedBytes);
  char* nonce = out.data() + first;
  randombytes_buf(nonce, kNonceBytes);
  (void)crypto_aead_xchacha20poly1305_ietf_encrypt(raw(nonce + kNonceBytes), nullptr, raw(plain.data()),
                                                   plain.size(), raw(last_.data()), last_.size(), nullptr,
                                                   raw(nonce), key_.data());
  std::copy_n(out.end() - kTagBytes, kTagBytes, last_.begin());
}

bool Sealer::open(std::string_view sealed, std::string& plain) {
  if (sealed.size() < kSealedBytes) return false;
  plain.resize(sealed.size() - kSealedBytes);
  const std::string_view box = sealed.substr(kNonceBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(raw(plain.data()), nullptr, nullptr, raw(box.data()),
                                                 box.size(), raw(last_.data()), last_.size(),
                                                 raw(sealed.data()), key_.data()) != 0) {
    plain.clear();
    return false;
  }
  std::copy_n(sealed.end() - kTagBytes, kTagBytes, last_.begin());
  return true;
}

}  // namespace prismbus::cache
