#include "broker/core/cursor_token.hpp"

#include "proto/base/bytes.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kFixed = 2 + 3 * 8 + 1;

}  // namespace

std::string encode_cursor(const CursorToken& cursor) {
  std::string out;
  out.reserve(kFixed + cursor.ns.size() + cursor.key.size());
  out += kVersion;
  out += static_cast<char>(cursor.kind);
  append_be64(out, cursor.epoch.value());
  append_be64(out, cursor.rev.value());
  append_be64(out, cursor.n);
  out += static_cast<char>(cursor.ns.size());
  out += cursor.ns;
  out += cursor.key;
  return out;
}

Result<CursorToken> decode_cursor(std::string_view bytes, CursorKind kind, Epoch epoch, Revision at) {
  const auto malformed = [] { return fail_field("after", "not a cursor of this operation"); };
  if (bytes.size() < kFixed || bytes[0] != kVersion || bytes[1] != static_cast<char>(kind))
    return malformed();
  CursorToken cursor;
  cursor.kind = kind;
  cursor.epoch = Epoch(load_be64(bytes.data() + 2));
  cursor.rev = Revision(load_be64(bytes.data() + 10));
  cursor.n = load_be64(bytes.data() + 18);
  const auto ns_size = static_cast<unsigned char>(bytes[26]);
  const std::string_view names = bytes.substr(kFixed);
  if (ns_size > names.size()) return malformed();
  cursor.ns = names.substr(0, ns_size);
  cursor.key = names.substr(ns_size);
  if (!cursor.ns.empty() && !validate_namespace(cursor.ns, "after")) return malformed();
  if (!cursor.key.empty() && !validate_key(cursor.key, "after")) return malformed();
  if (cursor.epoch != epoch) return fail(ErrorCode::other_history, "the cursor is of another history");
  if (cursor.rev > at) return fail(ErrorCode::unavailable, "this broker is behind the page before");
  return cursor;
}

Result<std::optional<CursorToken>> cursor_of(const std::optional<std::string_view>& after, CursorKind kind,
                                             Epoch epoch, Revision at) {
  if (!after) return std::nullopt;
  auto cursor = decode_cursor(*after, kind, epoch, at);
  if (!cursor) return tl::unexpected(cursor.error());
  return std::move(*cursor);
}

}  // namespace prismbus
