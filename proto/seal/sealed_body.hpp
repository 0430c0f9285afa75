// Sealed bodies of the change stream (PROTOCOL section 9): XChaCha20-Poly1305 under the leaf key of the
// namespace, its topic authenticated with it, so that a body opens only as what it was sealed as (I10).
//   body = 0xC1 (never a MessagePack byte)  period:8 BE  nonce:24  ciphertext  tag:16
//   additional data = the topic with its `/`
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/result.hpp"
#include "proto/seal/nonce_source.hpp"
#include "proto/seal/stream_key.hpp"
#include "proto/seal/stream_period.hpp"

namespace prismbus {

inline constexpr char kSealedMark = '\xc1';
inline constexpr std::size_t kSealTagBytes = 16;
// What a body grows by.
inline constexpr std::size_t kSealOverhead = 1 + 8 + NonceSource::kBytes + kSealTagBytes;

// Seals with a fresh random nonce each time. Owned by one thread: it keeps random bytes in stock.
class BodySealer {
 public:
  // The whole frame, topic and sealed body, in one allocation. `leaf` is that of `topic`'s namespace in
  // `period`. No error.
  [[nodiscard]] std::string seal(const StreamKey& leaf, Period period, std::string_view topic,
                                 std::string_view plain);

 private:
  NonceSource nonces_;
};

enum class SealFault : std::uint8_t {
  unsealed,   // the first byte is another
  malformed,  // shorter than a sealed body of nothing
  forged,     // not what this key sealed for this topic: changed under way, or another key
};

// The period of a sealed body, as it claims: it is proved only when the body opens with that period's key.
// Errors: unsealed, malformed. Pure.
[[nodiscard]] Result<Period, SealFault> period_of(std::string_view body);

// Puts the plain body into `plain`, whose memory is used again; empty after an error. Errors: all three.
// Pure; any thread.
[[nodiscard]] Result<void, SealFault> open_body(const StreamKey& leaf, std::string_view topic,
                                                std::string_view body, std::string& plain);

}  // namespace prismbus
