// How many requests of HTTP were answered with what, and how long that took. Gateway thread. Bounded (I8):
// rows are named by the table of routes, the verbs that are known and the statuses that this broker gives,
// never by what a peer sends.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>

#include "broker/gateway/http/http_message.hpp"
#include "broker/gateway/http/route.hpp"
#include "proto/base/clock.hpp"
#include "proto/base/histogram.hpp"
#include "proto/json/value.hpp"

namespace prismbus {

class HttpMeter {
 public:
  struct Request {
    const Route* route = nullptr;  // null: no route of the table
    Verb verb = Verb::other;
    int status = 0;    // 0: nothing was answered
    Steady started{};  // all of it was read; the epoch of the clock: never
  };
  HttpMeter();

  // Its response is on its way.
  void count(const Request& request, Steady now);
  void count_refused_connection() { ++refused_connections_; }

  // `{requests: {route: {method: {status: n}}}, latency_us: {class: histogram}, refused_connections}`, a
  // histogram as in `status`.
  [[nodiscard]] Value figures() const;

 private:
  enum Class : std::uint8_t { kRead, kWrite, kSnapshot, kOwn, kNone, kClasses };
  [[nodiscard]] static Class class_of(const Route* route);

  std::map<std::tuple<std::string_view, std::string_view, int>, std::uint64_t> answered_;
  std::array<Histogram, kClasses> took_;
  std::uint64_t refused_connections_ = 0;
};

}  // namespace prismbus
