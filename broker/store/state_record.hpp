// The state's records. Each begins with its checksum (record_bytes.hpp), tied to the key it stands under
// (disk_keys.hpp). Integers are big-endian, times in microseconds.
//
//   head       = checksum:8  rev:8  created:8  version:8  time:8  links
//                by_size:1  by
//                value                                to the end
//   deleted    = checksum:8  rev:8  links
//   history    = checksum:8  op:1  flags:1  created:8  version:8  time:8  links
//                by_size:1  by
//                [note_size:2  note]                  if flags & 1
//                [session_size:1  session  n:8]       if flags & 2
//                value                                to the end; none for a delete
//   links      = ordinal:8  levels:1  levels * (rev:8)              version_links.hpp
//   changesets = checksum:8  rev:8
//   namespaces = checksum:8  seq:8  rev:8  time:8  lane:1  hash:8  keys:8  bytes:8
//   sessions   header:   checksum:8  highest:8  last_write:8
//              outcomes: checksum:8  highest:8  count:2  count * (below:2  rev:8)
//                                                     n = highest - below, ascending
//   meta       = checksum:8  format:8  epoch:8  folded:8  floor:8
//
// The value of a secret namespace is sealed here (value_seal.hpp); no other value begins with its first byte,
// 0xC1.
//
// Encoders replace `out`. Decoders lend from the record they are given and answer nullopt for anything that
// is not exactly what was written; the caller names the record.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/store/recent.hpp"
#include "broker/store/state.hpp"
#include "broker/store/transaction.hpp"
#include "broker/store/version_links.hpp"

namespace prismbus {

struct HeadRecord {
  EntryView entry;
  VersionLinks links;
};
struct DeletedRecord {
  Revision rev;
  VersionLinks links;
};

// A change as history keeps it.
struct HistoryRecord {
  ChangeOp op = ChangeOp::put;
  VersionLinks links;
  Revision created;
  std::uint64_t version = 0;
  Wall time{};
  std::string_view by;
  std::optional<std::string_view> note;
  std::optional<std::string_view> session;  // with n: the request id
  std::uint64_t n = 0;
  std::string_view value;
};

struct SessionHeaderRecord {
  std::uint64_t highest = 0;
  Wall last_write{};
};

void encode_head(std::string& out, std::string_view disk_key, const StoredTransaction& txn,
                 const StoredChange& change, const VersionLinks& links);
[[nodiscard]] std::optional<EntryView> decode_head(std::string_view disk_key, std::string_view record);
[[nodiscard]] std::optional<HeadRecord> decode_head_record(std::string_view disk_key,
                                                           std::string_view record);

void encode_deleted(std::string& out, std::string_view disk_key, const DeletedRecord& deleted);
[[nodiscard]] std::optional<DeletedRecord> decode_deleted(std::string_view disk_key, std::string_view record);

void encode_history(std::string& out, std::string_view disk_key, const StoredTransaction& txn,
                    const StoredChange& change, const VersionLinks& links);
[[nodiscard]] std::optional<HistoryRecord> decode_history(std::string_view disk_key, std::string_view record);

void encode_changeset(std::string& out, std::string_view disk_key, Revision rev);
[[nodiscard]] std::optional<Revision> decode_changeset(std::string_view disk_key, std::string_view record);

void encode_namespace(std::string& out, std::string_view ns, const RecentHead& head);
[[nodiscard]] std::optional<RecentHead> decode_namespace(std::string_view ns, std::string_view record);

void encode_session_header(std::string& out, std::string_view disk_key, const SessionHeaderRecord& header);
[[nodiscard]] std::optional<SessionHeaderRecord> decode_session_header(std::string_view disk_key,
                                                                       std::string_view record);
// `state.outcomes` ascend and are all above highest - 65,536.
void encode_session_outcomes(std::string& out, std::string_view disk_key, const SessionState& state);
[[nodiscard]] std::optional<SessionState> decode_session_outcomes(std::string_view disk_key,
                                                                  std::string_view record);

void encode_state_meta(std::string& out, const StateMeta& meta);
// Errors: internal (checksum, size), unsupported (another format).
[[nodiscard]] Result<StateMeta> decode_state_meta(std::string_view record);

// "state head of a.b/key" and the like, for errors and audit findings.
[[nodiscard]] Error damaged_record(std::string_view table, std::string_view disk_key,
                                   std::string_view what = "checksum does not match");

}  // namespace prismbus
