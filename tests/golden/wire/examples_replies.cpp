// One reply of every kind, with all its fields.
#include "proto/wire/codec/acknowledgement.hpp"
#include "proto/wire/codec/audit.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/stream.hpp"
#include "proto/wire/codec/stream_keys.hpp"
#include "tests/golden/wire/examples.hpp"

namespace prismbus::golden {
namespace {

constexpr std::string_view kCursor(
    "\x00\xff"
    "cursor",
    8);
const Wall kTime = from_micros(1'700'000'000'123'456);

codec::ReplyHead head_of(std::uint64_t id) {
  return {{false, id}, Epoch(0x0123456789abcdef), Revision(42)};
}

codec::ReplyHead head_of_past(std::uint64_t id) {
  codec::ReplyHead head = head_of(id);
  head.at = Revision(40);
  return head;
}

EntryView entry() {
  return {"trading.leverage", "tiers/BTC-USD", kValue, Revision(42), Revision(9), 3, kTime, "anonymous"};
}

Head head() {
  return {Seq(5), Revision(42), kTime, 0xfedcba9876543210, Lane::changes};
}

// A page: the op's own fields by `write`, then more and after.
template <class Write>
std::string page(std::uint64_t id, std::uint32_t fields, Write write) {
  std::string payload = codec::begin_reply(head_of(id), fields + 2);
  codec::Writer out(payload);
  write(out);
  out.field("more", true);
  out.text("after");
  out.bin(kCursor);
  return payload;
}

void write_heads(codec::Writer& out) {
  out.text("heads");
  out.map(1);
  out.text("trading.leverage");
  codec::encode_head(out, head());
}

std::string hello(bool expires) {
  HelloReply reply;
  reply.server = "prismbus 0.1.0";
  reply.run = Run(0xaabbccdd00112233);
  reply.changes = {"tcp://*:7401", "ipc:///run/prismbus/changes"};
  reply.brokers = {"tcp://10.0.0.2:7400"};
  reply.heartbeat_ms = 1000;
  reply.ack_ms = 2000;
  reply.limits = default_limits();
  reply.principal = "anonymous";
  if (expires) reply.expires = 1'700'000'600'000'000;
  return codec::encode_hello_reply(head_of(1), reply);
}

std::string error_with_every_field() {
  Error error;
  error.code = ErrorCode::conflict;
  error.message = "a compare failed";
  error.field = "if[0].rev";
  error.ns = "a.b";
  error.key = "k";
  error.rev = 0;
  error.index = 3;
  error.floor = 11;
  error.limit = 1000;
  error.size = 1001;
  error.retry_after_ms = 250;
  error.path = "/leverage/0";
  error.reason = "above the cap";
  error.incident = "5f1d";
  return codec::encode_error_reply(head_of(6), error);
}

std::string history() {
  const RequestId req{std::string("\x00\x01\x02\x03\xfc\xfd\xfe\xff", 8), 12};
  return page(13, 1, [&](codec::Writer& out) {
    out.text("versions");
    out.array(2);
    codec::encode_key_version(out, {Revision(42), ChangeOp::del, {}, 0, kTime, "anonymous", "why", &req});
    codec::encode_key_version(out, {Revision(9), ChangeOp::put, kValue, 1, kTime, "anonymous", {}, nullptr});
  });
}

std::string diff() {
  const EntryView there = entry();
  return page(14, 1, [&](codec::Writer& out) {
    out.text("changes");
    out.array(3);
    codec::encode_key_difference(out, there.key, nullptr, &there);
    codec::encode_key_difference(out, there.key, &there, &there);
    codec::encode_key_difference(out, there.key, &there, nullptr);
  });
}

std::string changes() {
  std::string set;
  std::vector<codec::ChangeOffsets> offsets;
  codec::encode_change_set(set, {Epoch(0x0123456789abcdef), Revision(42), Seq(5), kTime, "anonymous", "why"},
                           {{ChangeOp::put, "tiers/BTC-USD", kValue, 3}, {ChangeOp::del, "tiers/OLD", {}, 0}},
                           offsets);
  return page(11, 3, [&](codec::Writer& out) {
    out.text("sets");
    out.array(1);
    codec::encode_set_with_ns(out, "trading.leverage", set);
    write_heads(out);
    out.text("failed");
    out.map(1);
    out.text("gone");
    Error error;
    error.code = ErrorCode::compacted;
    error.message = "history below the floor is gone";
    error.floor = 11;
    codec::encode_error(out, error);
  });
}

std::string subscribers() {
  SubscriberRow full{.principal = "anonymous",
                     .instance = "pricing-7",
                     .name = "pricing",
                     .labels = {{"rack", "r1"}, {"zone", "b"}},
                     .since = kTime,
                     .endpoint = "10.0.0.7",
                     .applied = {{"a.b", Seq(5)}, {"c", Seq(0)}},
                     .names = 2,
                     .lag = 3,
                     .rejected = {{"a.b", Seq(4), "tick_size", "must be > 0"}},
                     .rejections = 17,
                     .state = "live",
                     .silent = true,
                     .last_seen = kTime,
                     .latency_us = LatencyFigures{310, 70'000}};
  SubscriberRow bare;
  bare.principal = "anonymous";
  bare.instance = "#12";
  bare.since = kTime;
  bare.last_seen = kTime;
  return codec::encode_subscribers_reply(head_of(20), {{full, bare}, true, std::string(kCursor)});
}

}  // namespace

std::vector<Example> reply_examples() {
  const auto entries = [](codec::Writer& out) {
    out.text("entries");
    out.array(3);
    codec::encode_entry(out, entry());
    out.nil();
    codec::encode_entry_without_value(out, entry());
  };
  const auto snapshot = [](codec::Writer& out) {
    out.text("entries");
    out.array(1);
    codec::encode_entry(out, entry());
    write_heads(out);
  };
  const auto namespaces = [](codec::Writer& out) {
    out.text("namespaces");
    out.array(1);
    codec::encode_namespace_row(out, "trading.leverage", head(), 17, 4096, false);
  };
  const auto secret_namespaces = [](codec::Writer& out) {
    out.text("namespaces");
    out.array(1);
    codec::encode_namespace_row(out, "risk.accounts", head(), 3, 96, true);
  };
  return {
      {"reply_hello", hello(false)},
      {"reply_hello_expires", hello(true)},
      {"reply_entry", codec::encode_entry_reply(head_of(2), entry())},
      {"reply_entries", page(3, 1, entries)},
      {"reply_namespaces", page(5, 1, namespaces)},
      {"reply_namespaces_secret", page(5, 1, secret_namespaces)},
      {"reply_put", codec::encode_put_reply(head_of(6), {Seq(5), 3, false})},
      {"reply_put_duplicate", codec::encode_put_reply(head_of(6), {Seq(5), 3, true})},
      {"reply_delete", codec::encode_delete_reply(head_of(7), {Seq(6), false})},
      {"reply_txn", codec::encode_txn_reply(head_of(8), {{{"a.b", Seq(5)}, {"c", Seq(1)}}, {3, 0}, true})},
      {"reply_snapshot", page(9, 2, snapshot)},
      {"reply_changes", changes()},
      {"reply_entry_at", codec::encode_entry_reply(head_of_past(2), entry())},
      {"reply_error_at",
       codec::encode_error_reply(head_of_past(2), fail(ErrorCode::not_found, "no such key").value())},
      {"reply_history", history()},
      {"reply_diff", diff()},
      {"reply_rollback", codec::encode_rollback_reply(head_of(15), {Seq(6), 2, false})},
      {"reply_rollback_duplicate", codec::encode_rollback_reply(head_of(15), {Seq(6), 2, true})},
      {"reply_backup",
       codec::encode_backup_reply(head_of(17), {"/var/backups/prismbus/nightly-2026-11-24.1", 40960,
                                                std::string(32, 'a') + std::string(32, '0')})},
      {"reply_audit", codec::encode_audit_reply(head_of(25), {{{"write",
                                                                from_micros(1'764'279'600'123'456),
                                                                "alice",
                                                                {"a.b", "c"},
                                                                "txn",
                                                                "why",
                                                                Revision(7),
                                                                2,
                                                                {},
                                                                {},
                                                                1,
                                                                {}},
                                                               {"refused",
                                                                from_micros(1'764'279'600'123'457),
                                                                "bob",
                                                                {"a.b"},
                                                                "get",
                                                                {},
                                                                {},
                                                                0,
                                                                "10.0.0.1",
                                                                "permission_denied",
                                                                12,
                                                                "{}"}},
                                                              true,
                                                              "cursor"})},
      {"reply_keys", codec::encode_keys_reply(
                         head_of(23), {(2ull << 40) + 29'700'000,
                                       41'250,
                                       {{"", true, (2ull << 40) + 29'700'000, std::string(32, 'k')},
                                        {"a.b", false, (2ull << 40) + 29'699'999, std::string(32, '\0')}},
                                       true,
                                       "cursor"})},
      {"reply_ack", codec::encode_ack_reply(head_of(18), {{{"a.b", head()}}, 2000})},
      {"reply_subscribers", subscribers()},
      {"reply_wait_applied",
       codec::encode_wait_applied_reply(
           head_of(21),
           {{"pricing-7", "#12"}, {"risk-1"}, {"risk-2"}, {{"risk-1", "tick_size", "must be > 0"}}})},
      {"reply_error", error_with_every_field()},
      {"reply_error_bare",
       codec::encode_error_reply({{}, Epoch(1), Revision(0)}, fail(ErrorCode::unavailable, "").value())},
  };
}

}  // namespace prismbus::golden
