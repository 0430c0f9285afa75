// The SUB sockets of the lanes: opens, subscribes, receives, unseals and decodes. Owned by the subscriber's
// background thread. Libzmq renews subscriptions on a re-made connection only when the SUB is touched: step()
// does, at least each 100 ms.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/log.hpp"
#include "proto/transport/socket.hpp"
#include "subscriber/stream/key_ring.hpp"
#include "subscriber/sync/sync_state.hpp"

namespace prismbus {

class StreamInbox {
 public:
  StreamInbox(Context& context, LogSink log) : context_(&context), log_(std::move(log)) {}

  // Closes the lane's former socket and connects to the first of `endpoints` that can be reached from here.
  void open(Lane lane, const std::vector<std::string>& endpoints, const Endpoint& requests,
            const Curve& curve);
  void close(Lane lane);
  void subscribe(Lane lane, const std::string& topic);
  void unsubscribe(Lane lane, const std::string& topic);

  // Hands what arrived to `sync`, opened by `ring`, a bounded number of frames. True when it stopped at the
  // bound.
  bool step(SyncState& sync, KeyRing& ring, Now now);
  // Hands on what an answer to `keys` made readable, and what it says is lost. Before the next step().
  void take_opened(SyncState& sync, KeyRing& ring, Now now);
  // For zmq_poll; null = closed.
  [[nodiscard]] void* pollable(Lane lane) const;

  struct Counters {
    std::uint64_t frames = 0, dropped = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  void on_frame(Lane lane, std::string_view frame, SyncState& sync, KeyRing& ring, Now now);
  void on_body(Lane lane, std::string_view ns, std::string_view body, SyncState& sync, Now now);

  Context* context_;
  LogSink log_;
  std::array<std::optional<Socket>, 2> sockets_;
  Counters counters_;
};

}  // namespace prismbus
