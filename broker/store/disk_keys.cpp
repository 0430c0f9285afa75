// Keys are assembled with memcpy into a fixed buffer: the longest is asserted at compile time in wire/limits.
#include "broker/store/disk_keys.hpp"

#include <cstring>

#include "proto/base/assert.hpp"
#include "proto/base/bytes.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kRevBytes = 8;
static_assert(1 + limits::kPrincipalBytes + 1 + limits::kSessionBytes <= 511,
              "a session key fits LMDB's largest key");

char* append(char* out, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());  // an empty view may be of nothing
  return out + bytes.size();
}

void check_names(std::string_view ns, std::string_view key) {
  PRISMBUS_ASSERT(ns.size() <= limits::kNsBytes && key.size() <= limits::kKeyBytes,
                  "names were validated before");
}

}  // namespace

bool fits_disk_key(std::string_view ns, std::string_view key) {
  return ns.size() <= limits::kNsBytes && key.size() <= limits::kKeyBytes;
}
bool fits_session_key(std::string_view by, std::string_view session) {
  return by.size() <= limits::kPrincipalBytes && session.size() <= limits::kSessionBytes;
}

std::string_view DiskKey::log(Revision rev) {
  store_be64(bytes_.data(), rev.value());
  return {bytes_.data(), kRevBytes};
}

std::string_view DiskKey::head(std::string_view ns, std::string_view key) {
  check_names(ns, key);
  char* out = append(bytes_.data(), ns);
  *out++ = '\0';
  out = append(out, key);
  return {bytes_.data(), static_cast<std::size_t>(out - bytes_.data())};
}

std::string_view DiskKey::history(Revision rev, std::string_view ns, std::string_view key) {
  check_names(ns, key);
  store_be64(bytes_.data(), rev.value());
  char* out = append(bytes_.data() + kRevBytes, ns);
  *out++ = '\0';
  out = append(out, key);
  return {bytes_.data(), static_cast<std::size_t>(out - bytes_.data())};
}

std::string_view DiskKey::changeset(std::string_view ns, Seq seq) {
  check_names(ns, {});
  char* out = append(bytes_.data(), ns);
  *out++ = '\0';
  store_be64(out, seq.value());
  return {bytes_.data(), static_cast<std::size_t>(out - bytes_.data()) + kRevBytes};
}

std::string_view DiskKey::session_header(std::string_view by, std::string_view session) {
  return session_key(kSessionHeaderPrefix[0], by, session);
}
std::string_view DiskKey::session_outcomes(std::string_view by, std::string_view session) {
  return session_key(kSessionOutcomesPrefix[0], by, session);
}

std::string_view DiskKey::session_key(char table, std::string_view by, std::string_view session) {
  PRISMBUS_ASSERT(fits_session_key(by, session), "principals and sessions were validated before");
  char* out = bytes_.data();
  *out++ = table;
  out = append(out, by);
  *out++ = '\0';
  out = append(out, session);
  return {bytes_.data(), static_cast<std::size_t>(out - bytes_.data())};
}

std::optional<Revision> decode_log_key(std::string_view disk_key) {
  if (disk_key.size() != kRevBytes) return std::nullopt;
  return Revision(load_be64(disk_key.data()));
}

std::optional<HeadKey> decode_head_key(std::string_view disk_key) {
  const std::size_t split = disk_key.find('\0');
  if (split == std::string_view::npos) return std::nullopt;
  return HeadKey{disk_key.substr(0, split), disk_key.substr(split + 1)};
}

std::optional<HistoryKey> decode_history_key(std::string_view disk_key) {
  if (disk_key.size() < kRevBytes) return std::nullopt;
  const auto names = decode_head_key(disk_key.substr(kRevBytes));
  if (!names) return std::nullopt;
  return HistoryKey{Revision(load_be64(disk_key.data())), names->ns, names->key};
}

std::optional<ChangesetKey> decode_changeset_key(std::string_view disk_key) {
  if (disk_key.size() < kRevBytes + 1) return std::nullopt;
  const std::size_t seq_at = disk_key.size() - kRevBytes;
  if (disk_key[seq_at - 1] != '\0') return std::nullopt;
  return ChangesetKey{disk_key.substr(0, seq_at - 1), Seq(load_be64(disk_key.data() + seq_at))};
}

std::optional<SessionKey> decode_session_key(std::string_view disk_key) {
  if (disk_key.empty()) return std::nullopt;
  const bool header = disk_key[0] == kSessionHeaderPrefix[0];
  if (!header && disk_key[0] != kSessionOutcomesPrefix[0]) return std::nullopt;
  disk_key.remove_prefix(1);
  const std::size_t split = disk_key.find('\0');
  if (split == std::string_view::npos) return std::nullopt;
  return SessionKey{header, disk_key.substr(0, split), disk_key.substr(split + 1)};
}

}  // namespace prismbus
