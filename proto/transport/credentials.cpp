#include "proto/transport/credentials.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kFileBytesMax = limits::kTokenBytes + 1024;

constexpr std::array<std::string_view, 5> kNames{"PRISMBUS_BROKER", "PRISMBUS_SERVER_KEY",
                                                 "PRISMBUS_CLIENT_KEY_FILE", "PRISMBUS_TOKEN",
                                                 "PRISMBUS_TOKEN_FILE"};

// Small text files of the user's own. Links are followed: where secrets are mounted they often are some.
Result<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const ErrorCode code =
        errno == EACCES || errno == EPERM ? ErrorCode::permission_denied : ErrorCode::not_found;
    return fail(code, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  std::string text(kFileBytesMax + 1, '\0');
  std::size_t size = 0;
  for (ssize_t n = 1; n != 0 && size < text.size();) {
    n = ::read(fd, text.data() + size, text.size() - size);
    if (n > 0) size += static_cast<std::size_t>(n);
    if (n < 0 && errno != EINTR) break;
  }
  ::close(fd);
  if (size > kFileBytesMax) return tl::unexpected(over_limit(path, "a file too large", kFileBytesMax, size));
  text.resize(size);
  return text;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto part = trimmed(text.substr(0, comma));
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

using Said = std::map<std::string, std::string, std::less<>>;

// The lines of a profile. Values are never part of an error.
Result<Said> read_profile(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  Said said;
  std::string_view rest = *text;
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto content = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (content.starts_with("export ")) content = trimmed(content.substr(7));
    if (content.empty() || content.front() == '#') continue;
    const auto equals = content.find('=');
    if (equals == std::string_view::npos)
      return fail(ErrorCode::invalid_argument, fmt::format("{}:{}: expected NAME=value", path, line));
    const auto name = trimmed(content.substr(0, equals));
    auto value = trimmed(content.substr(equals + 1));
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
      return fail(ErrorCode::invalid_argument, fmt::format("{}:{}: no such name; a profile knows {}", path,
                                                           line, fmt::join(kNames, ", ")));
    }
    const bool quoted =
        value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
    if (quoted) value = value.substr(1, value.size() - 2);
    if (!said.emplace(name, value).second)
      return fail(ErrorCode::invalid_argument, fmt::format("{}:{}: {} stands there twice", path, line, name));
  }
  for (const std::string_view name : {"PRISMBUS_CLIENT_KEY_FILE", "PRISMBUS_TOKEN_FILE"}) {
    const auto file = said.find(name);
    if (file != said.end())
      file->second = (std::filesystem::path(path).parent_path() / file->second).string();
  }
  return said;
}

}  // namespace

Result<std::string> Credentials::token_now() const {
  if (token_file.empty()) return token;
  auto text = read_file(token_file);
  if (!text) return text;
  return std::string(trimmed(*text));
}

Result<void> Credentials::check() const {
  if (!server_key.empty() && !is_curve_key(server_key))
    return fail_field("server_key", "a CURVE key is 40 characters of Z85");
  if (!own.secret_key.empty()) {
    const auto pair = CurveKeyPair::of_secret(own.secret_key);
    if (!pair) return fail_field("client_key", pair.error().message);
    if (pair->public_key != own.public_key) return fail_field("client_key", "the two keys are not a pair");
  }
  if (token.size() > limits::kTokenBytes)
    return tl::unexpected(over_limit("token", "a token too large", limits::kTokenBytes, token.size()));
  if (!is_plain_text(token)) return fail_field("token", "a token has no control characters");
  const bool has_token = !token.empty() || !token_file.empty();
  if (has_token && server_key.empty())
    return fail_field("server_key", "without the broker's key the token would be sent in the clear");
  return {};
}

Result<Profile> load_profile(const NamedTexts& environment, const std::string& path) {
  Said said;
  const std::string file = !path.empty() ? path : environment("PRISMBUS_PROFILE").value_or("");
  if (!file.empty()) {
    auto lines = read_profile(file);
    if (!lines) return tl::unexpected(lines.error());
    said = std::move(*lines);
  }
  // A token said here and a token file said there are one thing said twice: the environment's counts.
  if (environment("PRISMBUS_TOKEN") || environment("PRISMBUS_TOKEN_FILE")) {
    said.erase("PRISMBUS_TOKEN");
    said.erase("PRISMBUS_TOKEN_FILE");
  }
  for (const std::string_view name : kNames) {
    if (auto value = environment(name); value && !value->empty())
      said.insert_or_assign(std::string(name), std::move(*value));
  }
  Profile profile;
  profile.brokers = split_at_commas(said["PRISMBUS_BROKER"]);
  Credentials& out = profile.credentials;
  out.server_key = said["PRISMBUS_SERVER_KEY"];
  out.token = said["PRISMBUS_TOKEN"];
  out.token_file = said["PRISMBUS_TOKEN_FILE"];
  if (const std::string& key_file = said["PRISMBUS_CLIENT_KEY_FILE"]; !key_file.empty()) {
    const auto text = read_file(key_file);
    if (!text) return tl::unexpected(text.error());
    auto pair = CurveKeyPair::of_secret(trimmed(*text));
    if (!pair) return fail(ErrorCode::invalid_argument, key_file + ": " + pair.error().message);
    out.own = std::move(*pair);
  }
  if (auto sound = out.check(); !sound) return tl::unexpected(sound.error());
  return profile;
}

NamedTexts process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* const value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

}  // namespace prismbus
