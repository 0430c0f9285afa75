#include "proto/transport/curve.hpp"

#include <zmq.h>

#include <array>

namespace prismbus {

Result<CurveKeyPair> CurveKeyPair::fresh() {
  std::array<char, kCurveKeyChars + 1> public_key{}, secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) {
    return fail(ErrorCode::internal, "libzmq has no CURVE");
  }
  return CurveKeyPair{public_key.data(), secret_key.data()};
}

Result<CurveKeyPair> CurveKeyPair::of_secret(std::string_view secret_key) {
  CurveKeyPair pair{{}, std::string(secret_key)};
  std::array<char, kCurveKeyChars + 1> public_key{};
  if (!is_curve_key(secret_key) || zmq_curve_public(public_key.data(), pair.secret_key.c_str()) != 0) {
    return fail(ErrorCode::invalid_argument, "a CURVE key is 40 characters of Z85");
  }
  pair.public_key = public_key.data();
  return pair;
}

bool is_curve_key(std::string_view text) {
  std::array<std::uint8_t, 32> bytes{};
  // Text of another length would write past them, or leave some out.
  return text.size() == kCurveKeyChars && zmq_z85_decode(bytes.data(), std::string(text).c_str()) != nullptr;
}

}  // namespace prismbus
