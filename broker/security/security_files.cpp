#include "broker/security/security_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "proto/base/checked_file.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kSecretFileMax = 4096, kAllowedFileMax = 4u << 20;
constexpr std::string_view kBlank = " \t\r\n";

Result<SecretBytes> read_secret(const std::string& path) {
  auto bytes = read_secret_file(path, {kOthersAnything, true, kSecretFileMax});
  if (!bytes) return tl::unexpected(file_error(bytes.error(), path));
  return std::move(*bytes);
}

tl::unexpected<Error> wrong(const std::string& path, std::string_view what) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", path, what));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

Result<CurveKeyPair> load_curve(const std::string& path) {
  const auto bytes = read_secret(path);
  if (!bytes) return tl::unexpected(bytes.error());
  auto pair = CurveKeyPair::of_secret(trimmed(bytes->view()));
  if (!pair) return wrong(path, pair.error().message);
  return std::move(*pair);
}

// Whoever fills a key with one byte, or counts, did not mean it.
bool looks_random(std::string_view bytes) {
  std::array<int, 256> seen{};
  for (const char c : bytes) ++seen[static_cast<unsigned char>(c)];
  return std::count_if(seen.begin(), seen.end(), [](int n) { return n > 0; }) >= 16 &&
         !std::is_sorted(bytes.begin(), bytes.end());
}

Result<StreamKey> load_master(const std::string& path) {
  const auto bytes = read_secret(path);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto key = StreamKey::from(bytes->view());
  if (!key) return wrong(path, fmt::format("has to be 32 bytes and is {}", bytes->size()));
  if (!looks_random(bytes->view())) return wrong(path, "these are not random bytes");
  return *key;
}

}  // namespace

Result<std::shared_ptr<const AllowedClients>> load_allowed_clients(const std::string& path) {
  // Public keys, but who may write them lets people in.
  auto bytes = read_secret_file(path, {kOthersWrite, true, kAllowedFileMax});
  if (!bytes) {
    Error error = file_error(bytes.error(), path);
    if (error.code == ErrorCode::not_found) return nullptr;
    return tl::unexpected(std::move(error));
  }
  AllowedClients allowed;
  std::string_view rest = bytes->view();
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string_view content = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    content = trimmed(content);
    // `#` is a character of Z85: a comment begins a line.
    if (content.empty() || content.starts_with("# ")) continue;
    if (!is_curve_key(content))
      return wrong(fmt::format("{}:{}", path, line), "a CURVE key is 40 characters of Z85");
    allowed.emplace(content);
  }
  return std::make_shared<const AllowedClients>(std::move(allowed));
}

Result<SecurityFiles> SecurityFiles::load(const std::string& directory) {
  SecurityFiles files;
  files.keys_file = directory + "/tokens.jwks";
  files.clients_file = directory + "/clients.allow";
  auto curve = load_curve(directory + "/curve.secret");
  if (!curve) return tl::unexpected(curve.error());
  files.curve = std::move(*curve);
  auto keys = TokenKeys::load(files.keys_file, KeepParts::verifying);
  if (!keys) return tl::unexpected(keys.error());
  files.token_keys = std::move(*keys);
  auto master = load_master(directory + "/stream.master");
  if (!master) return tl::unexpected(master.error());
  files.stream_master = *master;
  auto allowed = load_allowed_clients(files.clients_file);
  if (!allowed) return tl::unexpected(allowed.error());
  files.allowed = std::move(*allowed);
  return files;
}

}  // namespace prismbus
