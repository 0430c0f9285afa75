#include "broker/gateway/metrics_text.hpp"

#include <prometheus/text_serializer.h>

#include <array>
#include <optional>

namespace prismbus {
namespace {

using Type = MetricRow::Type;

constexpr double kMilli = 1000;

const auto kRows = std::to_array<MetricRow>({
    {"applied", "prismbus_applied_revision", Type::gauge, "The revision that reads are answered at."},
    {"folded", "prismbus_folded_revision", Type::gauge,
     "The revision up to which the state on disk is written."},
    {"floor", "prismbus_history_floor_revision", Type::gauge, "The lowest revision that can still be read."},
    {"uptime_ms", "prismbus_uptime_seconds", Type::gauge, "Since the broker began to serve.", kMilli},
    {"read_only", "prismbus_read_only", Type::gauge, "1 while writes are refused."},
    {"backup", "prismbus_backup_running", Type::gauge, "1 while a backup is written."},
    {"recent_changes", "prismbus_recent_changes", Type::gauge, "Changes applied and not yet in the state."},
    {"recent_bytes", "prismbus_recent_bytes", Type::gauge, "Memory that they take."},
    {"pending_writes", "prismbus_pending_writes", Type::gauge, "Writes that are not durable yet."},
    {"pending_bytes", "prismbus_pending_bytes", Type::gauge, "Bytes of those."},
    {"parked", "prismbus_parked_requests", Type::gauge, "Requests that wait for a revision or a write."},
    {"reads_waiting", "prismbus_reads_waiting", Type::gauge, "Paged reads that wait for their turn."},
    {"sessions", "prismbus_write_sessions", Type::gauge, "Sessions of request ids that are remembered."},
    {"followers", "prismbus_followers", Type::gauge, "Connections that follow and acknowledge."},
    {"heartbeat_ms", "prismbus_heartbeat_interval_seconds", Type::gauge, "Of the change stream.", kMilli},
    {"store_used", "prismbus_store_used_bytes", Type::gauge, "Of journal and state in use."},
    {"store_reusable", "prismbus_store_reusable_bytes", Type::gauge,
     "Pages of the store's files that are free."},
    {"disk_free", "prismbus_disk_free_bytes", Type::gauge, "Of the file system that holds the store."},
    {"requests", "prismbus_requests_total", Type::counter, "Requests taken, acknowledgements among them."},
    {"acks", "prismbus_acks_total", Type::counter, "Acknowledgements of followers."},
    {"writes", "prismbus_writes_total", Type::counter, "Transactions sequenced."},
    {"errors", "prismbus_error_replies_total", Type::counter, "Replies that were a refusal."},
    {"frames", "prismbus_stream_frames_total", Type::counter, "Frames published on all lanes."},
    {"sets", "prismbus_stream_change_sets_total", Type::counter, "Change sets published."},
    {"markers", "prismbus_stream_markers_total", Type::counter, "Markers published."},
    {"heartbeats", "prismbus_stream_heartbeats_total", Type::counter, "Heartbeats published."},
    {"barriers", "prismbus_stream_barriers_total", Type::counter, "Barriers answered."},
    {"snapshots", "prismbus_snapshot_chunks_total", Type::counter, "Chunks of snapshots answered."},
    {"changes", "prismbus_changes_pages_total", Type::counter, "Pages of changes answered."},
    {"chunk_hits", "prismbus_chunk_cache_hits_total", Type::counter, "Chunks answered from memory."},
    {"chunk_misses", "prismbus_chunk_cache_misses_total", Type::counter, "Chunks that were made."},
    {"change_hits", "prismbus_change_cache_hits_total", Type::counter,
     "Change sets of the past from memory."},
    {"change_misses", "prismbus_change_cache_misses_total", Type::counter, "Change sets read from the disk."},
    {"connections", "prismbus_connections", Type::gauge, "Connections at all doors at this moment."},
    {"in_flight", "prismbus_in_flight_requests", Type::gauge, "Requests that wait inside, whatever for."},
    {"in_flight_bytes", "prismbus_in_flight_bytes", Type::gauge,
     "Bytes of those that are kept as they came."},
    {"refused_connection_requests", "prismbus_refused_connection_requests_total", Type::counter,
     "Requests over what one connection may have waiting."},
    {"refused_connection_bytes", "prismbus_refused_connection_bytes_requests_total", Type::counter,
     "Requests over the bytes that one connection may have waiting."},
    {"refused_principal_requests", "prismbus_refused_principal_requests_total", Type::counter,
     "Requests over what one principal may have waiting."},
    {"refused_principal_bytes", "prismbus_refused_principal_bytes_requests_total", Type::counter,
     "Requests over the bytes that one principal may have waiting."},
    {"refused_bytes", "prismbus_refused_waiting_bytes_requests_total", Type::counter,
     "Requests over the bytes that all together may have waiting."},
    {"refused_address_rate", "prismbus_refused_address_rate_requests_total", Type::counter,
     "Requests over the rate of an address."},
    {"refused_principal_rate", "prismbus_refused_principal_rate_requests_total", Type::counter,
     "Requests over the rate of a principal."},
    {"refused_connections", "prismbus_refused_connections_total", Type::counter,
     "Connections over the limit of all."},
    {"refused_address_connections", "prismbus_refused_address_connections_total", Type::counter,
     "Connections over the limit of an address."},
    {"refused_descriptors", "prismbus_refused_descriptors_connections_total", Type::counter,
     "Connections for which there were no descriptors."},
    {"refused_keys", "prismbus_refused_keys_connections_total", Type::counter,
     "Connections whose key is not on the list."},
    {"cut_rate", "prismbus_cut_rate_connections_total", Type::counter,
     "Connections cut for going on over a rate."},
    {"cut_flooding", "prismbus_cut_flooding_connections_total", Type::counter,
     "Connections cut for sending faster than is taken."},
    {"cut_not_reading", "prismbus_cut_not_reading_connections_total", Type::counter,
     "Connections cut for not reading their replies."},
    {"cut_endless", "prismbus_cut_endless_connections_total", Type::counter,
     "Connections cut for a message without an end."},
    {"cut_crowding", "prismbus_cut_crowding_connections_total", Type::counter,
     "Connections cut for what they left unfinished when memory ran short."},
    {"cut_oversubscribed", "prismbus_cut_oversubscribed_connections_total", Type::counter,
     "Subscribers cut for sending too much."},
});

// Figures are numbers; what is so or not is 1 or 0.
std::optional<double> number_of(const Value& status, std::string_view name) {
  const Value* figure = status.find(name);
  if (figure == nullptr) return std::nullopt;
  if (const auto* n = figure->as<std::uint64_t>()) return static_cast<double>(*n);
  if (const auto* yes = figure->as<bool>()) return *yes ? 1.0 : 0.0;
  return std::nullopt;
}

prometheus::MetricFamily family_of(const MetricRow& row, double value) {
  prometheus::MetricFamily family;
  family.name = row.name;
  family.help = row.sentence;
  family.type = row.type == Type::counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  prometheus::ClientMetric metric;
  metric.counter.value = metric.gauge.value = value / row.per_unit;
  family.metric.push_back(std::move(metric));
  return family;
}

prometheus::MetricFamily build_info(const std::string& server) {
  prometheus::MetricFamily family;
  family.name = "prismbus_build_info";
  family.help = "1; which version this is.";
  family.type = prometheus::MetricType::Gauge;
  prometheus::ClientMetric metric;
  metric.gauge.value = 1;
  metric.label.push_back({"server", server});
  family.metric.push_back(std::move(metric));
  return family;
}

}  // namespace

std::span<const MetricRow> metric_rows() {
  return kRows;
}

std::string metrics_text(const Value& status) {
  std::vector<prometheus::MetricFamily> families;
  if (const Value* server = status.find("server"); server != nullptr && server->is<std::string>())
    families.push_back(build_info(*server->as<std::string>()));
  for (const MetricRow& row : kRows) {
    if (const auto value = number_of(status, row.figure)) families.push_back(family_of(row, *value));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace prismbus
