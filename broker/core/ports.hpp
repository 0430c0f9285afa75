// What the pipeline asks of the rooms around it, as interfaces that others implement: doors (net, gateway)
// answer and publish, security authorises. All are called on the bus thread and must not block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/core/principal.hpp"
#include "broker/core/rule_book.hpp"
#include "proto/base/clock.hpp"
#include "proto/base/strong.hpp"
#include "proto/token/token_fault.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

// A connection as the door's admission numbered it: unique for the life of the process, never a peer's own
// claim.
using ConnectionId = Strong<struct ConnectionTag>;
// The connection of what the broker asks of itself; no door gives this number to a peer, and nobody reads
// what is answered.
inline constexpr ConnectionId kBrokerItself{};
inline constexpr std::string_view kBrokerPrincipal = "_broker";

// What the core notes of a request as it comes in, for its figures; doors leave it as it is.
struct RequestMark {
  Steady received{};    // the step that took it
  std::uint8_t op = 0;  // a row of kOpTable (request_meter.hpp)
};

// Where a reply goes: the frames up to and including the first empty one, given back as they came.
struct ReplyTo {
  ConnectionId connection;
  std::string routing_id;
  std::vector<std::string> envelope;  // frames between the routing id and the empty one; usually none
  mutable RequestMark mark{};         // a note on what is lent to the core: not part of where it goes
};

// What the doors refused and cut since the start by their limits, and how many are there.
struct DoorFigures {
  std::uint64_t connections = 0;  // at this moment, requests and streams, those of the gateway among them
  std::uint64_t gateway_connections = 0;
  std::uint64_t refused_connections = 0, refused_address_connections = 0;
  std::uint64_t refused_descriptors = 0, refused_keys = 0;
  std::uint64_t cut_endless = 0, cut_crowding = 0, cut_oversubscribed = 0;
  std::uint64_t cut_flooding = 0, cut_not_reading = 0;
};
// ... and what the limits of requests a second did.
struct RateCounters {
  std::uint64_t of_address = 0, of_principal = 0;  // requests refused
  std::uint64_t cut = 0;                           // connections
};

// Requests whose token was refused since the start, by why (proto/token/token_fault.hpp), and those that were
// not looked at because their address had shown too many bad ones.
struct TokenFailures {
  std::array<std::uint64_t, kTokenFaults> by_fault{};
  std::uint64_t throttled = 0;
};

class ReplySink {
 public:
  virtual ~ReplySink() = default;
  // Takes one reply. A peer that cannot take it is dropped by the door, with everything it has in flight.
  virtual void reply(const ReplyTo& to, std::string payload) = 0;
  // Where that connection comes from, for people; empty when the door cannot tell.
  [[nodiscard]] virtual std::string origin_of(ConnectionId) { return {}; }
  // Who that connection's `hello` has bound to it, told before its reply: for doors that push.
  virtual void greeted(ConnectionId, const Principal&) {}
  [[nodiscard]] virtual DoorFigures figures() const { return {}; }
};

// Who takes what comes through a door (the bus agent). `from` and `payload` are lent for the call.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual void on_request(const ReplyTo& from, std::string_view payload) = 0;
  // No more comes from that connection, and no reply reaches it.
  virtual void on_gone(ConnectionId connection) = 0;
  virtual void on_malformed(const ReplyTo& from, std::string_view why) = 0;
};

// Where requests come in and their answers leave. Each door numbers its connections in a range of its own
// (doors.hpp).
class Door : public ReplySink {
 public:
  // Hands up to `messages_max` messages (or `bytes_max` of payload) to `handler`; does not block. Returns how
  // many.
  virtual std::size_t receive(std::size_t messages_max, std::size_t bytes_max, RequestHandler& handler) = 0;
  // Cuts that connection; what it had queued is thrown away, the answer to a request under way too. Called
  // while a request of that connection is handled. False: it is gone already.
  virtual bool drop(ConnectionId connection) = 0;
};

class Feed {
 public:
  virtual ~Feed() = default;
  // One frame (topic and body) to every subscriber of its topic on that lane.
  virtual void publish(Lane lane, std::string frame) = 0;
};

// Finds out who asks. Its own state is the bus thread's; what takes long it does elsewhere.
class Authoriser {
 public:
  struct Later {};  // a token is being verified: the request comes again from take_verified()
  using Answer = std::variant<const Principal*, Error, Later>;

  virtual ~Authoriser() = default;
  // The principal is lent until the next call. A `hello` binds its token to the connection. Errors:
  // unauthenticated, overloaded.
  [[nodiscard]] virtual Answer authenticate(const ReplyTo& from, std::string_view payload,
                                            const Request& request, Now now) = 0;
  // In force from now on: at start, and whenever a transaction that changes them is applied.
  virtual void on_rules(const AccessRulesPtr& rules) = 0;
  virtual void on_gone(ConnectionId connection) = 0;
  [[nodiscard]] virtual RateCounters rate_counters() const { return {}; }
  [[nodiscard]] virtual TokenFailures token_failures() const { return {}; }
  // Gives the requests whose tokens were verified meanwhile; returns how many.
  virtual std::size_t take_verified(
      const std::function<void(const ReplyTo& from, std::string_view payload)>& again) = 0;
};

// Without security everybody is `anonymous` with all rights.
class OpenAuthoriser final : public Authoriser {
 public:
  Answer authenticate(const ReplyTo&, std::string_view, const Request&, Now) override { return &anonymous_; }
  void on_rules(const AccessRulesPtr&) override {}
  void on_gone(ConnectionId) override {}
  std::size_t take_verified(const std::function<void(const ReplyTo&, std::string_view)>&) override {
    return 0;
  }

 private:
  Principal anonymous_{"anonymous", Access::everything(), {}, {}, {}};
};

}  // namespace prismbus
