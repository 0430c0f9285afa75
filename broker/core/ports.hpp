// What the pipeline asks of the rooms around it, as interfaces that others implement: doors (net, gateway)
// answer and publish, security authorises. All are called on the bus thread and must not block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/strong.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

// A connection as the door's admission numbered it: unique for the life of the process, never a peer's own
// claim.
using ConnectionId = Strong<struct ConnectionTag>;

// Where a reply goes: the frames up to and including the first empty one, given back as they came.
struct ReplyTo {
  ConnectionId connection;
  std::string routing_id;
  std::vector<std::string> envelope;  // frames between the routing id and the empty one; usually none
};

class ReplySink {
 public:
  virtual ~ReplySink() = default;
  // Takes one reply. A peer that cannot take it is dropped by the door, with everything it has in flight.
  virtual void reply(const ReplyTo& to, std::string payload) = 0;
  // Where that connection comes from, for people; empty when the door cannot tell.
  [[nodiscard]] virtual std::string origin_of(ConnectionId) { return {}; }
};

class Feed {
 public:
  virtual ~Feed() = default;
  // One frame (topic and body) to every subscriber of its topic on that lane.
  virtual void publish(Lane lane, std::string frame) = 0;
};

struct Principal {
  std::string name;
};

enum class Right : std::uint8_t { read, write, admin };

class Authoriser {
 public:
  virtual ~Authoriser() = default;
  // Who asks. Errors: unauthenticated.
  [[nodiscard]] virtual Result<const Principal*> authenticate(ConnectionId connection,
                                                              std::optional<std::string_view> token) = 0;
  // May this principal do that in `ns`? Errors: permission_denied.
  [[nodiscard]] virtual Result<void> authorise(const Principal& principal, Right right,
                                               std::string_view ns) = 0;
};

// Without security everybody is `anonymous` with all rights.
class OpenAuthoriser final : public Authoriser {
 public:
  Result<const Principal*> authenticate(ConnectionId, std::optional<std::string_view>) override {
    return &anonymous_;
  }
  Result<void> authorise(const Principal&, Right, std::string_view) override { return {}; }

 private:
  Principal anonymous_{"anonymous"};
};

}  // namespace prismbus
