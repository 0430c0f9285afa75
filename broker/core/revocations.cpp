#include "broker/core/revocations.hpp"

#include <algorithm>

#include "proto/wire/codec/cursor.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kToken = "token/", kPrincipal = "sub/";
constexpr std::size_t kHashDigits = 64;

tl::unexpected<Error> rejected(std::string path, std::string reason) {
  Error error = error_of(ErrorCode::rejected, "the revocation is not taken");
  error.path = std::move(path);
  error.reason = std::move(reason);
  return tl::unexpected<Error>(std::move(error));
}

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<Revocation> decode_revocation(std::string_view key, std::string_view value) {
  const bool of_principal = key.starts_with(kPrincipal) && key.size() > kPrincipal.size();
  if (!of_principal && !(key.starts_with(kToken) && is_hash(key.substr(kToken.size())))) {
    return rejected("key", "is `sub/` and a principal, or `token/` and a token's SHA-256 in 64 hex digits");
  }
  codec::Cursor in(value);
  std::uint32_t fields = 0;
  if (!in.read_map(fields)) return rejected("value", "must be a map of fields");
  Revocation out;
  bool has_before = false;
  for (; fields > 0; --fields) {
    std::string_view name, text;
    std::uint64_t time = 0;
    if (!in.read_text(name)) return rejected("value", "names of fields must be strings");
    const std::string path = "value." + std::string(name);
    if (name == "before" || name == "expires") {
      if (!in.read_uint(time)) return rejected(path, "must be microseconds since 1970");
      if (name == "before") {
        out.before = from_micros(time);
        has_before = true;
      }
    } else if (name != "reason") {
      return rejected(path, "no such field; a revocation knows before, reason and expires");
    } else if (!in.read_text(text)) {
      return rejected(path, "must be a string");
    }
  }
  if (of_principal && !has_before)
    return rejected("value.before", "is missing: tokens issued at or before it are void");
  return out;
}

void Revocations::set(std::string_view key, const Revocation& revocation) {
  by_key_.insert_or_assign(std::string(key), revocation);
}

void Revocations::erase(std::string_view key) {
  if (const auto at = by_key_.find(key); at != by_key_.end()) by_key_.erase(at);
}

bool Revocations::revoke(std::string_view principal, std::optional<Wall> issued,
                         std::string_view token_hash) const {
  if (by_key_.empty()) return false;
  std::string key(kToken);
  if (by_key_.contains(key.append(token_hash))) return true;
  key.assign(kPrincipal).append(principal);
  const auto at = by_key_.find(key);
  return at != by_key_.end() && (!issued || *issued <= at->second.before);
}

}  // namespace prismbus
