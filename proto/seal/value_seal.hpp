// Values of secret namespaces as they lie on disk: sealed by XChaCha20-Poly1305 under a key of their
// namespace, bound to the key and the revision they were written as. Nothing of it goes over the wire.
//   sealed  = 0xC1 (never a MessagePack byte)  nonce:24  tag:16  ciphertext         as long as the value
//   key(ns) = H(H(master, "prismbus.values"), 0x01 || ns), H as in key_tree.hpp
//             of no epoch and no period, so that a restored backup opens
//   additional data = ns  0x00  key  0x00  rev:8 BE
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/strong.hpp"
#include "proto/seal/nonce_source.hpp"
#include "proto/seal/stream_key.hpp"

namespace prismbus {

inline constexpr std::size_t kValueSealBytes = NonceSource::kBytes + 16;  // nonce and tag

[[nodiscard]] inline bool is_sealed_value(std::string_view on_disk) {
  return !on_disk.empty() && on_disk.front() == '\xc1';
}
// Of the value that `on_disk` holds, sealed or as it is.
[[nodiscard]] inline std::size_t value_size(std::string_view on_disk) {
  return on_disk.size() - (is_sealed_value(on_disk) ? 1 + kValueSealBytes : 0);
}

struct ValuePlace {
  std::string_view ns, key;
  Revision rev;
};

// Opens them. Immutable: any thread. Holds a key that the master's holder alone can make.
class ValueVault {
 public:
  explicit ValueVault(const StreamKey& master);

  // Tells masters apart, and nothing else about them; never 0.
  [[nodiscard]] std::uint64_t id() const { return id_; }
  // Replaces `plain`, whose memory is used again. False: not sealed, cut, another place's or another
  // master's.
  [[nodiscard]] bool open(const ValuePlace& place, std::string_view sealed, std::string& plain) const;

 private:
  friend class ValueSealer;
  [[nodiscard]] StreamKey key_of(std::string_view ns) const;

  StreamKey root_;
  std::uint64_t id_ = 0;
};

// Seals with a fresh random nonce each time. Owned by one thread.
class ValueSealer {
 public:
  explicit ValueSealer(const StreamKey& master) : vault_(master) {}

  [[nodiscard]] std::uint64_t id() const { return vault_.id(); }
  // Appends to `out`. No error.
  void seal(const ValuePlace& place, std::string_view value, std::string& out);

 private:
  ValueVault vault_;
  NonceSource nonces_;
};

}  // namespace prismbus
