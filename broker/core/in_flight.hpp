// How many requests wait inside (for the disk, a read, a revision), and how many bytes of those that are kept
// as they came. Bounded per connection, so that one peer cannot fill the house, and per principal over all
// his connections, so that he cannot fill it with many of them; the bytes of all together as well (I8). Only
// who showed a token is a principal here: without security everybody is the same one. Bus thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "broker/core/asked.hpp"
#include "broker/core/ports.hpp"
#include "broker/core/settings.hpp"
#include "proto/base/bytes.hpp"

namespace prismbus {

// Requests refused since the start, by the bound they met.
struct InFlightRefusals {
  std::uint64_t connection_requests = 0, connection_bytes = 0;
  std::uint64_t principal_requests = 0, principal_bytes = 0;
  std::uint64_t bytes = 0;  // of all together
};

class InFlight {
  struct Held {
    std::size_t requests = 0, bytes = 0;
    void add(std::size_t more) { ++requests, bytes += more; }
    void take(std::size_t less) { --requests, bytes -= less; }
  };
  using Principals = std::unordered_map<std::string, Held, BytesHash, std::equal_to<>>;

 public:
  struct Bounds {
    std::size_t connection_max, connection_bytes_max, bytes_max;
    PrincipalBounds principal{};
  };
  explicit InFlight(const PipelineSettings& settings)
      : InFlight(Bounds{settings.connection_in_flight_max, settings.connection_waiting_bytes_max,
                        settings.waiting_bytes_max, settings.principal}) {}
  explicit InFlight(const Bounds& bounds) : bounds_(bounds) {}
  void set_bounds(const PrincipalBounds& principal) { bounds_.principal = principal; }

  // What a request that waits takes up; whoever answers it gives it back, once.
  class Place {
   public:
    Place() = default;

   private:
    friend class InFlight;
    Place(ConnectionId connection, Principals::value_type* principal, std::size_t bytes)
        : connection_(connection), principal_(principal), bytes_(bytes) {}
    ConnectionId connection_;
    Principals::value_type* principal_ = nullptr;  // a node, which stays where it is while it holds anything
    std::size_t bytes_ = 0;
  };

  struct Who {
    ConnectionId connection;
    std::string_view principal{};  // empty: none
  };
  // `bytes`: of the request when it is kept as it came. Errors: overloaded.
  [[nodiscard]] Result<Place> hold(const Who& who, std::size_t bytes = 0);
  [[nodiscard]] Result<Place> hold(const Asked& asked) { return hold(who_asks(asked)); }
  // It waits with its payload.
  [[nodiscard]] Result<Place> keep(const Asked& asked) { return hold(who_asks(asked), asked.payload.size()); }
  void release(const Place& place);

  [[nodiscard]] std::size_t of(ConnectionId connection) const;
  [[nodiscard]] std::size_t total() const { return total_.requests; }
  [[nodiscard]] std::size_t bytes() const { return total_.bytes; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }  // with requests inside
  [[nodiscard]] std::size_t principals() const { return principals_.size(); }    // likewise
  [[nodiscard]] const InFlightRefusals& refusals() const { return refusals_; }

 private:
  [[nodiscard]] static Who who_asks(const Asked& asked) {
    const bool showed_token = !asked.principal.token_hash.empty();
    return {asked.from.connection,
            showed_token ? std::string_view(asked.principal.name) : std::string_view()};
  }
  struct Bound {  // that was met
    std::uint64_t InFlightRefusals::*counter;
    const char* why;
    std::uint64_t wait_ms;
  };
  [[nodiscard]] const Bound* bound_met(const Held& connection, const Held* principal,
                                       std::size_t bytes) const;

  Bounds bounds_;
  Held total_;
  std::unordered_map<ConnectionId, Held> connections_;
  Principals principals_;
  InFlightRefusals refusals_;
};

}  // namespace prismbus
