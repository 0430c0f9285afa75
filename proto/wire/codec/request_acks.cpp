// Bodies of the requests about who follows: ack, subscribers, wait_applied.
#include "proto/wire/codec/request_parts.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::codec {
namespace {

// One line of text for a person; null bytes and the like would spoil a log or a table.
std::string_view plain(std::string_view text, std::size_t bytes_max, const Place& place, Fault& fault) {
  if (text.size() > bytes_max) {
    fault.set(over_limit(place.spell(), "a text too long", bytes_max, text.size()));
  } else if (!is_plain_text(text)) {
    fault.refuse(place, "must be UTF-8 without control characters");
  }
  return text;
}

void decode_rejections(MapReader& in, AckRequest& ack) {
  if (!in.has("rejected")) return;
  Fault& fault = in.fault();
  Items list = in.array("rejected");
  Place place = in.at("rejected");
  if (list.count > limits::kAckRejections) {
    return fault.set(over_limit(place.spell(), "too many rejections", limits::kAckRejections, list.count));
  }
  for (std::uint32_t i = 0; i < list.count && fault.ok(); ++i) {
    place.index = i;
    MapReader item(list.items.take(), &place, fault);
    AckRequest::Rejection rejection;
    rejection.ns = item.ns("ns");
    rejection.seq = Seq(item.uint("seq"));
    rejection.key = item.key("key");
    rejection.reason = plain(item.text("reason"), limits::kReasonBytes, item.at("reason"), fault);
    ack.rejected.push_back(rejection);
  }
}

void decode_latencies(MapReader& in, AckRequest& ack) {
  if (!in.has("latency_us")) return;
  Items list = in.array("latency_us");
  Place place = in.at("latency_us");
  if (list.count > limits::kAckLatencies) {
    return in.fault().set(over_limit(place.spell(), "too many samples", limits::kAckLatencies, list.count));
  }
  ack.latency_us.reserve(list.count);
  for (std::uint32_t i = 0; i < list.count; ++i) {
    place.index = i;
    std::uint64_t sample = 0;
    if (!list.items.read_uint(sample)) return in.fault().refuse(place, "must be an unsigned integer");
    ack.latency_us.push_back(sample);
  }
}

}  // namespace

std::vector<std::pair<std::string_view, Seq>> decode_seqs(MapReader& in, Name name) {
  std::vector<std::pair<std::string_view, Seq>> seqs;
  Fault& fault = in.fault();
  Items pairs = in.pairs(name);
  const Place place = in.at(name);
  if (pairs.count > limits::kFollowNames) {
    fault.set(over_limit(place.spell(), "too many names", limits::kFollowNames, pairs.count));
    return seqs;
  }
  seqs.reserve(pairs.count);
  std::vector<std::string_view> names;
  names.reserve(pairs.count);
  std::string_view ns;
  std::string_view encoded;
  for (std::uint32_t i = 0; i < pairs.count && next_pair(pairs, place, fault, ns, encoded); ++i) {
    std::uint64_t seq = 0;
    if (!is_namespace(ns)) {
      fault.set(validate_namespace(ns, place.spell()));
      return seqs;
    }
    if (!uint_of(encoded, seq)) {
      fault.refuse({&place, ns, {}}, "must be an unsigned integer");
      return seqs;
    }
    seqs.emplace_back(ns, Seq(seq));
    names.push_back(ns);
  }
  if (fault.ok()) check_unique(std::move(names), place, fault);
  return seqs;
}

AckRequest decode_ack(MapReader& in) {
  AckRequest ack;
  ack.applied = decode_seqs(in, "applied");
  decode_rejections(in, ack);
  decode_latencies(in, ack);
  ack.state = in.maybe_text("state");
  if (ack.state) (void)plain(*ack.state, limits::kAckStateBytes, in.at("state"), in.fault());
  return ack;
}

SubscribersRequest decode_subscribers(MapReader& in) {
  SubscribersRequest subscribers;
  if (in.has("ns")) subscribers.ns = in.ns("ns");
  subscribers.page = decode_page(in);
  return subscribers;
}

WaitAppliedRequest decode_wait_applied(MapReader& in) {
  WaitAppliedRequest wait;
  wait.ns = in.ns("ns");
  wait.seq = Seq(in.uint("seq"));
  wait.timeout_ms = in.uint("timeout_ms");
  const auto longest = static_cast<std::uint64_t>(limits::kWaitAppliedMax.count());
  if (wait.timeout_ms > longest) {
    in.fault().set(over_limit("timeout_ms", "a wait too long", longest, wait.timeout_ms));
  }
  wait.count = in.maybe_uint("count");
  if (wait.count && *wait.count == 0) in.fault().refuse(in.at("count"), "must be at least 1");
  return wait;
}

}  // namespace prismbus::codec
