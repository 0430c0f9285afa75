// The table of settings, and the text of its ranges.
#include <array>

#include "broker/daemon/setting_text.hpp"
#include "broker/daemon/settings.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kKiB = 1024, kMiB = kKiB * 1024, kGiB = kMiB * 1024, kTiB = kGiB * 1024;

constexpr std::uint64_t kHundredYears = 100ULL * 365 * 86'400;  // in seconds

using S = Settings;
const std::array<SettingRow, 44> kTable{{
    {"--data-dir", "PRISMBUS_DATA_DIR", "data_dir", "", false, TextField{&S::data_dir},
     "Where the data is kept. Created if it does not exist. Required."},
    {"--requests", "PRISMBUS_REQUESTS", "requests", "tcp://127.0.0.1:7400", false,
     EndpointsField{&S::requests},
     "Endpoint for requests, tcp:// (port 0 or *: any free one) or ipc://; repeatable."},
    {"--changes", "PRISMBUS_CHANGES", "changes", "tcp://127.0.0.1:7401", false, EndpointsField{&S::changes},
     "Endpoint of the change stream, as --requests; repeatable."},
    {"--express", "PRISMBUS_EXPRESS", "express", "", false, EndpointsField{&S::express},
     "Endpoint of the express lane, which has an I/O thread of its own; as --requests; repeatable. None by "
     "default."},
    {"--gateway", "PRISMBUS_GATEWAY", "gateway", "", false, HttpAddressField{&S::gateway, &S::gateway_https},
     "Address of the HTTP gateway, such as http://127.0.0.1:7480 or https://0.0.0.0:7480 (port 0: any free "
     "one). None by default."},
    {"--gateway-hosts", "PRISMBUS_GATEWAY_HOSTS", "gateway_hosts", "", false, HostsField{&S::gateway_hosts},
     "A name the gateway goes by; repeatable. Requests whose `Host` is neither one of these nor its address "
     "nor loopback are refused."},
    {"--gateway-origins", "PRISMBUS_GATEWAY_ORIGINS", "gateway_origins", "", false,
     OriginsField{&S::gateway_origins},
     "A site whose pages may use the gateway, such as https://console.example.com; repeatable."},
    {"--gateway-tls-cert", "PRISMBUS_GATEWAY_TLS_CERT", "gateway_tls_cert", "", false,
     TextField{&S::gateway_tls_cert},
     "For an https gateway: PEM file with its certificate, followed by the chain. This file and the next two "
     "are read again when they change."},
    {"--gateway-tls-key", "PRISMBUS_GATEWAY_TLS_KEY", "gateway_tls_key", "", false,
     TextField{&S::gateway_tls_key},
     "For an https gateway: PEM file with its private key. It must not be encrypted, and nobody else may "
     "read it."},
    {"--gateway-tls-client-ca", "PRISMBUS_GATEWAY_TLS_CLIENT_CA", "gateway_tls_client_ca", "", false,
     TextField{&S::gateway_tls_client_ca},
     "For an https gateway: PEM file with the authorities whose client certificates are accepted. Every "
     "client then has to show one; what it may do is still up to its token."},
    {"--gateway-connections-max", "PRISMBUS_GATEWAY_CONNECTIONS_MAX", "gateway_connections_max", "10000",
     false, NumberField{&S::gateway_connections_max, 1, 1'000'000},
     "Connections to the gateway at once. More are answered 503 and closed."},
    {"--ready-file", "PRISMBUS_READY_FILE", "ready_file", "", false, TextField{&S::ready_file},
     "Written as JSON once the broker serves: its pid and the endpoints it is bound to."},
    {"--insecure", "PRISMBUS_INSECURE", "insecure", "false", false, SwitchField{&S::insecure},
     "Allow endpoints that other machines can reach without security: anybody there may read and write "
     "everything."},
    {"--security", "PRISMBUS_SECURITY", "security", "", false, TextField{&S::security},
     "Directory made by `prismbus init --secure`: connections are encrypted, everybody needs a token, and "
     "the stream is sealed. Without it there is no security."},
    {"--stream-curve", "PRISMBUS_STREAM_CURVE", "stream_curve", "true", false, SwitchField{&S::stream_curve},
     "With --security: encrypt the sealed stream once more for each subscriber, so that only those who know "
     "the broker's key can connect. false is faster, but shows names and sizes: for trusted networks."},
    {"--token-issuer", "PRISMBUS_TOKEN_ISSUER", "token_issuer", "", false,
     TextField{&S::token_issuer, "text", "TEXT"}, "With --security: the `iss` that a token must have."},
    {"--token-audience", "PRISMBUS_TOKEN_AUDIENCE", "token_audience", "", false,
     TextField{&S::token_audience, "text", "TEXT"}, "With --security: an `aud` that a token must have."},
    {"--audit-dir", "PRISMBUS_AUDIT_DIR", "audit_dir", "", false, TextField{&S::audit_dir},
     "With --security: where the audit file is kept. Created if it does not exist; `audit` in the data "
     "directory by default. While it cannot be written, whatever needs admin is refused."},
    {"--map-bytes", "PRISMBUS_MAP_BYTES", "map_bytes", "64GiB", false,
     NumberField{&S::map_bytes, kMiB, 16 * kTiB, true},
     "Address space reserved for the journal, and again for the state: the most each can grow to. It takes "
     "no disk space."},
    {"--store-quota", "PRISMBUS_STORE_QUOTA", "store_quota", "0", true,
     NumberField{&S::store_quota, 0, 16 * kTiB, true},
     "The most that journal and state may use together. Beyond it, writes are read_only; deletes have a "
     "reserve. 0: no quota."},
    {"--free-space-floor", "PRISMBUS_FREE_SPACE_FLOOR", "free_space_floor", "64MiB", true,
     NumberField{&S::free_space_floor, 0, 16 * kTiB, true},
     "What has to stay free in the file system, for writes and for backups. Pages the store can reuse count "
     "as free."},
    {"--backup-dir", "PRISMBUS_BACKUP_DIR", "backup_dir", "", false, TextField{&S::backup_dir},
     "Where `prismbus backup` writes. Created if it does not exist. Without it there are no backups."},
    {"--heartbeat-ms", "PRISMBUS_HEARTBEAT_MS", "heartbeat_ms", "1000", false,
     MillisecondsField{&S::heartbeat, 10, 30'000},
     "Interval of the heartbeat on the change stream, in milliseconds."},
    {"--subscriber-frames-max", "PRISMBUS_SUBSCRIBER_FRAMES_MAX", "subscriber_frames_max", "20000", false,
     NumberField{&S::subscriber_frames_max, 100, 10'000'000},
     "Frames queued for a slow subscriber. What exceeds that is lost to it, and it catches up."},
    {"--batch-bytes-max", "PRISMBUS_BATCH_BYTES_MAX", "batch_bytes_max", "4MiB", false,
     NumberField{&S::batch_bytes_max, 4 * kKiB, 64 * kMiB, true},
     "Size of one group commit. A small write waits behind at most one of them."},
    {"--recent-changes-max", "PRISMBUS_RECENT_CHANGES_MAX", "recent_changes_max", "160000", true,
     NumberField{&S::recent_changes_max, 1'000, 10'000'000},
     "Changes that are durable but not yet in the state. More are refused as overloaded. They are replayed "
     "at start, so this bounds the start too."},
    {"--recent-bytes-max", "PRISMBUS_RECENT_BYTES_MAX", "recent_bytes_max", "160MiB", true,
     NumberField{&S::recent_bytes_max, 16 * kMiB, 64 * kGiB, true}, "The same, in bytes of memory."},
    {"--connections-max", "PRISMBUS_CONNECTIONS_MAX", "connections_max", "0", true,
     NumberField{&S::connections_max, 0, 1'000'000},
     "Connections at once, requests and streams together. More are cut as they come. 0: as many as "
     "descriptors allow."},
    {"--address-connections-max", "PRISMBUS_ADDRESS_CONNECTIONS_MAX", "address_connections_max", "0", true,
     NumberField{&S::address_connections_max, 0, 1'000'000},
     "Connections at once from one IP address. 0: no limit."},
    {"--address-requests-per-second", "PRISMBUS_ADDRESS_REQUESTS_PER_SECOND", "address_requests_per_second",
     "0", true, NumberField{&S::address_requests_per_second, 0, 10'000'000},
     "Requests a second from one IP address, acks included. More are overloaded, and whoever goes on is cut. "
     "0: no limit."},
    {"--principal-requests-per-second", "PRISMBUS_PRINCIPAL_REQUESTS_PER_SECOND",
     "principal_requests_per_second", "0", true,
     NumberField{&S::principal_requests_per_second, 0, 10'000'000},
     "Requests a second from one principal, over all its connections. 0: no limit."},
    {"--connection-waiting-bytes-max", "PRISMBUS_CONNECTION_WAITING_BYTES_MAX",
     "connection_waiting_bytes_max", "32MiB", false,
     NumberField{&S::connection_waiting_bytes_max, kMiB, 256 * kMiB, true},
     "Bytes of one connection's requests that wait for a revision or for another write. More are "
     "overloaded."},
    {"--principal-waiting-requests-max", "PRISMBUS_PRINCIPAL_WAITING_REQUESTS_MAX",
     "principal_waiting_requests_max", "65536", true,
     NumberField{&S::principal_waiting_requests_max, 0, 10'000'000},
     "With --security: requests of one principal that wait inside, over all its connections. More are "
     "overloaded. 0: no limit."},
    {"--principal-waiting-bytes-max", "PRISMBUS_PRINCIPAL_WAITING_BYTES_MAX", "principal_waiting_bytes_max",
     "128MiB", true, NumberField{&S::principal_waiting_bytes_max, 0, 256 * kMiB, true},
     "With --security: bytes of one principal's waiting requests, as --connection-waiting-bytes-max. 0: no "
     "limit."},
    {"--reads-waiting-max", "PRISMBUS_READS_WAITING_MAX", "reads_waiting_max", "8192", false,
     NumberField{&S::reads_waiting_max, 16, 1'000'000},
     "Paged reads that wait for their turn, at most a quarter of them from one connection. More are "
     "overloaded."},
    {"--cached-chunks-bytes-max", "PRISMBUS_CACHED_CHUNKS_BYTES_MAX", "cached_chunks_bytes_max", "64MiB",
     false, NumberField{&S::cached_chunks_bytes_max, 0, 64 * kGiB, true},
     "Memory for encoded snapshot chunks, which serves many subscribers that join at once."},
    {"--cached-changes-bytes-max", "PRISMBUS_CACHED_CHANGES_BYTES_MAX", "cached_changes_bytes_max", "32MiB",
     false, NumberField{&S::cached_changes_bytes_max, 0, 64 * kGiB, true},
     "Memory for change sets read from disk, which serves many subscribers that catch up at once."},
    {"--fold-changes-min", "PRISMBUS_FOLD_CHANGES_MIN", "fold_changes_min", "30000", false,
     NumberField{&S::fold_changes_min, 1, 10'000'000},
     "Changes are folded into the state when this many wait, or after --fold-wait-ms."},
    {"--fold-changes-max", "PRISMBUS_FOLD_CHANGES_MAX", "fold_changes_max", "60000", false,
     NumberField{&S::fold_changes_max, 1, 100'000},
     "Changes folded into the state in one transaction, at most."},
    {"--fold-wait-ms", "PRISMBUS_FOLD_WAIT_MS", "fold_wait_ms", "2000", false,
     MillisecondsField{&S::fold_wait, 0, 3'600'000},
     "The longest that a change waits to be folded into the state, in milliseconds."},
    {"--retention-revisions", "PRISMBUS_RETENTION_REVISIONS", "retention_revisions", "1000000", true,
     NumberField{&S::retention_revisions, 1, 1'000'000'000'000},
     "History to keep: this many revisions, or everything younger than --retention-age, whichever is more."},
    {"--retention-age", "PRISMBUS_RETENTION_AGE", "retention_age", "90d", true,
     AgeField{&S::retention_age, kHundredYears},
     "History to keep: everything younger than this, such as 90d or 12h, or --retention-revisions, whichever "
     "is more."},
    {"--retention-age-min", "PRISMBUS_RETENTION_AGE_MIN", "retention_age_min", "1h", true,
     AgeField{&S::retention_age_min, kHundredYears},
     "History that is kept whatever the two above say. For this long a repeated request is sure to get its "
     "first outcome."},
    {"--log-level", "PRISMBUS_LOG_LEVEL", "log_level", "info", true, LevelField{&S::log_level},
     "The lowest level that is logged: debug, info, warn or error."},
}};

struct RangeText {
  std::string operator()(const TextField& f) const { return std::string(f.what); }
  std::string operator()(const EndpointsField&) const { return "tcp://host:port or ipc://path"; }
  std::string operator()(const HttpAddressField&) const { return "http://host:port or https://host:port"; }
  std::string operator()(const HostsField&) const { return "names or addresses, without a port"; }
  std::string operator()(const OriginsField&) const { return "https://host or https://host:port"; }
  std::string operator()(const SwitchField&) const { return "true or false"; }
  std::string operator()(const LevelField&) const { return "debug, info, warn or error"; }
  std::string operator()(const NumberField& f) const {
    if (f.bytes) return bytes_text(f.least) + " to " + bytes_text(f.most);
    return std::to_string(f.least) + " to " + std::to_string(f.most);
  }
  std::string operator()(const AgeField& f) const { return "0 to " + age_text(f.most); }
  std::string operator()(const MillisecondsField& f) const {
    return std::to_string(f.least) + " to " + std::to_string(f.most) + " ms";
  }
};

struct ValueName {
  std::string_view operator()(const TextField& f) const { return f.name; }
  std::string_view operator()(const EndpointsField&) const { return "ENDPOINT"; }
  std::string_view operator()(const HttpAddressField&) const { return "URL"; }
  std::string_view operator()(const HostsField&) const { return "NAME"; }
  std::string_view operator()(const OriginsField&) const { return "SITE"; }
  std::string_view operator()(const SwitchField&) const { return ""; }
  std::string_view operator()(const LevelField&) const { return "LEVEL"; }
  std::string_view operator()(const NumberField& f) const { return f.bytes ? "SIZE" : "N"; }
  std::string_view operator()(const AgeField&) const { return "TIME"; }
  std::string_view operator()(const MillisecondsField&) const { return "MS"; }
};

}  // namespace

std::span<const SettingRow> setting_table() {
  return kTable;
}

std::string range_of(const SettingRow& row) {
  return std::visit(RangeText{}, row.field);
}

bool has_range(const SettingRow& row) {
  return std::holds_alternative<NumberField>(row.field) ||
         std::holds_alternative<MillisecondsField>(row.field) || std::holds_alternative<AgeField>(row.field);
}

std::string_view value_name(const SettingRow& row) {
  return std::visit(ValueName{}, row.field);
}

}  // namespace prismbus
