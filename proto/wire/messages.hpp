// Every message of the contract as a struct, in one place. Owning types unless the name says View.
// A value is always kept as its encoded MessagePack bytes, exactly as it came. Encoding and decoding:
// wire/codec.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/base/strong.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// ---- vocabulary

// -2^63 .. 2^64-1, given back as it came.
struct MessageId {
  bool negative = false;
  std::uint64_t bits = 0;  // two's complement when negative
  friend bool operator==(MessageId, MessageId) = default;
};

struct RequestId {
  std::string session;  // 8 bytes
  std::uint64_t n = 0;
  friend bool operator==(const RequestId&, const RequestId&) = default;
};

enum class ChangeOp : std::uint8_t { put = 1, del = 2 };
enum class Lane : std::uint8_t { changes, express };

struct Entry {
  std::string ns, key, value;
  Revision rev, created;
  std::uint64_t version = 0;
  Wall time{};
  std::string by;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// Lends its bytes: valid as long as what it was decoded from or looked up in (said there).
struct EntryView {
  std::string_view ns, key, value;
  Revision rev, created;
  std::uint64_t version = 0;
  Wall time{};
  std::string_view by;
};

struct Change {
  ChangeOp op = ChangeOp::put;
  std::string key;
  std::string value;          // put only
  std::uint64_t version = 0;  // put only
  friend bool operator==(const Change&, const Change&) = default;
};

// What one transaction did to one key, as `history` tells it.
struct KeyVersion {
  Revision rev;
  ChangeOp op = ChangeOp::put;
  std::string value;          // put only
  std::uint64_t version = 0;  // put only
  Wall time{};
  std::string by;
  std::optional<std::string> note;
  std::optional<RequestId> req;  // shown to the principal it belongs to
  friend bool operator==(const KeyVersion&, const KeyVersion&) = default;
};

// Lends its bytes, as EntryView does.
struct KeyVersionView {
  Revision rev;
  ChangeOp op = ChangeOp::put;
  std::string_view value;
  std::uint64_t version = 0;
  Wall time{};
  std::string_view by;
  std::optional<std::string_view> note;
  const RequestId* req = nullptr;  // null = not shown
};

// A key of which two revisions hold different bytes, or only one holds any: not both are absent.
struct KeyDifference {
  std::string key;
  std::optional<Entry> before, after;
  friend bool operator==(const KeyDifference&, const KeyDifference&) = default;
};

// All changes of one transaction in one namespace. A marker is one with no changes; then `hash` is set.
struct ChangeSet {
  Epoch epoch;
  Revision rev;
  Seq seq;
  Wall time{};
  std::string by;
  std::optional<std::string> note;
  std::optional<Lane> lane;
  std::vector<std::string> must;
  std::optional<std::uint64_t> hash;  // markers
  std::vector<Change> changes;
  friend bool operator==(const ChangeSet&, const ChangeSet&) = default;
  [[nodiscard]] bool is_marker() const { return changes.empty(); }
};

struct Head {
  Seq seq;
  Revision rev;
  Wall time{};
  std::uint64_t hash = 0;
  Lane lane = Lane::changes;
  friend bool operator==(const Head&, const Head&) = default;
};

struct NamespaceRow {
  std::string ns;
  Head head;
  std::uint64_t keys = 0;   // live entries
  std::uint64_t bytes = 0;  // keys and values of live entries
  bool secret = false;      // the policy says so of its values: not to be shown unasked
  friend bool operator==(const NamespaceRow&, const NamespaceRow&) = default;
};

// The content hash term of one live entry: XXH3-64 of (key, 0x00, rev as 8 bytes big-endian).
[[nodiscard]] std::uint64_t entry_hash(std::string_view key, Revision rev);

// ---- requests
// Decoded requests lend from the payload they were decoded from.

enum class Consistency : std::uint8_t { linearizable, local };

struct ReadOptions {
  std::optional<Revision> at;
  std::optional<std::uint64_t> at_time;  // microseconds
  std::optional<Revision> min_rev;
  Consistency consistency = Consistency::linearizable;
};

struct Page {
  std::optional<std::string_view> after;  // opaque cursor
  std::optional<std::uint64_t> limit;     // entries; >= 1
};

struct WriteOptions {
  std::optional<std::string_view> session;  // with n: `req`
  std::uint64_t n = 0;
  std::optional<std::string_view> note;
};

struct HelloRequest {
  std::string_view name, version, instance;
  std::vector<std::pair<std::string_view, std::string_view>> labels;
  std::vector<std::string_view> follow_ns, follow_under;
};
struct GetRequest {
  std::string_view ns, key;
  ReadOptions read;
};
struct MGetRequest {
  std::string_view ns;
  std::vector<std::string_view> keys;
  Page page;
  ReadOptions read;
};
struct ListRequest {
  std::string_view ns;
  bool subtree = false;
  bool values = true;
  std::optional<std::string_view> prefix, glob;
  Page page;
  ReadOptions read;
};
struct NamespacesRequest {
  std::string_view under;  // "" when absent
  Page page;
};
struct PutRequest {
  std::string_view ns, key, value;
  std::optional<Revision> if_rev;
  WriteOptions write;
};
struct DeleteRequest {
  std::string_view ns, key;
  std::optional<Revision> if_rev;
  WriteOptions write;
};
struct TxnRequest {
  struct Do {
    ChangeOp op = ChangeOp::put;
    std::string_view ns, key, value;
  };
  struct If {
    std::string_view ns, key;
    Revision rev;
  };
  std::vector<Do> changes;
  std::vector<If> conditions;
  WriteOptions write;
};
struct SnapshotRequest {
  std::optional<std::string_view> ns;  // exactly one of ns, under
  std::optional<std::string_view> under;
  std::optional<std::string_view> after;
  std::optional<std::uint64_t> max_bytes;
};
struct ChangesRequest {
  std::vector<std::pair<std::string_view, Seq>> since;  // this, or the next two
  std::optional<std::string_view> under;
  Revision since_rev;
  Page page;
};
struct HistoryRequest {
  std::string_view ns, key;
  std::optional<Revision> before;  // only versions older than this; >= 1
  Page page;
};
struct DiffRequest {
  std::string_view ns;
  Revision from, to;  // `to` 0 = now
  Page page;
};
struct RollbackRequest {
  std::string_view ns;
  std::optional<std::string_view> key;  // absent = the whole namespace
  Revision to;                          // >= 1
  WriteOptions write;
};
struct AckRequest {  // what a follower has applied since its last answered one (section 4)
  struct Rejection {
    std::string_view ns;
    Seq seq;  // of the change set
    std::string_view key, reason;
  };
  std::vector<std::pair<std::string_view, Seq>> applied;  // may be empty: nothing new
  std::vector<Rejection> rejected;
  std::vector<std::uint64_t> latency_us;  // from a change set's `time` until it was applied
  std::optional<std::string_view> state;
};
struct SubscribersRequest {
  std::optional<std::string_view> ns;  // only who follows it
  Page page;
};
struct WaitAppliedRequest {
  std::string_view ns;
  Seq seq;
  std::uint64_t timeout_ms = 0;
  std::optional<std::uint64_t> count;  // so many are enough; absent = all
};
struct KeysRequest {  // of the sealed stream; neither ns nor under: of all that may be read
  std::vector<std::string_view> ns, under;
  std::optional<std::uint64_t> period;  // only this one; absent: the current one and its neighbours
  Page page;
};
struct AuditRequest {                      // who did what, from the journal and the audit file, oldest first
  std::optional<std::string_view> ns, by;  // only of this namespace, of this principal
  std::optional<std::uint64_t> since;      // a time
  Page page;
};
struct BackupRequest {
  std::string_view name;  // of the file, see validate_backup_name
};
struct StatusRequest {};
struct UnsupportedRequest {  // an op of the contract that this broker does not serve, or no op of it at all
  std::string_view op;
};

using RequestBody =
    std::variant<UnsupportedRequest, HelloRequest, GetRequest, MGetRequest, ListRequest, NamespacesRequest,
                 PutRequest, DeleteRequest, TxnRequest, SnapshotRequest, ChangesRequest, HistoryRequest,
                 DiffRequest, RollbackRequest, AckRequest, SubscribersRequest, WaitAppliedRequest,
                 KeysRequest, BackupRequest, AuditRequest, StatusRequest>;

struct Request {
  MessageId id;
  std::optional<std::string_view> token;
  std::optional<Epoch> epoch;
  RequestBody body;
};

// ---- replies (of ack, subscribers, wait_applied: wire/acknowledgement.hpp)

struct LimitsInForce {
  std::uint64_t ns_bytes, key_bytes, value_bytes, value_depth, txn_changes, txn_bytes, message_bytes,
      note_bytes, session_writes, sessions;
  friend bool operator==(const LimitsInForce&, const LimitsInForce&) = default;
};
[[nodiscard]] LimitsInForce default_limits();

struct HelloReply {
  std::uint64_t protocol = 1;
  std::string server;
  Run run;
  std::vector<std::string> changes, express, brokers;
  bool sealed = false, stream_curve = false;
  std::uint64_t heartbeat_ms = 0, ack_ms = 0;
  LimitsInForce limits{};
  std::string principal;
  std::optional<std::uint64_t> expires;
  friend bool operator==(const HelloReply&, const HelloReply&) = default;
};
struct PutReply {
  Seq seq;
  std::uint64_t version = 0;
  bool duplicate = false;
};
struct DeleteReply {
  Seq seq;
  bool duplicate = false;
};
struct TxnReply {
  std::vector<std::pair<std::string, Seq>> seqs;
  std::vector<std::uint64_t> versions;  // in `do` order, 0 for deletes
  bool duplicate = false;
};
struct RollbackReply {
  Seq seq;                    // of the new change set; the namespace's present one when nothing differed
  std::uint64_t changes = 0;  // 0 = nothing differed, and there is no new revision
  bool duplicate = false;
};
struct BackupReply {
  std::string path;  // at the broker
  std::uint64_t bytes = 0;
  std::string sha256;  // 64 hex digits, lower case
};
struct HistoryReply {  // newest first
  std::vector<KeyVersion> versions;
  bool more = false;
  std::optional<std::string> after;
};
struct DiffReply {  // in key order
  std::vector<KeyDifference> changes;
  bool more = false;
  std::optional<std::string> after;
};
struct EntriesReply {  // list, mget (absent entries are nullopt)
  std::vector<std::optional<Entry>> entries;
  bool more = false;
  std::optional<std::string> after;
};
struct NamespacesReply {
  std::vector<NamespaceRow> namespaces;
  bool more = false;
  std::optional<std::string> after;
};
struct SnapshotReply {
  std::vector<Entry> entries;
  std::vector<std::pair<std::string, Head>> heads;
  bool more = false;
  std::optional<std::string> after;
};
struct ChangesReply {
  std::vector<std::pair<std::string, ChangeSet>> sets;
  std::vector<std::pair<std::string, Head>> heads;
  std::vector<std::pair<std::string, Error>> failed;
  bool more = false;
  std::optional<std::string> after;
};

// The part every reply has. `body` lends the whole payload: the op's own decoder reads its fields from it.
struct ReplyHeader {
  MessageId id;
  Epoch epoch;
  Revision rev;
  std::optional<Revision> at;  // of a read of the past: the revision it was read at
  std::optional<Error> error;  // set = the request failed
  std::string_view body;
};

// ---- stream

struct Heartbeat {
  Epoch epoch;
  Run run;
  Revision rev;
  std::uint64_t next_ms = 0;
  std::optional<std::uint64_t> period;
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};
struct Barrier {
  Epoch epoch;
  Run run;
  Revision rev;
  friend bool operator==(const Barrier&, const Barrier&) = default;
};

}  // namespace prismbus
