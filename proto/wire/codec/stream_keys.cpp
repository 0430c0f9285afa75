#include "proto/wire/codec/stream_keys.hpp"

#include "proto/wire/codec/reply_parts.hpp"
#include "proto/wire/codec/writer.hpp"

namespace prismbus::codec {
namespace {

StreamKeyRow read_key(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  StreamKeyRow row;
  const auto ns = in.text("ns");
  const auto kind = in.text("kind");
  row.node = kind == "node";
  if (!row.node && kind != "leaf") fault.refuse(in.at("kind"), "is leaf or node");
  if (!(row.node && ns.empty()) && !is_namespace(ns)) fault.set(validate_namespace(ns, in.at("ns").spell()));
  row.ns = std::string(ns);
  row.period = in.uint("period");
  std::string_view key;
  if (!Cursor(in.any("key")).read_bin(key) || key.size() != kStreamKeyBytes) {
    fault.refuse(in.at("key"), "must be 32 bytes");
  }
  row.key = std::string(key);
  return row;
}

}  // namespace

std::string encode_keys_reply(const ReplyHead& head, const KeysReply& reply) {
  std::string payload = begin_reply(head, reply.after ? 5 : 4);
  Writer out(payload);
  out.field("period", reply.period);
  out.field("ends_in_ms", reply.ends_in_ms);
  out.name("keys");
  out.array(static_cast<std::uint32_t>(reply.keys.size()));
  for (const StreamKeyRow& row : reply.keys) {
    out.map(4);
    out.field("ns", std::string_view(row.ns));
    out.field("kind", row.node ? "node" : "leaf");
    out.field("period", row.period);
    out.name("key");
    out.bin(row.key);
  }
  out.field("more", reply.more);
  if (!reply.after) return payload;
  out.name("after");
  out.bin(*reply.after);
  return payload;
}

Result<KeysReply> decode_keys_reply(const ReplyHeader& reply) {
  return read_reply<KeysReply>(reply, [](MapReader& in, KeysReply& keys) {
    keys.period = in.uint("period");
    keys.ends_in_ms = in.uint("ends_in_ms");
    each_item(in, "keys", [&](std::string_view encoded, const Place& place) {
      keys.keys.push_back(read_key(encoded, place, in.fault()));
    });
    read_page(in, keys);
  });
}

}  // namespace prismbus::codec
