// What the pipeline is told once at its start. The daemon fills it from its settings table; tests by hand.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "broker/store/space.hpp"
#include "proto/base/strong.hpp"
#include "proto/seal/stream_key.hpp"

namespace prismbus {

// What may wait inside of one principal who showed a token, over all his connections; 0 = no bound of his
// own. A publisher fills four connections, and nobody more than half of the house.
struct PrincipalBounds {
  std::size_t requests_max = 65'536, bytes_max = 128u << 20;
};

struct PipelineSettings {
  std::string server = "prismbus";  // name and version, told in `hello`
  Run run;
  std::vector<std::string> changes, express;  // endpoints as bound, told in `hello`
  std::optional<StreamKey> stream_master;     // set: what is published is sealed
  bool stream_curve = false;                  // whether the streams speak CURVE, told in `hello`
  std::chrono::milliseconds heartbeat{1000};
  std::chrono::milliseconds ack{1000};

  std::size_t batch_bytes_max = 4u << 20;  // of one group commit: a small put waits behind at most one
  std::size_t batch_txns_max = 8192;
  std::size_t pending_bytes_max = 64u << 20;  // sequenced, not yet durable; more is `overloaded`
  std::size_t recent_changes_max = 160'000;   // replayed at start: bounds the time to the first answer
  std::size_t recent_bytes_max = 160u << 20;
  std::size_t parked_max = 65'536;  // requests waiting for a revision or a durable write
  std::size_t connection_in_flight_max = 16'384;
  // Requests kept as they came until a revision or another write is there: of one connection, and of all. One
  // that waits so is rare; 3 of the largest, or 32,000 of a kilobyte.
  std::size_t connection_waiting_bytes_max = 32u << 20, waiting_bytes_max = 256u << 20;
  PrincipalBounds principal;
  std::size_t reads_waiting_max = 8192;  // for the reader thread; a quarter of them of one connection
  std::size_t markers_per_second = 2'000;
  std::size_t frame_bytes_target = 64u << 10;  // change sets of one namespace are coalesced up to this
  std::chrono::milliseconds no_space_probe{500};
  SpaceSettings space;
};

// Requests a second; 0 = as many as come.
struct RateSettings {
  std::size_t address_requests_per_second = 0, principal_requests_per_second = 0;
};

// What of it may change while the broker serves.
struct LiveSettings {
  std::size_t recent_changes_max = 160'000, recent_bytes_max = 160u << 20;
  SpaceSettings space;
  RateSettings rates{};
  PrincipalBounds principal{};
};

}  // namespace prismbus
