#include "broker/daemon/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <optional>
#include <utility>

#include "broker/daemon/setting_text.hpp"
#include "proto/transport/endpoint.hpp"

namespace prismbus {
namespace {

using Values = std::vector<std::string>;

// http://host:port and https://host:port as tcp://host:port; nullopt for whatever else.
std::optional<std::string> endpoint_of_url(std::string_view url) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) return std::nullopt;
  std::string endpoint = fmt::format("tcp{}", url.substr(url.find(':')));
  if (!Endpoint::parse(endpoint, Endpoint::Use::bind)) return std::nullopt;
  return endpoint;
}

// Sets one field from its last written value; the reason when that is a mistake, else "".
struct SetField {
  Settings& settings;
  const Values& values;

  [[nodiscard]] const std::string& one() const { return values.back(); }

  std::string operator()(const TextField& f) const {
    settings.*f.member = one();
    return "";
  }
  std::string operator()(const EndpointsField& f) const {
    for (const std::string& text : values) {
      if (auto endpoint = Endpoint::parse(text, Endpoint::Use::bind); !endpoint)
        return endpoint.error().message;
    }
    settings.*f.member = values;
    return "";
  }
  std::string operator()(const HttpAddressField& f) const {
    const bool has_scheme = one().find("://") != std::string::npos;
    const auto at = endpoint_of_url(has_scheme ? one() : "http://" + one());
    if (!at) return fmt::format("\"{}\" is not an address to listen on", one());
    settings.*f.member = *at;
    settings.*f.https = one().starts_with("https://");
    return "";
  }
  std::string operator()(const HostsField& f) const {
    for (const std::string& text : values) {
      const std::string host = text.find(':') == std::string::npos ? text : fmt::format("[{}]", text);
      if (!Endpoint::parse(fmt::format("tcp://{}:0", host), Endpoint::Use::bind) || text == "*")
        return fmt::format("\"{}\" is not a host name or address", text);
    }
    settings.*f.member = values;
    return "";
  }
  std::string operator()(const OriginsField& f) const {
    for (const std::string& text : values) {
      if (!endpoint_of_url(text) && !endpoint_of_url(text + ":443"))
        return fmt::format("\"{}\" is not a site", text);
    }
    settings.*f.member = values;
    return "";
  }
  std::string operator()(const SwitchField& f) const {
    const auto value = parse_switch(one());
    if (!value) return fmt::format("\"{}\" is neither true nor false", one());
    settings.*f.member = *value;
    return "";
  }
  std::string operator()(const LevelField& f) const {
    const auto value = parse_level(one());
    if (!value) return fmt::format("\"{}\" is not a log level", one());
    settings.*f.member = *value;
    return "";
  }
  std::string operator()(const NumberField& f) const {
    const auto value = f.bytes ? parse_bytes(one()) : parse_number(one());
    if (!value) return fmt::format("\"{}\" is not a {}", one(), f.bytes ? "size, such as 512MiB" : "number");
    if (*value < f.least || *value > f.most) return fmt::format("{} is out of range", one());
    settings.*f.member = *value;
    return "";
  }
  std::string operator()(const MillisecondsField& f) const {
    const auto value = parse_number(one());
    if (!value) return fmt::format("\"{}\" is not a number of milliseconds", one());
    if (*value < f.least || *value > f.most) return fmt::format("{} is out of range", one());
    settings.*f.member = std::chrono::milliseconds(*value);
    return "";
  }
  std::string operator()(const AgeField& f) const {
    const auto value = parse_age(one());
    if (!value) return fmt::format("\"{}\" is not a time, such as 90d, 12h, 30m or 45s", one());
    // 90 for 90 days would keep the history of a minute and a half.
    if (*value != 0 && std::isdigit(static_cast<unsigned char>(one().back())) != 0)
      return fmt::format("{} needs a unit, such as {}d or {}h", one(), one(), one());
    if (*value > f.most) return fmt::format("{} is out of range", one());
    settings.*f.member = std::chrono::seconds(*value);
    return "";
  }
};

bool is_repeatable(const SettingRow& row) {
  return std::holds_alternative<EndpointsField>(row.field) || std::holds_alternative<HostsField>(row.field) ||
         std::holds_alternative<OriginsField>(row.field);
}

Values split_at_commas(std::string_view text) {
  Values out;
  for (;;) {
    const std::size_t comma = text.find(',');
    out.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

struct Said {
  Values values;
  std::string_view from;
  std::string named;  // as the one who wrote it knows it
};

Said said_of(const SettingRow& row, const SaidSettings& file, const Environment& environment,
             const SaidSettings& flags) {
  if (const auto it = flags.find(row.flag); it != flags.end())
    return {it->second, "flag", std::string(row.flag)};
  if (const auto text = environment(row.environment)) {
    return {is_repeatable(row) ? split_at_commas(*text) : Values{*text}, "environment",
            std::string(row.environment)};
  }
  if (const auto it = file.find(row.flag); it != file.end()) {
    return {it->second, "file", fmt::format("{} in the file", row.key)};
  }
  if (row.fallback.empty()) return {{}, "default", std::string(row.flag)};
  return {{std::string(row.fallback)}, "default", std::string(row.flag)};
}

// A bind that other machines reach, with nothing that asks who they are, has to be meant.
void check_reach(const char* flag, const Values& endpoints, Values& mistakes) {
  for (const std::string& text : endpoints) {
    const auto endpoint = Endpoint::parse(text, Endpoint::Use::bind);
    if (!endpoint || endpoint->is_loopback()) continue;
    mistakes.push_back(
        fmt::format("{} {}: other machines reach this endpoint and there is no security: use a loopback "
                    "address, --security, or say --insecure",
                    flag, text));
  }
}

// In plain HTTP tokens and values would pass in the clear; with TLS somebody still has to be asked for.
void check_gateway_reach(const Settings& s, Values& mistakes) {
  const auto endpoint = Endpoint::parse(s.gateway, Endpoint::Use::bind);
  if (s.gateway.empty() || s.insecure || !endpoint || endpoint->is_loopback()) return;
  const std::string_view at = std::string_view(s.gateway).substr(6);
  if (!s.gateway_https) {
    mistakes.push_back(
        fmt::format("--gateway http://{}: plain HTTP, and other machines reach this address: use "
                    "https, a loopback address{}",
                    at, s.security.empty() ? ", or say --insecure" : " behind what ends TLS"));
  } else if (s.security.empty() && s.gateway_tls_client_ca.empty()) {
    mistakes.push_back(
        fmt::format("--gateway https://{}: other machines reach this address and nobody is asked who "
                    "he is: use --security, --gateway-tls-client-ca, a loopback address, or say "
                    "--insecure",
                    at));
  }
}

void check_gateway_files(const Settings& s, Values& mistakes) {
  if (s.gateway_https) {
    if (s.gateway_tls_cert.empty())
      mistakes.emplace_back("--gateway-tls-cert: required for an https gateway");
    if (s.gateway_tls_key.empty()) mistakes.emplace_back("--gateway-tls-key: required for an https gateway");
    return;
  }
  const std::pair<const char*, const std::string&> files[] = {
      {"--gateway-tls-cert", s.gateway_tls_cert},
      {"--gateway-tls-key", s.gateway_tls_key},
      {"--gateway-tls-client-ca", s.gateway_tls_client_ca}};
  for (const auto& [flag, file] : files) {
    if (!file.empty()) mistakes.push_back(fmt::format("{}: needs --gateway https://...", flag));
  }
}

void check_gateway_names(const Settings& s, Values& mistakes) {
  if (!s.gateway.empty() || !mistakes.empty()) return;  // a --gateway that was refused is empty here too
  if (!s.gateway_hosts.empty()) mistakes.emplace_back("--gateway-hosts: needs --gateway");
  if (!s.gateway_origins.empty()) mistakes.emplace_back("--gateway-origins: needs --gateway");
}

void check_together(const Settings& s, FileRead file_read, Values& mistakes) {
  if (s.data_dir.empty() && file_read == FileRead::yes) mistakes.emplace_back("--data-dir: required");
  // A bound that was refused above is 0 here and has been reported.
  if (s.fold_changes_max != 0 && s.fold_changes_min > s.fold_changes_max) {
    mistakes.push_back(fmt::format("--fold-changes-min: {} is more than --fold-changes-max, {}",
                                   s.fold_changes_min, s.fold_changes_max));
  }
  if (s.security.empty()) {
    if (!s.token_issuer.empty()) mistakes.emplace_back("--token-issuer: needs --security");
    if (!s.token_audience.empty()) mistakes.emplace_back("--token-audience: needs --security");
    if (!s.audit_dir.empty()) mistakes.emplace_back("--audit-dir: needs --security");
  } else if (s.insecure) {
    mistakes.emplace_back("--insecure: not with --security");
  }
  check_gateway_reach(s, mistakes);
  check_gateway_files(s, mistakes);
  check_gateway_names(s, mistakes);
  if (s.insecure || !s.security.empty()) return;
  check_reach("--requests", s.requests, mistakes);
  check_reach("--changes", s.changes, mistakes);
  check_reach("--express", s.express, mistakes);
}

}  // namespace

SettingsOutcome merge_settings(const SaidSettings& file, const Environment& environment,
                               const SaidSettings& flags, FileRead file_read) {
  SettingsOutcome outcome;
  for (const SettingRow& row : setting_table()) {
    const Said said = said_of(row, file, environment, flags);
    outcome.effective.push_back({row.key, fmt::format("{}", fmt::join(said.values, ",")), said.from});
    if (said.values.empty()) continue;
    if (said.values.size() > 1 && !is_repeatable(row)) {
      outcome.mistakes.push_back(fmt::format("{}: given more than once", said.named));
      continue;
    }
    if (std::string why = std::visit(SetField{outcome.settings, said.values}, row.field); !why.empty()) {
      outcome.mistakes.push_back(fmt::format("{}: {} ({})", said.named, why, range_of(row)));
    }
  }
  check_together(outcome.settings, file_read, outcome.mistakes);
  return outcome;
}

}  // namespace prismbus
