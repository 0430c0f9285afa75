#include "proto/seal/stream_key.hpp"

#include <sodium.h>

#include <algorithm>

namespace prismbus {

std::optional<StreamKey> StreamKey::from(std::string_view bytes) {
  if (bytes.size() != kBytes) return std::nullopt;
  std::optional<StreamKey> key(std::in_place);
  std::copy(bytes.begin(), bytes.end(), key->bytes_.begin());
  return key;
}

StreamKey::~StreamKey() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

bool operator==(const StreamKey& a, const StreamKey& b) {
  return sodium_memcmp(a.bytes_.data(), b.bytes_.data(), StreamKey::kBytes) == 0;
}

}  // namespace prismbus
