// Which pages of a browser may speak to the gateway. A page of another site can make a browser send requests
// here, and DNS rebinding can make it believe that a name of its own is this host: so `Host` has to be a name
// of ours, and `Origin`, when it is there, this very host or one of a list. Immutable; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/gateway/http/http_message.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

enum class Scheme { http, https };

class OriginRules {
 public:
  // `hosts`: names and addresses without ports, besides localhost, 127.0.0.1, ::1 and `bound_host`
  // (empty: there is no one name).
  // `origins`: such as https://console.example.com, beside the gateway's own.
  // `scheme`: what is spoken here. With http the gateway's own pages may have come by https all the same,
  // from what ends TLS in front of it; with https they come by nothing else.
  OriginRules(std::string_view bound_host, std::vector<std::string> hosts, std::vector<std::string> origins,
              Scheme scheme = Scheme::http);

  // Errors: invalid_argument (no `Host`, or several), permission_denied.
  [[nodiscard]] Result<void> admit(const HttpRequest& request) const;

  // CORS: the headers of a response to a page of a listed origin; none for anybody else.
  [[nodiscard]] HttpHeaders cors_headers(const HttpRequest& request) const;
  // Strict-Transport-Security for whoever asked by a name: a browser that has heard it once never again
  // sends to that name in plain, where somebody else could answer. To no loopback: it counts for every port
  // of a name, and `localhost` is of many services.
  [[nodiscard]] HttpHeaders transport_headers(const HttpRequest& request) const;
  // Whether it is a browser that asks beforehand, from a listed origin.
  [[nodiscard]] bool is_preflight(const HttpRequest& request) const;

 private:
  [[nodiscard]] bool is_listed(std::string_view origin) const;

  std::vector<std::string> hosts_, origins_;  // lower case
  Scheme scheme_;
};

}  // namespace prismbus
