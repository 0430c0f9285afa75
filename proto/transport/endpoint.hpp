// Endpoints: tcp://host:port and ipc://path, checked before libzmq sees them. Value type, any thread.
// Host names are not resolved here; a name other than `localhost` never counts as loopback.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/wire/error.hpp"

namespace prismbus {

class Endpoint {
 public:
  enum class Use { bind, connect };

  // invalid_argument (field "endpoint") with what is wrong. Binding takes host `*` (all interfaces) and port
  // `*` or 0 (any free one); connecting takes neither. IPv6 hosts stand in brackets. ipc paths are 1..107
  // bytes.
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text, Use use);

  [[nodiscard]] bool is_tcp() const { return tcp_; }
  [[nodiscard]] const std::string& host() const { return host_; }  // tcp: without brackets; `*` as it stands
  [[nodiscard]] std::uint16_t port() const { return port_; }       // tcp: 0 = any free one
  [[nodiscard]] const std::string& path() const { return path_; }  // ipc
  [[nodiscard]] bool is_ipv6() const { return ipv6_; }
  // ipc, localhost, 127.0.0.0/8 and ::1: reachable from this machine only.
  [[nodiscard]] bool is_loopback() const;
  // As libzmq takes it; port 0 becomes `*`.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

 private:
  bool tcp_ = true, ipv6_ = false;
  std::string host_, path_;
  std::uint16_t port_ = 0;
};

// An endpoint told by a broker, as this client reaches it: a host `*` (also 0.0.0.0 and [::], which is how
// libzmq reports a bind to it) stands for the host used for requests, 127.0.0.1 when requests go over ipc.
[[nodiscard]] Result<Endpoint> reachable_endpoint(std::string_view told, const Endpoint& requests);

}  // namespace prismbus
