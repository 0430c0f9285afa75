#include "proto/transport/endpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace prismbus {
namespace {

constexpr std::size_t kIpcPathBytes = 107;  // sockaddr_un holds 108 with its NUL
constexpr std::size_t kHostBytes = 253;     // longest DNS name
constexpr std::string_view kTcp = "tcp://", kIpc = "ipc://";

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  std::string message = "endpoint \"";
  message.append(text).append("\": ").append(why);
  return fail_field("endpoint", std::move(message));
}

bool is_plain(std::string_view s) {  // printable ASCII without spaces
  return std::all_of(s.begin(), s.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= kHostBytes &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                  c == '-' || c == '_';
         });
}

bool is_ipv6_text(std::string_view host) {
  return host.size() >= 2 && host.find(':') != std::string_view::npos &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
                  c == '.';
         });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

// "127.x.y.z" by its first number; anything with four numbers is an address, not a name.
bool is_loopback_v4(std::string_view host) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto dot = host.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return false;
    parts[i] = host.substr(0, dot);
    const auto part = parse_port(parts[i]);
    if (!part || *part > 255) return false;
    host.remove_prefix(dot == std::string_view::npos ? host.size() : dot + 1);
  }
  return parts[0] == "127";
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text, Use use) {
  if (!is_plain(text)) return refuse(text, "has a space, a control or a non-ASCII character");
  Endpoint out;
  if (text.starts_with(kIpc)) {
    const std::string_view path = text.substr(kIpc.size());
    if (path.empty() || path.size() > kIpcPathBytes) return refuse(text, "the path must have 1 to 107 bytes");
    if (path == "*") return refuse(text, "needs a path");
    out.tcp_ = false;
    out.path_ = path;
    return out;
  }
  if (!text.starts_with(kTcp)) return refuse(text, "must begin with tcp:// or ipc://");
  const std::string_view rest = text.substr(kTcp.size());
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return refuse(text, "has no port");
  std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    out.ipv6_ = true;
    if (!is_ipv6_text(host)) return refuse(text, "what is in brackets is not an IPv6 address");
  } else if (host != "*" && !is_host_name(host)) {
    return refuse(text, "the host is neither a name nor an address (IPv6 goes in brackets)");
  }
  const auto number = port == "*" ? std::optional<std::uint16_t>(0) : parse_port(port);
  if (!number) return refuse(text, "the port must be a number up to 65535");
  if (use == Use::connect && (host == "*" || *number == 0))
    return refuse(text, "cannot be connected to: it needs a host and a port");
  out.host_ = host;
  out.port_ = *number;
  return out;
}

bool Endpoint::is_loopback() const {
  if (!tcp_) return true;
  return ipv6_ ? host_ == "::1" : host_ == "localhost" || is_loopback_v4(host_);
}

std::string Endpoint::text() const {
  if (!tcp_) return std::string(kIpc) + path_;
  std::string out(kTcp);
  out += ipv6_ ? "[" + host_ + "]" : host_;
  out += ':';
  out += port_ == 0 ? "*" : std::to_string(port_);
  return out;
}

Result<Endpoint> reachable_endpoint(std::string_view told, const Endpoint& requests) {
  auto parsed = Endpoint::parse(told, Endpoint::Use::bind);
  if (!parsed) return parsed;
  const bool everywhere = parsed->is_tcp() && (parsed->host() == "*" || parsed->host() == "0.0.0.0" ||
                                               (parsed->is_ipv6() && parsed->host() == "::"));
  std::string text(told);
  if (everywhere) {
    std::string host = "127.0.0.1";
    if (requests.is_tcp()) host = requests.is_ipv6() ? "[" + requests.host() + "]" : requests.host();
    text = std::string(kTcp) + host + ":" + std::to_string(parsed->port());
  }
  return Endpoint::parse(text, Endpoint::Use::connect);
}

}  // namespace prismbus
