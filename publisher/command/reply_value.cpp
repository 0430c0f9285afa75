#include "publisher/command/reply_value.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace prismbus::command {

std::string hex_text(std::uint64_t n) {
  return fmt::format("{:016x}", n);
}

Fields& Fields::field(std::string_view name, Value value) {
  members_.push_back({Value::text(name), std::move(value)});
  return *this;
}
Fields& Fields::hex(std::string_view name, std::uint64_t n) {
  return field(name, hex_text(n));
}
Fields& Fields::value(std::string_view encoded, Shown shown) {
  field("value", shown_value(encoded, shown));
  return shown == Shown::masked ? field("masked", true) : *this;
}

Fields ok_reply(Epoch epoch, Revision rev) {
  Fields f;
  f.field("ok", true).hex("epoch", epoch.value()).field("rev", rev.value());
  return f;
}
Value failed_reply(const Failure& failure) {
  return Fields().field("ok", false).field("error", error_value(failure)).take();
}

Value stored_value(std::string_view encoded) {
  auto value = from_message_pack(encoded);
  if (value) return std::move(*value);
  Value v;
  v.data = Binary{std::string(encoded)};
  return v;
}

Value entry_value(const Entry& e, Shown shown, bool with_value) {
  Fields f;
  f.field("ns", e.ns).field("key", e.key);
  if (with_value) f.value(e.value, shown);
  f.field("rev", e.rev.value()).field("version", e.version).field("created", e.created.value());
  f.field("time", to_micros(e.time)).field("by", e.by);
  return f.take();
}

Value namespace_value(const NamespaceRow& row) {
  Fields f;
  f.field("ns", row.ns).field("seq", row.head.seq.value()).field("rev", row.head.rev.value());
  f.field("time", to_micros(row.head.time)).field("keys", row.keys).field("bytes", row.bytes);
  f.hex("hash", row.head.hash).field("lane", row.head.lane == Lane::express ? "express" : "changes");
  if (row.secret) f.field("secret", true);
  return f.take();
}

Value head_value(const Head& head) {
  Fields f;
  f.field("seq", head.seq.value()).field("rev", head.rev.value()).field("time", to_micros(head.time));
  f.hex("hash", head.hash).field("lane", head.lane == Lane::express ? "express" : "changes");
  return f.take();
}

Value heads_value(const std::vector<std::pair<std::string, Head>>& heads) {
  Fields f;
  for (const auto& [ns, head] : heads) f.field(ns, head_value(head));
  return f.take();
}

Value set_value(const std::string& ns, const ChangeSet& set, Shown shown) {
  Fields f;
  f.field("ns", ns).hex("epoch", set.epoch.value()).field("rev", set.rev.value());
  f.field("seq", set.seq.value()).field("time", to_micros(set.time)).field("by", set.by);
  if (set.note) f.field("note", *set.note);
  if (set.lane) f.field("lane", *set.lane == Lane::express ? "express" : "changes");
  Value::Array changes;
  for (const Change& c : set.changes) {
    Fields change;
    change.field("op", c.op == ChangeOp::put ? "put" : "delete").field("key", c.key);
    if (c.op == ChangeOp::put) change.value(c.value, shown).field("version", c.version);
    changes.push_back(change.take());
  }
  return f.field("changes", Value::array(std::move(changes))).take();
}

Value version_value(const KeyVersion& v, Shown shown) {
  Fields f;
  f.field("rev", v.rev.value()).field("op", v.op == ChangeOp::put ? "put" : "delete");
  if (v.op == ChangeOp::put) f.value(v.value, shown).field("version", v.version);
  f.field("time", to_micros(v.time)).field("by", v.by);
  if (v.note) f.field("note", *v.note);
  if (v.req) {
    Value session;
    session.data = Binary{v.req->session};
    f.field("req", Value::array({std::move(session), Value::number(v.req->n)}));
  }
  return f.take();
}

Value key_difference_value(const KeyDifference& d, Shown shown) {
  Fields f;
  f.field("key", d.key);
  if (d.before) f.field("before", entry_value(*d.before, shown));
  if (d.after) f.field("after", entry_value(*d.after, shown));
  return f.take();
}

Value seqs_value(const std::vector<std::pair<std::string, Seq>>& seqs) {
  Fields f;
  for (const auto& [ns, seq] : seqs) f.field(ns, seq.value());
  return f.take();
}

void hex_names(Value& reply) {
  for (const std::string_view name : {"epoch", "run", "hash"}) {
    Value* value = reply.find(name);
    const auto* n = value == nullptr ? nullptr : value->as<std::uint64_t>();
    if (n != nullptr) *value = Value::text(hex_text(*n));
  }
}

std::string time_text(Wall time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", std::chrono::time_point_cast<std::chrono::seconds>(time));
}

}  // namespace prismbus::command
