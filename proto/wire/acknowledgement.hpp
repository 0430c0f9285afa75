// Who follows, what each has applied and what it refused: the replies of `ack`, `subscribers` and
// `wait_applied`. Owning types. Encoding and decoding: wire/codec/acknowledgement.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/messages.hpp"

namespace prismbus {

// A change that a follower applied to its replica but does not show to its readers, and why.
struct Rejection {
  std::string ns;
  Seq seq;
  std::string key, reason;
  friend bool operator==(const Rejection&, const Rejection&) = default;
};

struct AckReply {
  std::vector<std::pair<std::string, Head>> behind;  // followed, readable, not reached; cut to fit
  std::uint64_t ack_ms = 0;                          // not more often than this
  friend bool operator==(const AckReply&, const AckReply&) = default;
};

struct LatencyFigures {
  std::uint64_t p50 = 0, p99 = 0;  // microseconds
  friend bool operator==(const LatencyFigures&, const LatencyFigures&) = default;
};

// One connection that follows, cut to what its reader may read (and to the `ns` that was asked for).
struct SubscriberRow {
  std::string principal, instance, name;  // instance: as `hello` gave it, or `#` and the connection's number
  std::vector<std::pair<std::string, std::string>> labels;
  Wall since{};                                      // of its `hello`
  std::string endpoint;                              // where it comes from, empty when that is not known
  std::vector<std::pair<std::string, Seq>> applied;  // at most limits::kSubscriberNames, by name
  std::uint64_t names = 0;                           // how many namespaces it has said something about
  std::uint64_t lag = 0;                             // change sets that its last ack had not reached
  std::vector<Rejection> rejected;                   // the latest, at most limits::kRejectionsKept
  std::uint64_t rejections = 0;                      // all there were
  std::string state;
  bool silent = false;  // its ack is overdue
  Wall last_seen{};     // of its last ack, before that of its `hello`
  std::optional<LatencyFigures> latency_us;
  friend bool operator==(const SubscriberRow&, const SubscriberRow&) = default;
};

struct SubscribersReply {
  std::vector<SubscriberRow> subscribers;
  bool more = false;
  std::optional<std::string> after;
};

// Each instance that followed when the wait began is in exactly one of the three lists.
struct WaitAppliedReply {
  struct Reason {
    std::string instance, key, reason;
    friend bool operator==(const Reason&, const Reason&) = default;
  };
  std::vector<std::string> applied, rejected, silent;
  std::vector<Reason> reasons;  // of the rejected, at most limits::kRejectionsTold
  friend bool operator==(const WaitAppliedReply&, const WaitAppliedReply&) = default;
};

}  // namespace prismbus
