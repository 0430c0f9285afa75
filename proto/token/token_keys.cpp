#include "proto/token/token_keys.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "proto/base/assert.hpp"
#include "proto/base/checked_file.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

constexpr JsonLimits kLimits{.depth = 8, .values = 4096};

tl::unexpected<Error> at_member(std::size_t index, Error error) {
  const std::string member = error.field.value_or("");
  error.field = fmt::format("keys[{}]{}{}", index, member.empty() ? "" : ".", member);
  error.message = fmt::format("{}: {}", *error.field, error.message);
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace

Result<TokenKeys> TokenKeys::load(const std::string& path, KeepParts keep) {
  mode_t mode = 0;
  const auto bytes = read_secret_file(path, {.refused = kOthersWrite, .size_max = kFileBytesMax}, &mode);
  if (!bytes) return tl::unexpected<Error>(file_error(bytes.error(), path));
  bool was_private = false;
  auto keys = parse(bytes->view(), keep, &was_private);
  if (!keys) return tl::unexpected<Error>(in_context(path, keys.error()));
  if (was_private && (mode & kOthersAnything) != 0) {
    return fail(ErrorCode::invalid_argument,
                path + " holds private keys and is open to others: chmod 0600 it");
  }
  return keys;
}

Result<TokenKeys> TokenKeys::parse(std::string_view jwks, KeepParts keep, bool* was_private) {
  const auto json = parse_strict_json(jwks, kLimits);
  if (!json) return fail(ErrorCode::invalid_argument, std::string(describe(json.error())));
  const JsonValue* list = json->find("keys");
  if (list == nullptr || !list->is(JsonValue::Kind::array))
    return fail_field("keys", "is not a key set: an object with an array `keys` is one");
  if (list->items().empty()) return fail_field("keys", "holds no key");
  TokenKeys out;
  bool any_private = false;
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    auto decoded = decode_jwk(list->items()[i], keep);
    if (!decoded) return at_member(i, decoded.error());
    any_private = any_private || decoded->was_private;
    if (auto room = out.check_room_for(*decoded->key); !room) {
      Error error = room.error();
      error.code = ErrorCode::invalid_argument;
      return at_member(i, std::move(error));
    }
    out.keys_.push_back(std::move(decoded->key));
  }
  if (was_private != nullptr) *was_private = any_private;
  return out;
}

Result<void> TokenKeys::check_room_for(const TokenKey& key) const {
  std::size_t alike = 0;
  for (const TokenKeyPtr& other : keys_) {
    if (other->algorithm() == key.algorithm()) ++alike;
    if (key.kid().empty() || other->kid() != key.kid()) continue;
    Error taken = error_of(ErrorCode::conflict, "another key has this kid");
    taken.field = "kid";
    return tl::unexpected<Error>(std::move(taken));
  }
  if (alike < kPerAlgorithmMax) return {};
  return tl::unexpected<Error>(
      over_limit("alg", "there are too many keys of this alg", kPerAlgorithmMax, alike + 1));
}

Result<void> TokenKeys::save(const std::string& path) const {
  std::size_t size = 32;
  for (const TokenKeyPtr& key : keys_) size += jwk_size(*key) + 4;
  std::string text;
  text.reserve(size);
  const WipedAtEnd wiped(text);
  text += "{\"keys\":[";
  for (const TokenKeyPtr& key : keys_) {
    text += key == keys_.front() ? "\n" : ",\n";
    append_jwk(text, *key);
  }
  text += "\n]}\n";
  PRISMBUS_ASSERT(text.size() <= size, "a string that grows leaves keys behind");
  if (auto written = write_private_file(path, text); !written)
    return tl::unexpected<Error>(file_error(written.error(), path));
  return {};
}

Result<void> TokenKeys::add_first(TokenKeyPtr key) {
  if (auto room = check_room_for(*key); !room) return room;
  keys_.insert(keys_.begin(), std::move(key));
  return {};
}

Result<void> TokenKeys::retire(std::string_view kid) {
  const auto at =
      std::find_if(keys_.begin(), keys_.end(), [kid](const auto& key) { return key->kid() == kid; });
  if (kid.empty() || at == keys_.end()) return fail(ErrorCode::not_found, "no key has this kid");
  if (keys_.size() == 1) return fail(ErrorCode::conflict, "it is the last key: nothing would verify");
  keys_.erase(at);
  return {};
}

TokenKeyPtr TokenKeys::find(std::string_view kid) const {
  for (const TokenKeyPtr& key : keys_) {
    if (!kid.empty() && key->kid() == kid) return key;
  }
  return nullptr;
}

}  // namespace prismbus
