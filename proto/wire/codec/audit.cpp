#include "proto/wire/codec/audit.hpp"

#include "proto/wire/codec/reply_parts.hpp"
#include "proto/wire/codec/writer.hpp"

namespace prismbus::codec {
namespace {

std::optional<std::string> maybe_own(MapReader& in, Name name) {
  const auto text = in.maybe_text(name);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

AuditRecord read_record(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  AuditRecord record;
  record.what = std::string(in.text("what"));
  record.time = from_micros(in.uint("time"));
  record.by = std::string(in.text("by"));
  each_item(in, "ns", [&](std::string_view item, const Place& at) {
    std::string_view ns;
    if (!text_of(item, ns)) return fault.refuse(at, "must be a string");
    record.ns.emplace_back(ns);
  });
  record.op = maybe_own(in, "op");
  record.note = maybe_own(in, "note");
  if (const auto rev = in.maybe_uint("rev")) {
    record.rev = Revision(*rev);
    record.changes = in.uint("changes");
  }
  record.from = maybe_own(in, "from");
  record.code = maybe_own(in, "code");
  record.times = in.maybe_uint("times").value_or(1);
  record.line = maybe_own(in, "line");
  return record;
}

std::uint32_t field_count(const AuditRecord& record) {
  std::uint32_t fields = 4;
  for (const auto* text : {&record.op, &record.note, &record.from, &record.code, &record.line}) {
    if (*text) ++fields;
  }
  return fields + (record.rev ? 2 : 0) + (record.times != 1 ? 1 : 0);
}

void put_if(Writer& out, std::string_view name, const std::optional<std::string>& text) {
  if (text) out.field(name, std::string_view(*text));
}

}  // namespace

std::string encode_audit_record(const AuditRecord& record) {
  std::string bytes;
  Writer out(bytes);
  out.map(field_count(record));
  out.field("what", std::string_view(record.what));
  out.field("time", to_micros(record.time));
  out.field("by", std::string_view(record.by));
  out.name("ns");
  out.array(static_cast<std::uint32_t>(record.ns.size()));
  for (const std::string& ns : record.ns) out.text(ns);
  put_if(out, "op", record.op);
  put_if(out, "note", record.note);
  if (record.rev) {
    out.field("rev", record.rev->value());
    out.field("changes", record.changes);
  }
  put_if(out, "from", record.from);
  put_if(out, "code", record.code);
  if (record.times != 1) out.field("times", record.times);
  put_if(out, "line", record.line);
  return bytes;
}

std::string encode_audit_reply(const ReplyHead& head, const AuditReply& reply) {
  std::string payload = begin_reply(head, reply.after ? 3 : 2);
  Writer out(payload);
  out.name("records");
  out.array(static_cast<std::uint32_t>(reply.records.size()));
  for (const AuditRecord& record : reply.records) out.raw(encode_audit_record(record));
  out.field("more", reply.more);
  if (!reply.after) return payload;
  out.name("after");
  out.bin(*reply.after);
  return payload;
}

Result<AuditReply> decode_audit_reply(const ReplyHeader& reply) {
  return read_reply<AuditReply>(reply, [](MapReader& in, AuditReply& audit) {
    each_item(in, "records", [&](std::string_view encoded, const Place& place) {
      audit.records.push_back(read_record(encoded, place, in.fault()));
    });
    read_page(in, audit);
  });
}

}  // namespace prismbus::codec
