#include "proto/wire/codec/acknowledgement.hpp"

#include <utility>

#include "proto/wire/codec/reply_parts.hpp"
#include "proto/wire/codec/stream_parts.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus::codec {
namespace {

constexpr std::uint32_t kRowFields = 14;  // and `latency_us` where there is any

void write_texts(Writer& out, const std::vector<std::string>& texts) {
  out.array(static_cast<std::uint32_t>(texts.size()));
  for (const auto& text : texts) out.text(text);
}

void write_seqs(Writer& out, const std::vector<std::pair<std::string, Seq>>& seqs) {
  out.map(static_cast<std::uint32_t>(seqs.size()));
  for (const auto& [ns, seq] : seqs) out.field(ns, seq.value());
}

void write_rejection(Writer& out, const Rejection& rejection) {
  out.map(4);
  out.field("ns", std::string_view(rejection.ns));
  out.field("seq", rejection.seq.value());
  out.field("key", std::string_view(rejection.key));
  out.field("reason", std::string_view(rejection.reason));
}

void write_row(Writer& out, const SubscriberRow& row) {
  out.map(kRowFields + (row.latency_us ? 1 : 0));
  out.field("principal", std::string_view(row.principal));
  out.field("instance", std::string_view(row.instance));
  out.field("name", std::string_view(row.name));
  out.name("labels");
  out.map(static_cast<std::uint32_t>(row.labels.size()));
  for (const auto& [name, text] : row.labels) out.field(std::string_view(name), std::string_view(text));
  out.field("since", to_micros(row.since));
  out.field("endpoint", std::string_view(row.endpoint));
  out.name("applied");
  write_seqs(out, row.applied);
  out.field("names", row.names);
  out.field("lag", row.lag);
  out.name("rejected");
  out.array(static_cast<std::uint32_t>(row.rejected.size()));
  for (const auto& rejection : row.rejected) write_rejection(out, rejection);
  out.field("rejections", row.rejections);
  out.field("state", std::string_view(row.state));
  out.field("silent", row.silent);
  out.field("last_seen", to_micros(row.last_seen));
  if (!row.latency_us) return;
  out.name("latency_us");
  out.map(2);
  out.field("p50", row.latency_us->p50);
  out.field("p99", row.latency_us->p99);
}

// An array of texts, at most `most` of them.
std::vector<std::string> read_texts(MapReader& in, Name name, std::size_t most) {
  std::vector<std::string> texts;
  Items list = in.array(name);
  Place place = in.at(name);
  if (list.count > most) {
    in.fault().set(over_limit(place.spell(), "too many of them", most, list.count));
    return texts;
  }
  std::string_view text;
  for (std::uint32_t i = 0; i < list.count && in.fault().ok(); ++i) {
    place.index = i;
    if (list.items.read_text(text) && is_utf8(text)) {
      texts.emplace_back(text);
    } else {
      in.fault().refuse(place, "must be a string of UTF-8");
    }
  }
  return texts;
}

void read_labels(MapReader& in, SubscriberRow& row) {
  Fault& fault = in.fault();
  Items pairs = in.pairs("labels");
  const Place place = in.at("labels");
  if (pairs.count > limits::kLabels) {
    return fault.set(over_limit(place.spell(), "too many labels", limits::kLabels, pairs.count));
  }
  std::vector<std::string_view> names;
  std::string_view name;
  std::string_view encoded;
  for (std::uint32_t i = 0; i < pairs.count && fault.ok(); ++i) {
    if (!next_pair(pairs, place, fault, name, encoded)) return;
    std::string_view text;
    if (!text_of(encoded, text) || !is_utf8(text)) return fault.refuse(place, "must be strings by name");
    row.labels.emplace_back(name, text);
    names.push_back(name);
  }
  check_unique(std::move(names), place, fault);
}

void read_applied(MapReader& in, SubscriberRow& row) {
  each_namespace(in, "applied", [&](std::string_view ns, std::string_view encoded, const Place& place) {
    std::uint64_t seq = 0;
    if (!uint_of(encoded, seq)) return in.fault().refuse(place, "must be an unsigned integer");
    row.applied.emplace_back(ns, Seq(seq));
  });
}

SubscriberRow read_row(std::string_view encoded, const Place& place, Fault& fault) {
  MapReader in(encoded, &place, fault);
  SubscriberRow row;
  row.principal = std::string(in.text("principal"));
  row.instance = std::string(in.text("instance"));
  row.name = std::string(in.text("name"));
  read_labels(in, row);
  row.since = from_micros(in.uint("since"));
  row.endpoint = std::string(in.text("endpoint"));
  read_applied(in, row);
  row.names = in.uint("names");
  row.lag = in.uint("lag");
  each_item(in, "rejected", [&](std::string_view item_bytes, const Place& item_place) {
    MapReader item(item_bytes, &item_place, fault);
    row.rejected.push_back({std::string(item.ns("ns")), Seq(item.uint("seq")), std::string(item.key("key")),
                            std::string(item.text("reason"))});
  });
  row.rejections = in.uint("rejections");
  row.state = std::string(in.text("state"));
  row.silent = in.boolean("silent");
  row.last_seen = from_micros(in.uint("last_seen"));
  if (in.has("latency_us")) {
    const Place at = in.at("latency_us");
    MapReader latency(in.any("latency_us"), &at, fault);
    row.latency_us = LatencyFigures{latency.uint("p50"), latency.uint("p99")};
  }
  return row;
}

}  // namespace

std::string encode_ack_reply(const ReplyHead& head, const AckReply& reply) {
  std::string payload = begin_reply(head, 2);
  Writer out(payload);
  out.name("behind");
  out.map(static_cast<std::uint32_t>(reply.behind.size()));
  for (const auto& [ns, at] : reply.behind) {
    out.text(ns);
    encode_head(out, at);
  }
  out.field("ack_ms", reply.ack_ms);
  return payload;
}

std::string encode_subscribers_reply(const ReplyHead& head, const SubscribersReply& reply) {
  std::string payload = begin_reply(head, reply.after ? 3 : 2);
  Writer out(payload);
  out.name("subscribers");
  out.array(static_cast<std::uint32_t>(reply.subscribers.size()));
  for (const auto& row : reply.subscribers) write_row(out, row);
  out.field("more", reply.more);
  if (!reply.after) return payload;
  out.name("after");
  out.bin(*reply.after);
  return payload;
}

std::string encode_wait_applied_reply(const ReplyHead& head, const WaitAppliedReply& reply) {
  std::string payload = begin_reply(head, reply.reasons.empty() ? 3 : 4);
  Writer out(payload);
  out.name("applied");
  write_texts(out, reply.applied);
  out.name("rejected");
  write_texts(out, reply.rejected);
  out.name("silent");
  write_texts(out, reply.silent);
  if (reply.reasons.empty()) return payload;
  out.name("reasons");
  out.array(static_cast<std::uint32_t>(reply.reasons.size()));
  for (const auto& reason : reply.reasons) {
    out.map(3);
    out.field("instance", std::string_view(reason.instance));
    out.field("key", std::string_view(reason.key));
    out.field("reason", std::string_view(reason.reason));
  }
  return payload;
}

Result<AckReply> decode_ack_reply(const ReplyHeader& reply) {
  return read_reply<AckReply>(reply, [](MapReader& in, AckReply& ack) {
    each_namespace(in, "behind", [&](std::string_view ns, std::string_view encoded, const Place& place) {
      MapReader head(encoded, &place, in.fault());
      ack.behind.emplace_back(ns, read_head(head));
    });
    ack.ack_ms = in.uint("ack_ms");
  });
}

Result<SubscribersReply> decode_subscribers_reply(const ReplyHeader& reply) {
  return read_reply<SubscribersReply>(reply, [](MapReader& in, SubscribersReply& page) {
    each_item(in, "subscribers", [&](std::string_view encoded, const Place& place) {
      page.subscribers.push_back(read_row(encoded, place, in.fault()));
    });
    read_page(in, page);
  });
}

Result<WaitAppliedReply> decode_wait_applied_reply(const ReplyHeader& reply) {
  return read_reply<WaitAppliedReply>(reply, [](MapReader& in, WaitAppliedReply& wait) {
    wait.applied = read_texts(in, "applied", limits::kFollowersListed);
    wait.rejected = read_texts(in, "rejected", limits::kFollowersListed);
    wait.silent = read_texts(in, "silent", limits::kFollowersListed);
    if (!in.has("reasons")) return;
    each_item(in, "reasons", [&](std::string_view encoded, const Place& place) {
      MapReader item(encoded, &place, in.fault());
      wait.reasons.push_back({std::string(item.text("instance")), std::string(item.key("key")),
                              std::string(item.text("reason"))});
    });
  });
}

}  // namespace prismbus::codec
