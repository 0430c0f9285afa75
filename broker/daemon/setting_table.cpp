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
     "Where journal and state are kept; made when it is not there. Required."},
    {"--requests", "PRISMBUS_REQUESTS", "requests", "tcp://127.0.0.1:7400", false,
     EndpointsField{&S::requests},
     "Endpoint of the request socket; repeatable; tcp:// (port 0 or *: any free one) or ipc://."},
    {"--changes", "PRISMBUS_CHANGES", "changes", "tcp://127.0.0.1:7401", false, EndpointsField{&S::changes},
     "Endpoint of the change stream; repeatable; as --requests."},
    {"--express", "PRISMBUS_EXPRESS", "express", "", false, EndpointsField{&S::express},
     "Endpoint of the express lane, on an I/O thread of its own; repeatable; as --requests. None by "
     "default."},
    {"--gateway", "PRISMBUS_GATEWAY", "gateway", "", false, HttpAddressField{&S::gateway, &S::gateway_https},
     "Address of the HTTP gateway, such as http://127.0.0.1:7480 or https://0.0.0.0:7480 (port 0: any free "
     "one). None by default."},
    {"--gateway-hosts", "PRISMBUS_GATEWAY_HOSTS", "gateway_hosts", "", false, NamesField{&S::gateway_hosts},
     "Names that the gateway is known by; repeatable. Requests with another `Host` than these, its address "
     "and "
     "loopback are refused."},
    {"--gateway-origins", "PRISMBUS_GATEWAY_ORIGINS", "gateway_origins", "", false,
     NamesField{&S::gateway_origins},
     "Sites whose pages may use the gateway, such as https://console.example.com; repeatable."},
    {"--gateway-tls-cert", "PRISMBUS_GATEWAY_TLS_CERT", "gateway_tls_cert", "", false,
     TextField{&S::gateway_tls_cert},
     "With an https gateway: PEM file of its certificate, followed by those that lead to a root. This file "
     "and the next two are taken anew as soon as they change."},
    {"--gateway-tls-key", "PRISMBUS_GATEWAY_TLS_KEY", "gateway_tls_key", "", false,
     TextField{&S::gateway_tls_key},
     "... of its private key: not encrypted, and nobody else may read the file."},
    {"--gateway-tls-client-ca", "PRISMBUS_GATEWAY_TLS_CLIENT_CA", "gateway_tls_client_ca", "", false,
     TextField{&S::gateway_tls_client_ca},
     "... of those who sign the certificates of clients, which then all have to show one. What they may is "
     "still for tokens to say."},
    {"--gateway-connections-max", "PRISMBUS_GATEWAY_CONNECTIONS_MAX", "gateway_connections_max", "10000",
     false, NumberField{&S::gateway_connections_max, 1, 1'000'000},
     "Connections of the gateway at once; more are told 503 and closed."},
    {"--ready-file", "PRISMBUS_READY_FILE", "ready_file", "", false, TextField{&S::ready_file},
     "Written as JSON once the broker serves: its pid and the endpoints really bound."},
    {"--insecure", "PRISMBUS_INSECURE", "insecure", "false", false, SwitchField{&S::insecure},
     "Allow endpoints that other machines reach: anybody there may read and write everything."},
    {"--security", "PRISMBUS_SECURITY", "security", "", false, TextField{&S::security},
     "Directory that `prismbus init --secure` made: connections are encrypted, everybody shows a token, and "
     "the "
     "stream is sealed. Without it there is no security."},
    {"--stream-curve", "PRISMBUS_STREAM_CURVE", "stream_curve", "true", false, SwitchField{&S::stream_curve},
     "With --security: the sealed stream is encrypted once more for each subscriber, so that only who knows "
     "the "
     "broker's key connects. false on networks that are trusted: faster, names and sizes are seen."},
    {"--token-issuer", "PRISMBUS_TOKEN_ISSUER", "token_issuer", "", false, TextField{&S::token_issuer},
     "With --security: what `iss` of a token has to be."},
    {"--token-audience", "PRISMBUS_TOKEN_AUDIENCE", "token_audience", "", false,
     TextField{&S::token_audience}, "With --security: what `aud` of a token has to name."},
    {"--audit-dir", "PRISMBUS_AUDIT_DIR", "audit_dir", "", false, TextField{&S::audit_dir},
     "With --security: where the audit file is kept; made when it is not there. Without it: `audit` in the "
     "data "
     "directory. While it cannot be written, what needs admin is refused."},
    {"--map-bytes", "PRISMBUS_MAP_BYTES", "map_bytes", "64GiB", false,
     NumberField{&S::map_bytes, kMiB, 16 * kTiB, true},
     "Address space reserved for each of journal and state: the most they can grow to, not disk in use."},
    {"--store-quota", "PRISMBUS_STORE_QUOTA", "store_quota", "0", true,
     NumberField{&S::store_quota, 0, 16 * kTiB, true},
     "Bytes of journal and state in use; what would exceed it is read_only. 0: none. Deletes have their "
     "reserve."},
    {"--free-space-floor", "PRISMBUS_FREE_SPACE_FLOOR", "free_space_floor", "64MiB", true,
     NumberField{&S::free_space_floor, 0, 16 * kTiB, true},
     "What stays free in the file system; reusable pages of the store count as free. Backups keep it too."},
    {"--backup-dir", "PRISMBUS_BACKUP_DIR", "backup_dir", "", false, TextField{&S::backup_dir},
     "Where the op `backup` writes; made when it is not there. Without it there are no backups."},
    {"--heartbeat-ms", "PRISMBUS_HEARTBEAT_MS", "heartbeat_ms", "1000", false,
     MillisecondsField{&S::heartbeat, 10, 30'000}, "Interval of the heartbeat on the change stream."},
    {"--subscriber-frames-max", "PRISMBUS_SUBSCRIBER_FRAMES_MAX", "subscriber_frames_max", "20000", false,
     NumberField{&S::subscriber_frames_max, 100, 10'000'000},
     "Frames queued for one slow subscriber; what exceeds it is lost to that one, which then catches up."},
    {"--batch-bytes-max", "PRISMBUS_BATCH_BYTES_MAX", "batch_bytes_max", "4MiB", false,
     NumberField{&S::batch_bytes_max, 4 * kKiB, 64 * kMiB, true},
     "Of one group commit: a small write waits behind at most one of them."},
    {"--recent-changes-max", "PRISMBUS_RECENT_CHANGES_MAX", "recent_changes_max", "160000", true,
     NumberField{&S::recent_changes_max, 1'000, 10'000'000},
     "Changes durable but not yet in the state; more are refused. Replayed at start, so it bounds that too."},
    {"--recent-bytes-max", "PRISMBUS_RECENT_BYTES_MAX", "recent_bytes_max", "160MiB", true,
     NumberField{&S::recent_bytes_max, 16 * kMiB, 64 * kGiB, true}, "The same in bytes of memory."},
    {"--connections-max", "PRISMBUS_CONNECTIONS_MAX", "connections_max", "0", true,
     NumberField{&S::connections_max, 0, 1'000'000},
     "Connections at once, requests and streams together; more are cut as they come. 0: as descriptors "
     "allow."},
    {"--address-connections-max", "PRISMBUS_ADDRESS_CONNECTIONS_MAX", "address_connections_max", "0", true,
     NumberField{&S::address_connections_max, 0, 1'000'000},
     "... and of one address (IP, not port). 0: as many as come."},
    {"--address-requests-per-second", "PRISMBUS_ADDRESS_REQUESTS_PER_SECOND", "address_requests_per_second",
     "0", true, NumberField{&S::address_requests_per_second, 0, 10'000'000},
     "Requests of one address, acks among them; more are overloaded, and who goes on is cut. 0: no limit."},
    {"--principal-requests-per-second", "PRISMBUS_PRINCIPAL_REQUESTS_PER_SECOND",
     "principal_requests_per_second", "0", true,
     NumberField{&S::principal_requests_per_second, 0, 10'000'000},
     "... and of one principal, over all his connections. 0: no limit."},
    {"--connection-waiting-bytes-max", "PRISMBUS_CONNECTION_WAITING_BYTES_MAX",
     "connection_waiting_bytes_max", "32MiB", false,
     NumberField{&S::connection_waiting_bytes_max, kMiB, 256 * kMiB, true},
     "Bytes of one connection's requests that wait for a revision or another write; more are overloaded."},
    {"--principal-waiting-requests-max", "PRISMBUS_PRINCIPAL_WAITING_REQUESTS_MAX",
     "principal_waiting_requests_max", "65536", true,
     NumberField{&S::principal_waiting_requests_max, 0, 10'000'000},
     "With --security: requests of one principal that wait inside, over all his connections; more are "
     "overloaded. 0: no limit."},
    {"--principal-waiting-bytes-max", "PRISMBUS_PRINCIPAL_WAITING_BYTES_MAX", "principal_waiting_bytes_max",
     "128MiB", true, NumberField{&S::principal_waiting_bytes_max, 0, 256 * kMiB, true},
     "... and their bytes, as of --connection-waiting-bytes-max. 0: no limit."},
    {"--reads-waiting-max", "PRISMBUS_READS_WAITING_MAX", "reads_waiting_max", "8192", false,
     NumberField{&S::reads_waiting_max, 16, 1'000'000},
     "Paged reads that wait for their turn, a quarter of them of one connection; more are `overloaded`."},
    {"--cached-chunks-bytes-max", "PRISMBUS_CACHED_CHUNKS_BYTES_MAX", "cached_chunks_bytes_max", "64MiB",
     false, NumberField{&S::cached_chunks_bytes_max, 0, 64 * kGiB, true},
     "Snapshot chunks kept encoded, for many that join at once."},
    {"--cached-changes-bytes-max", "PRISMBUS_CACHED_CHANGES_BYTES_MAX", "cached_changes_bytes_max", "32MiB",
     false, NumberField{&S::cached_changes_bytes_max, 0, 64 * kGiB, true},
     "Change sets read from disk that are kept, for many that catch up at once."},
    {"--fold-changes-min", "PRISMBUS_FOLD_CHANGES_MIN", "fold_changes_min", "30000", false,
     NumberField{&S::fold_changes_min, 1, 10'000'000},
     "The state takes changes in when this many wait, or --fold-wait-ms is over."},
    {"--fold-changes-max", "PRISMBUS_FOLD_CHANGES_MAX", "fold_changes_max", "60000", false,
     NumberField{&S::fold_changes_max, 1, 100'000}, "... and at most this many in one of its transactions."},
    {"--fold-wait-ms", "PRISMBUS_FOLD_WAIT_MS", "fold_wait_ms", "2000", false,
     MillisecondsField{&S::fold_wait, 0, 3'600'000},
     "The longest that a change waits to be taken into the state."},
    {"--retention-revisions", "PRISMBUS_RETENTION_REVISIONS", "retention_revisions", "1000000", true,
     NumberField{&S::retention_revisions, 1, 1'000'000'000'000},
     "History kept: at least this many revisions, and at least --retention-age; whichever is more."},
    {"--retention-age", "PRISMBUS_RETENTION_AGE", "retention_age", "90d", true,
     AgeField{&S::retention_age, kHundredYears},
     "... and everything younger than this (such as 90d or 12h)."},
    {"--retention-age-min", "PRISMBUS_RETENTION_AGE_MIN", "retention_age_min", "1h", true,
     AgeField{&S::retention_age_min, kHundredYears},
     "Kept whatever the two above say: so long a repeated request surely gets its first outcome."},
    {"--log-level", "PRISMBUS_LOG_LEVEL", "log_level", "info", true, LevelField{&S::log_level},
     "The least that is logged: debug, info, warn or error."},
}};

struct RangeText {
  std::string operator()(const TextField&) const { return "a path"; }
  std::string operator()(const EndpointsField&) const { return "endpoints"; }
  std::string operator()(const HttpAddressField&) const { return "http://host:port or https://host:port"; }
  std::string operator()(const NamesField&) const { return "names"; }
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

}  // namespace

std::span<const SettingRow> setting_table() {
  return kTable;
}

std::string range_of(const SettingRow& row) {
  return std::visit(RangeText{}, row.field);
}

}  // namespace prismbus
