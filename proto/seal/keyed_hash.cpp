#include "proto/seal/keyed_hash.hpp"

#include <sodium.h>

#include "proto/seal/raw_bytes.hpp"

namespace prismbus {

static_assert(StreamKey::kBytes == crypto_generichash_BYTES, "BLAKE2b-256 ...");
static_assert(StreamKey::kBytes == crypto_generichash_KEYBYTES, "... keyed with one of its own results");

StreamKey keyed_hash(const StreamKey& k, std::string_view first, std::string_view rest) {
  crypto_generichash_state state;
  StreamKey out;
  (void)crypto_generichash_init(&state, k.data(), StreamKey::kBytes, StreamKey::kBytes);
  (void)crypto_generichash_update(&state, raw(first.data()), first.size());
  (void)crypto_generichash_update(&state, raw(rest.data()), rest.size());
  (void)crypto_generichash_final(&state, out.data(), StreamKey::kBytes);
  sodium_memzero(&state, sizeof state);  // it began with the key
  return out;
}

}  // namespace prismbus
