// The clients' side of replies: the common part, and the replies that are no pages.
#include <utility>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/reply_parts.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::codec {
namespace {

std::optional<std::string> maybe_string(MapReader& in, Name name) {
  const auto text = in.maybe_text(name);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

void read_texts(MapReader& in, Name name, std::vector<std::string>& out) {
  Items list = in.array(name);
  Place place = in.at(name);
  if (list.count > limits::kListedNames) {
    return in.fault().set(over_limit(place.spell(), "too many of them", limits::kListedNames, list.count));
  }
  std::string_view text;
  for (std::uint32_t i = 0; i < list.count; ++i) {
    place.index = i;
    if (!list.items.read_text(text) || !is_utf8(text))
      return in.fault().refuse(place, "must be a string of UTF-8");
    out.emplace_back(text);
  }
}

LimitsInForce read_limits(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  LimitsInForce limits{};
  limits.ns_bytes = in.uint("ns_bytes");
  limits.key_bytes = in.uint("key_bytes");
  limits.value_bytes = in.uint("value_bytes");
  limits.value_depth = in.uint("value_depth");
  limits.txn_changes = in.uint("txn_changes");
  limits.txn_bytes = in.uint("txn_bytes");
  limits.message_bytes = in.uint("message_bytes");
  limits.note_bytes = in.uint("note_bytes");
  limits.session_writes = in.uint("session_writes");
  limits.sessions = in.uint("sessions");
  return limits;
}

// `seqs: {ns: seq}` of a transaction.
void read_seqs(MapReader& in, std::vector<std::pair<std::string, Seq>>& seqs) {
  const Place place = in.at("seqs");
  Fault& fault = in.fault();
  Items pairs = in.pairs("seqs");
  std::vector<std::string_view> names;
  std::string_view ns;
  std::string_view encoded;
  for (std::uint32_t i = 0; i < pairs.count; ++i) {
    if (!next_pair(pairs, place, fault, ns, encoded)) return;
    if (!is_namespace(ns)) return fault.set(validate_namespace(ns, place.spell()));
    std::uint64_t seq = 0;
    if (!uint_of(encoded, seq)) return fault.refuse({&place, ns, {}}, "must be an unsigned integer");
    seqs.emplace_back(ns, Seq(seq));
    names.push_back(ns);
  }
  check_unique(std::move(names), place, fault);
}

}  // namespace

Error read_error(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  Error error;
  const auto code = in.text("code");
  error.message = std::string(in.text("message"));
  if (const auto known = error_code_named(code)) {
    error.code = *known;
  } else {  // of a later version: what it means is not known here, so the outcome is not either
    error.code = ErrorCode::internal;
    error = in_context(code, std::move(error));
  }
  error.field = maybe_string(in, "field");
  error.ns = maybe_string(in, "ns");
  error.key = maybe_string(in, "key");
  error.rev = in.maybe_uint("rev");
  error.index = in.maybe_uint("index");
  error.floor = in.maybe_uint("floor");
  error.limit = in.maybe_uint("limit");
  error.size = in.maybe_uint("size");
  error.retry_after_ms = in.maybe_uint("retry_after_ms");
  error.path = maybe_string(in, "path");
  error.reason = maybe_string(in, "reason");
  error.incident = maybe_string(in, "incident");
  return error;
}

Entry read_entry(std::string_view encoded, const Place& place, Fault& fault, bool value_required) {
  MapReader in(encoded, &place, fault);
  Entry entry;
  entry.ns = std::string(in.ns("ns"));
  entry.key = std::string(in.key("key"));
  entry.value = std::string(value_required ? in.any("value") : in.maybe_any("value"));
  entry.rev = Revision(in.uint("rev"));
  entry.version = in.uint("version");
  entry.created = Revision(in.uint("created"));
  entry.time = from_micros(in.uint("time"));
  entry.by = std::string(in.text("by"));
  return entry;
}

std::optional<ErrorCode> find_refusal(std::string_view payload) {
  Cursor cursor(payload);
  std::uint32_t fields = 0;
  std::string_view name;
  bool ok = false;
  if (!cursor.read_map(fields)) return std::nullopt;
  for (; fields > 0 && cursor.read_text(name); --fields) {
    if (name == "ok" && cursor.read_boolean(ok) && ok) return std::nullopt;
    if (name == "error") {  // its code stands first
      std::string_view code;
      if (!cursor.read_map(fields) || !cursor.read_text(name) || name != "code" || !cursor.read_text(code))
        return std::nullopt;
      return error_code_named(code);
    }
    if (name != "ok" && !cursor.skip()) return std::nullopt;
  }
  return std::nullopt;
}

Result<ReplyHeader> decode_reply(std::string_view payload) {
  Fault fault;
  MapReader in(payload, nullptr, fault);
  ReplyHeader header;
  header.body = payload;
  const auto id = in.any("id");
  if (!id.empty() && !Cursor(id).read_integer(header.id)) fault.refuse(in.at("id"), "must be an integer");
  header.epoch = Epoch(in.uint("epoch"));
  header.rev = Revision(in.uint("rev"));
  if (const auto at = in.maybe_uint("at")) header.at = Revision(*at);
  const bool good = in.boolean("ok");
  if (!good && fault.ok()) header.error = read_error(in.any("error"), in.at("error"), fault);
  if (!fault.ok()) return fault.take();
  return header;
}

Result<HelloReply> decode_hello_reply(const ReplyHeader& reply) {
  return read_reply<HelloReply>(reply, [](MapReader& in, HelloReply& hello) {
    hello.protocol = in.uint("protocol");
    hello.server = std::string(in.text("server"));
    hello.run = Run(in.uint("run"));
    read_texts(in, "changes", hello.changes);
    read_texts(in, "express", hello.express);
    read_texts(in, "brokers", hello.brokers);
    hello.sealed = in.boolean("sealed");
    hello.stream_curve = in.boolean("stream_curve");
    hello.heartbeat_ms = in.uint("heartbeat_ms");
    hello.ack_ms = in.uint("ack_ms");
    const auto limits = in.any("limits");
    if (!limits.empty()) hello.limits = read_limits(limits, in.at("limits"), in.fault());
    hello.principal = std::string(in.text("principal"));
    hello.expires = in.maybe_uint("expires");
  });
}

Result<Entry> decode_entry_reply(const ReplyHeader& reply) {
  return read_reply<Entry>(reply, [](MapReader& in, Entry& entry) {
    const auto encoded = in.any("entry");
    if (!encoded.empty()) entry = read_entry(encoded, in.at("entry"), in.fault(), true);
  });
}

bool says_duplicate(const ReplyHeader& reply) {
  return read_reply<bool>(reply, [](MapReader& in, bool& out) { out = in.boolean_or("duplicate", false); })
      .value_or(false);
}

Result<PutReply> decode_put_reply(const ReplyHeader& reply) {
  return read_reply<PutReply>(reply, [](MapReader& in, PutReply& put) {
    put.seq = Seq(in.uint("seq"));
    put.version = in.uint("version");
    put.duplicate = in.boolean_or("duplicate", false);
  });
}

Result<DeleteReply> decode_delete_reply(const ReplyHeader& reply) {
  return read_reply<DeleteReply>(reply, [](MapReader& in, DeleteReply& del) {
    del.seq = Seq(in.uint("seq"));
    del.duplicate = in.boolean_or("duplicate", false);
  });
}

Result<RollbackReply> decode_rollback_reply(const ReplyHeader& reply) {
  return read_reply<RollbackReply>(reply, [](MapReader& in, RollbackReply& rollback) {
    rollback.seq = Seq(in.uint("seq"));
    rollback.changes = in.uint("changes");
    rollback.duplicate = in.boolean_or("duplicate", false);
  });
}

Result<BackupReply> decode_backup_reply(const ReplyHeader& reply) {
  return read_reply<BackupReply>(reply, [](MapReader& in, BackupReply& backup) {
    backup.path = std::string(in.text("path"));
    backup.bytes = in.uint("bytes");
    backup.sha256 = std::string(in.text("sha256"));
  });
}

Result<TxnReply> decode_txn_reply(const ReplyHeader& reply) {
  return read_reply<TxnReply>(reply, [](MapReader& in, TxnReply& txn) {
    read_seqs(in, txn.seqs);
    Items versions = in.array("versions");
    const Place place = in.at("versions");
    for (std::uint32_t i = 0; i < versions.count; ++i) {
      std::uint64_t version = 0;
      if (!versions.items.read_uint(version)) return in.fault().refuse(place, "must be unsigned integers");
      txn.versions.push_back(version);
    }
    txn.duplicate = in.boolean_or("duplicate", false);
  });
}

}  // namespace prismbus::codec
