#include "broker/core/in_flight.hpp"

#include "proto/base/assert.hpp"

namespace prismbus {

// The first one always has its place, however large: a bound is on what gathers.
const InFlight::Bound* InFlight::bound_met(const Held& connection, const Held* principal,
                                           std::size_t bytes) const {
  constexpr std::uint64_t kRequestsWaitMs = 20, kBytesWaitMs = 100;
  using R = InFlightRefusals;
  static constexpr Bound kConnectionRequests{&R::connection_requests,
                                             "too many requests of this connection wait", kRequestsWaitMs};
  static constexpr Bound kPrincipalRequests{&R::principal_requests,
                                            "too many requests of this principal wait", kRequestsWaitMs};
  static constexpr Bound kConnectionBytes{&R::connection_bytes, "too many bytes of this connection wait",
                                          kBytesWaitMs};
  static constexpr Bound kPrincipalBytes{&R::principal_bytes, "too many bytes of this principal wait",
                                         kBytesWaitMs};
  static constexpr Bound kBytes{&R::bytes, "too many bytes wait", kBytesWaitMs};
  const auto gathers = [bytes](const Held& held, std::size_t most) {
    return held.bytes > 0 && held.bytes + bytes > most;
  };
  const PrincipalBounds& own = bounds_.principal;
  if (connection.requests >= bounds_.connection_max) return &kConnectionRequests;
  if (principal != nullptr && own.requests_max != 0 && principal->requests >= own.requests_max)
    return &kPrincipalRequests;
  if (bytes == 0) return nullptr;
  if (gathers(connection, bounds_.connection_bytes_max)) return &kConnectionBytes;
  if (principal != nullptr && own.bytes_max != 0 && gathers(*principal, own.bytes_max))
    return &kPrincipalBytes;
  return total_.bytes + bytes > bounds_.bytes_max ? &kBytes : nullptr;
}

Result<InFlight::Place> InFlight::hold(const Who& who, std::size_t bytes) {
  const auto connection = connections_.try_emplace(who.connection).first;
  auto principal = principals_.end();
  if (!who.principal.empty()) {
    principal = principals_.find(who.principal);
    if (principal == principals_.end()) principal = principals_.try_emplace(std::string(who.principal)).first;
  }
  Held* const named = principal == principals_.end() ? nullptr : &principal->second;
  if (const Bound* met = bound_met(connection->second, named, bytes)) {
    ++(refusals_.*met->counter);
    if (connection->second.requests == 0) connections_.erase(connection);
    if (named != nullptr && named->requests == 0) principals_.erase(principal);
    return tl::unexpected(overloaded(met->why, met->wait_ms));
  }
  connection->second.add(bytes);
  if (named != nullptr) named->add(bytes);
  total_.add(bytes);
  return Place(who.connection, named == nullptr ? nullptr : &*principal, bytes);
}

void InFlight::release(const Place& place) {
  const auto it = connections_.find(place.connection_);
  PRISMBUS_ASSERT(it != connections_.end() && it->second.requests > 0 && it->second.bytes >= place.bytes_,
                  "what is released was held");
  total_.take(place.bytes_);
  it->second.take(place.bytes_);
  if (it->second.requests == 0) connections_.erase(it);
  if (place.principal_ == nullptr) return;
  place.principal_->second.take(place.bytes_);
  if (place.principal_->second.requests == 0) principals_.erase(principals_.find(place.principal_->first));
}

std::size_t InFlight::of(ConnectionId connection) const {
  const auto it = connections_.find(connection);
  return it == connections_.end() ? 0 : it->second.requests;
}

}  // namespace prismbus
