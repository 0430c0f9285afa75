// The broker's side of replies.
#include "proto/base/assert.hpp"
#include "proto/wire/codec/cursor.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus::codec {
namespace {

constexpr std::uint32_t kCommonFields = 4;

std::string begin(const ReplyHead& head, bool ok, std::uint32_t fields) {
  std::string payload;
  payload.reserve(96);
  Writer out(payload);
  out.map(kCommonFields + (head.at ? 1 : 0) + fields);
  out.name("id");
  out.integer(head.id);
  out.field("ok", ok);
  out.field("epoch", head.epoch.value());
  out.field("rev", head.rev.value());
  if (head.at) out.field("at", head.at->value());
  return payload;
}

void texts(Writer& out, std::string_view name, const std::vector<std::string>& items) {
  out.text(name);
  out.array(static_cast<std::uint32_t>(items.size()));
  for (const auto& item : items) out.text(item);
}

void write_limits(Writer& out, const LimitsInForce& limits) {
  out.map(10);
  out.field("ns_bytes", limits.ns_bytes);
  out.field("key_bytes", limits.key_bytes);
  out.field("value_bytes", limits.value_bytes);
  out.field("value_depth", limits.value_depth);
  out.field("txn_changes", limits.txn_changes);
  out.field("txn_bytes", limits.txn_bytes);
  out.field("message_bytes", limits.message_bytes);
  out.field("note_bytes", limits.note_bytes);
  out.field("session_writes", limits.session_writes);
  out.field("sessions", limits.sessions);
}

void write_entry(Writer& out, const EntryView& entry, bool with_value) {
  out.map(with_value ? 8 : 7);
  out.field("ns", entry.ns);
  out.field("key", entry.key);
  if (with_value) {
    out.name("value");
    out.raw(entry.value);
  }
  out.field("rev", entry.rev.value());
  out.field("version", entry.version);
  out.field("created", entry.created.value());
  out.field("time", to_micros(entry.time));
  out.field("by", entry.by);
}

std::string_view lane_name(Lane lane) {
  return lane == Lane::express ? "express" : "changes";
}

}  // namespace

std::string begin_reply(const ReplyHead& head, std::uint32_t fields) {
  return begin(head, true, fields);
}

std::string encode_error_reply(const ReplyHead& head, const Error& error) {
  std::string payload = begin(head, false, 1);
  Writer out(payload);
  out.name("error");
  encode_error(out, error);
  return payload;
}

std::string encode_hello_reply(const ReplyHead& head, const HelloReply& hello) {
  std::string payload = begin(head, true, hello.expires ? 13 : 12);
  Writer out(payload);
  out.field("protocol", hello.protocol);
  out.field("server", std::string_view(hello.server));
  out.field("run", hello.run.value());
  texts(out, "changes", hello.changes);
  texts(out, "express", hello.express);
  texts(out, "brokers", hello.brokers);
  out.field("sealed", hello.sealed);
  out.field("stream_curve", hello.stream_curve);
  out.field("heartbeat_ms", hello.heartbeat_ms);
  out.field("ack_ms", hello.ack_ms);
  out.name("limits");
  write_limits(out, hello.limits);
  out.field("principal", std::string_view(hello.principal));
  if (hello.expires) out.field("expires", *hello.expires);
  return payload;
}

std::string encode_entry_reply(const ReplyHead& head, const EntryView& entry) {
  std::string payload = begin(head, true, 1);
  payload.reserve(payload.size() + entry.value.size() + entry.ns.size() + entry.key.size() + entry.by.size() +
                  96);
  Writer out(payload);
  out.name("entry");
  write_entry(out, entry, true);
  return payload;
}

std::string encode_put_reply(const ReplyHead& head, const PutReply& reply) {
  std::string payload = begin(head, true, reply.duplicate ? 3 : 2);
  Writer out(payload);
  out.field("seq", reply.seq.value());
  out.field("version", reply.version);
  if (reply.duplicate) out.field("duplicate", true);
  return payload;
}

std::string encode_delete_reply(const ReplyHead& head, const DeleteReply& reply) {
  std::string payload = begin(head, true, reply.duplicate ? 2 : 1);
  Writer out(payload);
  out.field("seq", reply.seq.value());
  if (reply.duplicate) out.field("duplicate", true);
  return payload;
}

std::string encode_txn_reply(const ReplyHead& head, const TxnReply& reply) {
  std::string payload = begin(head, true, reply.duplicate ? 3 : 2);
  Writer out(payload);
  out.name("seqs");
  out.map(static_cast<std::uint32_t>(reply.seqs.size()));
  for (const auto& [ns, seq] : reply.seqs) out.field(ns, seq.value());
  out.name("versions");
  out.array(static_cast<std::uint32_t>(reply.versions.size()));
  for (const auto version : reply.versions) out.uint(version);
  if (reply.duplicate) out.field("duplicate", true);
  return payload;
}

std::string encode_rollback_reply(const ReplyHead& head, const RollbackReply& reply) {
  std::string payload = begin(head, true, reply.duplicate ? 3 : 2);
  Writer out(payload);
  out.field("seq", reply.seq.value());
  out.field("changes", reply.changes);
  if (reply.duplicate) out.field("duplicate", true);
  return payload;
}

std::string encode_backup_reply(const ReplyHead& head, const BackupReply& reply) {
  std::string payload = begin(head, true, 3);
  Writer out(payload);
  out.field("path", std::string_view(reply.path));
  out.field("bytes", reply.bytes);
  out.field("sha256", std::string_view(reply.sha256));
  return payload;
}

void encode_entry(Writer& out, const EntryView& entry) {
  write_entry(out, entry, true);
}

void encode_entry_without_value(Writer& out, const EntryView& entry) {
  write_entry(out, entry, false);
}

void encode_head(Writer& out, const Head& head) {
  out.map(5);
  out.field("seq", head.seq.value());
  out.field("rev", head.rev.value());
  out.field("time", to_micros(head.time));
  out.field("hash", head.hash);
  out.field("lane", lane_name(head.lane));
}

void encode_key_version(Writer& out, const KeyVersionView& version) {
  const bool put = version.op == ChangeOp::put;
  out.map(4u + (put ? 2u : 0u) + (version.note ? 1u : 0u) + (version.req != nullptr ? 1u : 0u));
  out.field("rev", version.rev.value());
  out.field("op", put ? "put" : "delete");
  if (put) {
    out.name("value");
    out.raw(version.value);
    out.field("version", version.version);
  }
  out.field("time", to_micros(version.time));
  out.field("by", version.by);
  if (version.note) out.field("note", *version.note);
  if (version.req == nullptr) return;
  out.name("req");
  out.array(2);
  out.bin(version.req->session);
  out.uint(version.req->n);
}

void encode_key_difference(Writer& out, std::string_view key, const EntryView* before,
                           const EntryView* after) {
  PRISMBUS_ASSERT(before != nullptr || after != nullptr, "absent twice is no difference");
  out.map(before != nullptr && after != nullptr ? 3 : 2);
  out.field("key", key);
  if (before != nullptr) {
    out.name("before");
    write_entry(out, *before, true);
  }
  if (after == nullptr) return;
  out.name("after");
  write_entry(out, *after, true);
}

void encode_namespace_row(Writer& out, std::string_view ns, const Head& head, std::uint64_t keys,
                          std::uint64_t bytes, bool secret) {
  out.map(secret ? 9 : 8);
  out.field("ns", ns);
  out.field("seq", head.seq.value());
  out.field("rev", head.rev.value());
  out.field("time", to_micros(head.time));
  out.field("keys", keys);
  out.field("bytes", bytes);
  out.field("hash", head.hash);
  out.field("lane", lane_name(head.lane));
  if (secret) out.field("secret", true);
}

void encode_error(Writer& out, const Error& error) {
  // One list for both passes: how many fields there are, and the fields.
  std::uint32_t count = 2;
  const auto each = [&](const auto& visit) {
    visit("field", error.field);
    visit("ns", error.ns);
    visit("key", error.key);
    visit("rev", error.rev);
    visit("index", error.index);
    visit("floor", error.floor);
    visit("limit", error.limit);
    visit("size", error.size);
    visit("retry_after_ms", error.retry_after_ms);
    visit("path", error.path);
    visit("reason", error.reason);
    visit("incident", error.incident);
  };
  each([&](const char*, const auto& v) { count += v.has_value() ? 1u : 0u; });
  out.map(count);
  out.field("code", error_row(error.code).name);
  out.field("message", std::string_view(error.message));
  each([&](const char* name, const auto& v) {
    if (v) out.field(name, *v);
  });
}

void encode_set_with_ns(Writer& out, std::string_view ns, std::string_view encoded_set) {
  Cursor cursor(encoded_set);
  std::uint32_t fields = 0;
  const bool is_map = cursor.read_map(fields);
  PRISMBUS_ASSERT(is_map, "an encoded change set is a map: this broker wrote it");
  out.map(fields + 1);
  out.field("ns", ns);
  out.raw(encoded_set.substr(encoded_set.size() - cursor.left()));
}

}  // namespace prismbus::codec
