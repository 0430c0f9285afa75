// What an operator can say to prismbusd: one table row per setting, and how rows become a Settings value.
// Built-in default < TOML file < environment < flag. Every mistake is reported, none is repaired: nothing is
// clipped. Pure but for reading the file; start-up only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/base/log.hpp"

namespace prismbus {

struct Settings {
  std::string data_dir;
  std::vector<std::string> requests, changes, express;
  std::string gateway;  // tcp://host:port; empty = none
  bool gateway_https = false;
  std::string gateway_tls_cert, gateway_tls_key;            // with gateway_https: files, both needed
  std::string gateway_tls_client_ca;                        // ... empty = clients show no certificate
  std::vector<std::string> gateway_hosts, gateway_origins;  // besides its own
  std::size_t gateway_connections_max = 0;
  std::string ready_file;  // empty = none
  bool insecure = false;
  std::string security;  // directory of `prismbus init --secure`; empty = no security
  bool stream_curve = true;
  std::string token_issuer, token_audience;  // empty = not asked for
  std::string audit_dir;                     // empty = `audit` in the data directory
  std::size_t map_bytes = 0;
  std::string backup_dir;  // empty = no backups
  std::size_t store_quota = 0, free_space_floor = 0;
  std::chrono::milliseconds heartbeat{};
  std::size_t subscriber_frames_max = 0;
  std::size_t batch_bytes_max = 0;
  std::size_t recent_changes_max = 0, recent_bytes_max = 0;
  std::size_t reads_waiting_max = 0;
  std::size_t connections_max = 0, address_connections_max = 0;                    // 0 = none
  std::size_t address_requests_per_second = 0, principal_requests_per_second = 0;  // 0 = none
  std::size_t connection_waiting_bytes_max = 0;
  std::size_t principal_waiting_requests_max = 0, principal_waiting_bytes_max = 0;  // 0 = none
  std::size_t cached_chunks_bytes_max = 0, cached_changes_bytes_max = 0;
  std::size_t fold_changes_min = 0, fold_changes_max = 0;
  std::chrono::milliseconds fold_wait{};
  std::size_t retention_revisions = 0;
  std::chrono::seconds retention_age{}, retention_age_min{};
  LogLevel log_level = LogLevel::info;
};

// What a row sets and within which limits (both included).
struct TextField {
  std::string Settings::*member;
  std::string_view what = "a path", name = "PATH";  // of its value: in a sentence, in the help
};
struct EndpointsField {
  std::vector<std::string> Settings::*member;
};
struct HttpAddressField {  // host:port, http://host:port or https://..., kept as an endpoint and whether it
                           // is https
  std::string Settings::*member;
  bool Settings::*https;
};
struct HostsField {  // a name or an address each, without a port
  std::vector<std::string> Settings::*member;
};
struct OriginsField {  // http://host[:port] or https://... each, and nothing behind it, as browsers say it
  std::vector<std::string> Settings::*member;
};
struct SwitchField {
  bool Settings::*member;
};
struct LevelField {
  LogLevel Settings::*member;
};
struct NumberField {
  std::size_t Settings::*member;
  std::uint64_t least, most;
  bool bytes = false;  // takes KiB, MiB, GiB, TiB
};
struct MillisecondsField {
  std::chrono::milliseconds Settings::*member;
  std::uint64_t least, most;
};
struct AgeField {
  std::chrono::seconds Settings::*member;
  std::uint64_t most;  // seconds; the least is 0
};
using SettingField = std::variant<TextField, EndpointsField, HttpAddressField, HostsField, OriginsField,
                                  SwitchField, LevelField, NumberField, MillisecondsField, AgeField>;

struct SettingRow {
  std::string_view flag;         // --map-bytes
  std::string_view environment;  // PRISMBUS_MAP_BYTES
  std::string_view key;          // map_bytes, in the file
  std::string_view fallback;     // the default as it would be written; "" = none
  bool live;                     // taken anew on SIGHUP
  SettingField field;
  std::string_view sentence;
};
[[nodiscard]] std::span<const SettingRow> setting_table();
[[nodiscard]] std::string range_of(const SettingRow& row);  // for people: "1MiB to 16TiB", "true or false"
// Whether that says more than value_name(): "SIZE", "PATH", what the help calls a value.
[[nodiscard]] bool has_range(const SettingRow& row);
[[nodiscard]] std::string_view value_name(const SettingRow& row);

// What one source says, as written: flag of the row -> values (several only for a repeatable one).
using SaidSettings = std::map<std::string, std::vector<std::string>, std::less<>>;
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

struct EffectiveSetting {
  std::string_view key;
  std::string value;
  std::string_view from;  // default, file, environment, flag
};
struct SettingsOutcome {
  Settings settings;  // meant only when there are no mistakes
  std::vector<EffectiveSetting> effective;
  std::vector<std::string> mistakes;
};

// A file or a command line that was not read may have said anything: nothing is reported as missing beside
// it.
enum class FileRead : bool { no, yes };

// `file`: as read by read_settings_file. In the environment a repeatable setting is separated by commas.
[[nodiscard]] SettingsOutcome merge_settings(const SaidSettings& file, const Environment& environment,
                                             const SaidSettings& flags, FileRead file_read = FileRead::yes);

// Reads `path` (TOML); unknown keys and values of another type go to `mistakes`, and so does, with nullopt,
// that it is not there or no TOML.
[[nodiscard]] std::optional<SaidSettings> read_settings_file(const std::string& path,
                                                             std::vector<std::string>& mistakes);

}  // namespace prismbus
