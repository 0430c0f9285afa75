#include "broker/daemon/room_settings.hpp"

#include "proto/base/assert.hpp"
#include "proto/base/random.hpp"
#include "proto/transport/endpoint.hpp"

namespace prismbus {
namespace {

// In `hello` a wildcard address is a `*`: the client puts the host there that it used for requests.
std::string told_endpoint(std::string bound) {
  for (const std::string_view wildcard : {"tcp://0.0.0.0:", "tcp://[::]:"}) {
    if (bound.starts_with(wildcard)) return "tcp://*:" + bound.substr(wildcard.size());
  }
  return bound;
}

SpaceSettings space_settings(const Settings& settings) {
  return {settings.store_quota, settings.free_space_floor};
}

PrincipalBounds principal_bounds(const Settings& settings) {
  return {settings.principal_waiting_requests_max, settings.principal_waiting_bytes_max};
}

// The fold lets a fresh broker answer whoever came back before it takes half of the machine.
constexpr std::chrono::milliseconds kFoldStartHold{500};

}  // namespace

LocalSequencerSettings sequencer_settings(const Settings& settings) {
  LocalSequencerSettings out;
  out.batch_bytes_max = settings.batch_bytes_max;
  return out;
}

PipelineSettings pipeline_settings(const Settings& settings, const StreamDoors& streams,
                                   const SecurityFiles* security) {
  PipelineSettings out;
  out.server = std::string("prismbus ") + PRISMBUS_VERSION;
  out.run = Run(random_u64());
  for (const auto& door : streams.all()) {
    auto& told = door->lane() == Lane::express ? out.express : out.changes;
    for (const std::string& endpoint : door->endpoints()) told.push_back(told_endpoint(endpoint));
  }
  if (security != nullptr) {
    out.stream_master = security->stream_master;
    out.stream_curve = settings.stream_curve;
  }
  out.heartbeat = settings.heartbeat;
  out.batch_bytes_max = settings.batch_bytes_max;
  out.recent_changes_max = settings.recent_changes_max;
  out.recent_bytes_max = settings.recent_bytes_max;
  out.space = space_settings(settings);
  out.reads_waiting_max = settings.reads_waiting_max;
  out.connection_waiting_bytes_max = settings.connection_waiting_bytes_max;
  out.principal = principal_bounds(settings);
  return out;
}

RetentionSettings retention_settings(const Settings& settings) {
  return {settings.retention_revisions, settings.retention_age, settings.retention_age_min};
}

LiveSettings live_settings(const Settings& settings) {
  return {settings.recent_changes_max,
          settings.recent_bytes_max,
          space_settings(settings),
          {settings.address_requests_per_second, settings.principal_requests_per_second},
          principal_bounds(settings)};
}

GatewaySettings gateway_settings(const Settings& settings) {
  const auto at = Endpoint::parse(settings.gateway, Endpoint::Use::bind);
  PRISMBUS_ASSERT(at.has_value(), "the setting was checked");
  return {at->host(),
          at->port(),
          settings.gateway_hosts,
          settings.gateway_origins,
          settings.gateway_connections_max,
          {settings.gateway_tls_cert, settings.gateway_tls_key, settings.gateway_tls_client_ca}};
}

ConnectionLimits connection_limits(const Settings& settings) {
  return {settings.connections_max, settings.address_connections_max};
}

FoldSettings fold_settings(const Settings& settings) {
  FoldSettings out;
  out.changes_max = settings.fold_changes_max;
  out.changes_min = settings.fold_changes_min;
  out.wait_max = settings.fold_wait;
  out.start_hold = kFoldStartHold;
  out.retention = retention_settings(settings);
  return out;
}

}  // namespace prismbus
