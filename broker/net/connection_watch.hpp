// Watches every accepted connection of the bound sockets from outside libzmq, also those that never completed
// a message. Two things nobody else can see: a message that never ends (libzmq shows a message when it is
// whole, and no mark counts what is not) and how many connections there are. Owned by the admission thread.
//
// Of a request connection the kernel says what libzmq has read, and the door (DoorMeter) what it took:
//   read by libzmq at a look   -   taken by the door since it ran dry after that look   =   unfinished then
// for at the moment a door runs dry every whole message that was there has been taken. A subscriber sends so
// little that all it ever sent is bounded. Only connections with traffic are looked at, by an edge-triggered
// epoll that is read every kLook, never slept on while there is some, and the others in turn, some a second.
// tcp only, ipc is counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/net/door_meter.hpp"
#include "broker/net/peer_socket.hpp"
#include "broker/net/socket_monitor.hpp"
#include "proto/base/clock.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {

struct ConnectionLimits {
  std::size_t connections_max = 0, address_connections_max = 0;  // 0 = none
};

struct WatchCounters {
  std::uint64_t accepted = 0;
  std::uint64_t over_connections_max = 0, over_address_max = 0;  // cut at once
  std::uint64_t endless = 0;                                     // cut: its message was not going to end
  std::uint64_t crowding = 0;        // cut: the largest when all unfinished messages together cost too much
  std::uint64_t oversubscribed = 0;  // cut: a subscriber that sent more than topics
};

class ConnectionWatch {
 public:
  // 300 MB/s bring 6 MB in one interval, so a flooder is at most a few of them beyond its bound when it is
  // cut.
  static constexpr std::chrono::milliseconds kLook{20};
  // The largest message that is answered is one frame of kTransportBytes; beside it an envelope finds room.
  static constexpr std::uint64_t kUnfinishedBytesMax = limits::kTransportBytes + (1u << 20);
  // Of all connections together: a dozen of the largest transactions on their way at once.
  static constexpr std::uint64_t kUnfinishedTotalMax = 64u << 20;
  // Small frames cost libzmq up to 32 times their bytes, which shows in the process's memory only: when that
  // grew by so much while messages of some size were unfinished, the largest goes.
  static constexpr std::uint64_t kGrowthMax = 128u << 20, kSomeSize = 1u << 20;
  // All a subscriber may send in the life of a connection: 30,000 topics of the longest kind. One that is cut
  // comes back and subscribes again.
  static constexpr std::uint64_t kSubscriptionBytesMax = 4u << 20;
  // Less than this not taken is a message on its way, and not followed.
  static constexpr std::uint64_t kFollowedBytes = 64u << 10;

  enum class Door : std::uint8_t { requests, stream };

  struct Hooks {
    std::function<void()> ask_door;         // wakes whoever reads the request door, so that it runs dry
    std::function<std::uint64_t()> memory;  // held by the process, in bytes
  };
  // All outlive this.
  ConnectionWatch(Context& context, const DoorMeter& meter, ConnectionLimits limits, Hooks hooks);
  ~ConnectionWatch();
  ConnectionWatch(const ConnectionWatch&) = delete;
  ConnectionWatch& operator=(const ConnectionWatch&) = delete;

  // Before it is bound; the socket outlives this.
  void observe(const BoundSocket& socket, Door door);
  void set_limits(ConnectionLimits limits) { limits_ = limits; }  // for those who come from now on

  // Takes what the monitors tell, and looks when it is time; returns how much there was to do.
  std::size_t step(Steady now);
  // For the agent's sleep. nullopt: until there is traffic, which traffic_fd() tells.
  [[nodiscard]] std::optional<Steady> next_look(Steady now) const;
  [[nodiscard]] int traffic_fd() const { return traffic_; }
  [[nodiscard]] std::vector<void*> monitors() const;

  [[nodiscard]] std::size_t connections() const { return live_; }
  [[nodiscard]] std::uint64_t unfinished() const { return unfinished_; }  // bytes, at the last look
  [[nodiscard]] const WatchCounters& counters() const { return counters_; }

 private:
  struct Observed {
    Door door;
    std::unique_ptr<SocketMonitor> monitor;
  };
  struct Look {
    std::uint64_t received = 0, read = 0, taken = 0, messages = 0, dry = 0;
  };
  struct Watched {
    PeerSocket socket;
    std::size_t observed = 0;  // which of observed_
    std::string address;
    bool live = false;  // counted; not once it was cut
    bool followed = false;
    Look last{};
    std::uint64_t looks = 0;       // looks_ at the last one
    std::uint64_t unfinished = 0;  // proven, at the last but one
  };

  void on_accepted(std::size_t observed, int fd);
  void on_disconnected(std::size_t observed, int fd);
  void admit(Watched& watched);
  void cut(Watched& watched, std::uint64_t& counter);
  void leave(Watched& watched);  // it is not counted any longer
  void forget(int fd);
  std::size_t look();
  void look_at(int fd);
  void look_at_request(int fd, Watched& watched, Look now);
  void bound_the_total();
  [[nodiscard]] bool grew_too_much(const Watched& largest);
  void tend();

  Context& context_;
  const DoorMeter& meter_;
  ConnectionLimits limits_;
  const Hooks hooks_;
  const int traffic_;  // epoll
  std::vector<Observed> observed_;
  std::unordered_map<int, Watched> by_fd_;  // bounded by the process's descriptors
  std::unordered_map<std::string, std::size_t> of_address_;
  std::vector<int> follow_, following_;  // looked at again without traffic: next time, and in this look
  std::size_t live_ = 0, bucket_ = 0;
  std::uint64_t looks_ = 0, unfinished_ = 0;
  std::uint64_t memory_before_ = 0;  // when nothing was followed, or at the last cut
  Steady look_at_{}, tend_at_{};
  WatchCounters counters_;
};

}  // namespace prismbus
