// What libzmq and the admission wrote beside a received frame: of the connection it came by, and nothing a
// peer can choose. Not on a ROUTER's first frame, which is libzmq's own.
#pragma once

#include <zmq.h>

#include <charconv>
#include <cstdint>
#include <string_view>

namespace prismbus {

// The key of a connection with CURVE, as Z85; the admission writes it.
inline constexpr const char* kClientKeyProperty = "X-Client-Key";
inline constexpr const char* kPeerAddressProperty = "Peer-Address";  // numeric, without the port

// Lends from the frame; empty when there is none.
[[nodiscard]] inline std::string_view property_of(zmq_msg_t& frame, const char* name) {
  const char* const text = zmq_msg_gets(&frame, name);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// The number that the admission gave the connection; 0: none.
[[nodiscard]] inline std::uint64_t connection_number_of(zmq_msg_t& frame) {
  const std::string_view text = property_of(frame, "User-Id");
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  return std::from_chars(text.data(), end, number).ptr == end ? number : 0;
}

}  // namespace prismbus
