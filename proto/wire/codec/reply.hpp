// Replies, both directions. Encoders return one payload; decoders are total and own what they return.
// Field order on the wire: id, ok, epoch, rev (and `at` of a read of the past), then the op's own as PROTOCOL
// section 4 names them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/codec/writer.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus::codec {

struct ReplyHead {  // what an encoder needs of the common part
  MessageId id;
  Epoch epoch;
  Revision rev;
  std::optional<Revision> at{};  // of a read of the past
};

[[nodiscard]] std::string encode_error_reply(const ReplyHead& head, const Error& error);
[[nodiscard]] std::string encode_hello_reply(const ReplyHead& head, const HelloReply& hello);
[[nodiscard]] std::string encode_entry_reply(const ReplyHead& head, const EntryView& entry);
[[nodiscard]] std::string encode_put_reply(const ReplyHead& head, const PutReply& reply);
[[nodiscard]] std::string encode_delete_reply(const ReplyHead& head, const DeleteReply& reply);
[[nodiscard]] std::string encode_txn_reply(const ReplyHead& head, const TxnReply& reply);
[[nodiscard]] std::string encode_rollback_reply(const ReplyHead& head, const RollbackReply& reply);
[[nodiscard]] std::string encode_backup_reply(const ReplyHead& head, const BackupReply& reply);
// A reply whose fields after the common ones the caller writes: `fields` = how many of them.
[[nodiscard]] std::string begin_reply(const ReplyHead& head, std::uint32_t fields);

// Building blocks of pages; each appends one MessagePack value.
void encode_entry(Writer& out, const EntryView& entry);  // the 8-field map
void encode_entry_without_value(Writer& out, const EntryView& entry);
void encode_head(Writer& out, const Head& head);
void encode_key_version(Writer& out, const KeyVersionView& version);
// null = absent at that revision; not both.
void encode_key_difference(Writer& out, std::string_view key, const EntryView* before,
                           const EntryView* after);
void encode_namespace_row(Writer& out, std::string_view ns, const Head& head, std::uint64_t keys,
                          std::uint64_t bytes, bool secret);
void encode_error(Writer& out, const Error& error);
// `{ns} + change set` from an already encoded change set: one map with `ns` first.
void encode_set_with_ns(Writer& out, std::string_view ns, std::string_view encoded_set);

// The code of an error reply as encode_error_reply() writes it, without reading further; nullopt of any other
// payload.
[[nodiscard]] std::optional<ErrorCode> find_refusal(std::string_view payload);

[[nodiscard]] Result<ReplyHeader> decode_reply(std::string_view payload);
[[nodiscard]] Result<HelloReply> decode_hello_reply(const ReplyHeader& reply);
[[nodiscard]] Result<Entry> decode_entry_reply(const ReplyHeader& reply);
[[nodiscard]] Result<PutReply> decode_put_reply(const ReplyHeader& reply);
[[nodiscard]] Result<DeleteReply> decode_delete_reply(const ReplyHeader& reply);
[[nodiscard]] Result<TxnReply> decode_txn_reply(const ReplyHeader& reply);
[[nodiscard]] Result<RollbackReply> decode_rollback_reply(const ReplyHeader& reply);
// Of any write: whether the reply is that to an earlier attempt. False where it is not understood.
[[nodiscard]] bool says_duplicate(const ReplyHeader& reply);
[[nodiscard]] Result<BackupReply> decode_backup_reply(const ReplyHeader& reply);
[[nodiscard]] Result<EntriesReply> decode_entries_reply(const ReplyHeader& reply);
[[nodiscard]] Result<NamespacesReply> decode_namespaces_reply(const ReplyHeader& reply);
[[nodiscard]] Result<SnapshotReply> decode_snapshot_reply(const ReplyHeader& reply);
[[nodiscard]] Result<ChangesReply> decode_changes_reply(const ReplyHeader& reply);
[[nodiscard]] Result<HistoryReply> decode_history_reply(const ReplyHeader& reply);
[[nodiscard]] Result<DiffReply> decode_diff_reply(const ReplyHeader& reply);

}  // namespace prismbus::codec
