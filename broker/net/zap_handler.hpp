// Admission (ZAP, RFC 27): libzmq asks it about every new connection of a bound socket. It gives each a
// number of its own as User-Id, which the peer cannot choose; while the process is short of descriptors it
// refuses, so that accept() never fails (an accept that fails spins the I/O thread). To a socket that speaks
// CURVE it admits whoever proved a key, or only keys of a list, and writes that key beside the number. Who
// that is, and what he may do, tokens say later. Owned by the ZAP thread after bind().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "proto/transport/socket.hpp"

namespace prismbus {

class ZapHandler {
 public:
  using AllowedKeys = std::unordered_set<std::string>;        // CURVE public keys as Z85
  using AllowedKeysPtr = std::shared_ptr<const AllowedKeys>;  // null = any key

  // Binds inproc://zeromq.zap.01: before any socket that needs it. `descriptors_max`: the process's limit, of
  // which a margin is kept free. Errors: unavailable (somebody else is the handler of this context).
  [[nodiscard]] static Result<std::unique_ptr<ZapHandler>> bind(Context& context,
                                                                std::uint64_t descriptors_max,
                                                                AllowedKeysPtr allowed = nullptr);
  void set_allowed(AllowedKeysPtr allowed) { allowed_ = std::move(allowed); }  // for handshakes from now on

  std::size_t step();                                              // answers what is queued; returns how many
  [[nodiscard]] void* handle() const { return socket_.handle(); }  // for poll_sockets

  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  [[nodiscard]] std::uint64_t unknown_keys() const { return unknown_keys_; }

 private:
  ZapHandler(Socket socket, std::uint64_t descriptors_max, AllowedKeysPtr allowed);
  enum class Verdict : std::uint8_t { admit, short_of_descriptors, not_allowed };
  bool answer_one();
  [[nodiscard]] bool is_short_of_descriptors() const;

  Socket socket_;
  const std::uint64_t first_refused_descriptor_;
  [[nodiscard]] Verdict judge(std::string_view domain, const std::string& key) const;

  AllowedKeysPtr allowed_;
  std::uint64_t last_number_ = 0, refused_ = 0, unknown_keys_ = 0;
};

}  // namespace prismbus
