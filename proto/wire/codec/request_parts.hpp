// What the bodies of requests are decoded with; private to the request decoder.
#pragma once

#include <utility>
#include <vector>

#include "proto/wire/codec/map_reader.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus::codec {

// Fields that several ops have.
[[nodiscard]] Page decode_page(MapReader& in);
// {ns: seq}, at most limits::kFollowNames of them, each once; required, may be empty.
[[nodiscard]] std::vector<std::pair<std::string_view, Seq>> decode_seqs(MapReader& in, Name name);

// Each reads its own op's fields from the request's map; what is wrong is latched in the reader's fault.
[[nodiscard]] HelloRequest decode_hello(MapReader& in);
[[nodiscard]] GetRequest decode_get(MapReader& in);
[[nodiscard]] MGetRequest decode_mget(MapReader& in);
[[nodiscard]] ListRequest decode_list(MapReader& in);
[[nodiscard]] NamespacesRequest decode_namespaces(MapReader& in);
[[nodiscard]] SnapshotRequest decode_snapshot(MapReader& in);
[[nodiscard]] ChangesRequest decode_changes(MapReader& in);
[[nodiscard]] HistoryRequest decode_history(MapReader& in);
[[nodiscard]] DiffRequest decode_diff(MapReader& in);
[[nodiscard]] KeysRequest decode_keys(MapReader& in);
[[nodiscard]] BackupRequest decode_backup(MapReader& in);
[[nodiscard]] AuditRequest decode_audit(MapReader& in);
[[nodiscard]] AckRequest decode_ack(MapReader& in);
[[nodiscard]] SubscribersRequest decode_subscribers(MapReader& in);
[[nodiscard]] WaitAppliedRequest decode_wait_applied(MapReader& in);
[[nodiscard]] PutRequest decode_put(MapReader& in);
[[nodiscard]] DeleteRequest decode_delete(MapReader& in);
[[nodiscard]] TxnRequest decode_txn(MapReader& in);
[[nodiscard]] RollbackRequest decode_rollback(MapReader& in);

}  // namespace prismbus::codec
