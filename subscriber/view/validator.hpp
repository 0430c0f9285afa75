// What an application says about changes that its readers must not see. Plain data.
//
// What is promised:
//  - A change that a validator refuses is applied to the replica (seq, hash, cache and `ack` count it), and
//  readers
//    go on seeing the entry as it was, with its own rev and version; without one the key stays absent. The
//    broker is told in the next ack: `prismbus subscribers` and `wait_applied` show the reason.
//  - A transaction stays whole (I11): one refused key keeps back every change of its set in that namespace.
//  Keys
//    kept back together stay together: a later set that touches one of them is shown with all of them, in one
//    step, once none of their newest values is refused; until then it is rejected too, and its reason names
//    the key it waits for. Sets that touch none of them are shown as ever.
//  - A refusal stands until its key is written (or deleted) again, or until a snapshot: then everything that
//    differs from what readers see is asked about anew, and what one transaction wrote last stays together.
//    So it is with what the disk cache or the seed held, which is asked about at the start.
//  - In another history (epoch) a namespace that was never written is empty, whatever was shown: no set
//  deleted
//    anything, so nobody is asked.
//  - Each change is asked about once. One that readers would not notice (a key that came and went while it
//  was
//    kept back) is not.
//
// `seq` of a rejection is that of its set; of one found in a snapshot, the snapshot's. At most kRejectedTold
// keys of a set are told, and after a `hello` what still stands. A namespace that keeps showing more than
// kVanishedMax entries which the broker has deleted stops there and is stale; its status says so.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/strong.hpp"
#include "subscriber/view/view.hpp"

namespace prismbus {

inline constexpr std::size_t kRejectedTold = 16;      // what the broker keeps of a follower, too
inline constexpr std::size_t kVanishedMax = 100'000;  // the replica bounds everything else that is kept back

// A change of one key as readers would see it. Lent for the call.
struct ProposedChange {
  std::string_view ns, key;
  std::optional<ValueView> before;  // what readers see now
  std::optional<ValueView> after;   // what they would see; nullopt: the key is deleted
  Seq seq;                          // of the change set, or of the snapshot
  Revision rev;                     // likewise
  std::string_view by;              // who wrote it; empty in a snapshot
};

struct Validator {
  std::string name{};                    // for logs only
  std::optional<std::string> ns{};       // exactly this namespace
  std::optional<std::string> subtree{};  // ... or this one and all below; "" = all but the broker's own.
                                         // Neither: all that is followed
  std::string keys = "**";               // glob, as in Subscription
  // nullopt: accepted; else the reason for a person, told to the broker: no secrets. It is cut to
  // limits::kReasonBytes, its control characters become spaces. A pure function of the change, for it is not
  // asked again. Runs in Subscriber::open() and then on the background thread, never twice at once; while it
  // runs nothing is read, so it must not block, and it calls nothing of its Subscriber. An exception refuses
  // the change, with its text as the reason, and counts among the callback exceptions.
  std::function<std::optional<std::string>(const ProposedChange&)> check{};
};

// A key whose newest change was refused.
struct RejectedChange {
  std::string key;
  Seq seq;
  std::string reason;
  friend bool operator==(const RejectedChange&, const RejectedChange&) = default;
};

}  // namespace prismbus
