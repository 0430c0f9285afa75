// Every limit of the contract, with its reason. Those in force at a broker are told in `hello`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace prismbus::limits {

inline constexpr std::size_t kNsBytes = 120;  // a topic stays far below the 245 bytes libzmq carries unharmed
inline constexpr std::size_t kKeyBytes = 255;  // ns + key + revision stay under LMDB's 511-byte keys
inline constexpr std::size_t kValueBytes = 1u << 20;
inline constexpr std::size_t kValueDepth = 32;    // a scalar is 0
inline constexpr std::size_t kMessageDepth = 40;  // a value inside a request inside its wrappers
inline constexpr std::size_t kTxnChanges = 1000;
inline constexpr std::size_t kTxnBytes = 4u << 20;      // keys + values of one transaction: half a message
inline constexpr std::size_t kMessageBytes = 8u << 20;  // request, reply or stream frame
inline constexpr std::int64_t kTransportBytes =
    9 << 20;  // libzmq drops the connection above this: room to answer too_large
inline constexpr std::size_t kNoteBytes = 1024;
inline constexpr std::size_t kTokenBytes = 64u << 10;
inline constexpr std::size_t kSessionBytes = 8;
inline constexpr std::uint64_t kSessionWrites = 1024;  // in flight, and outcomes remembered, per session
inline constexpr std::size_t kSessions = 65536;
inline constexpr std::size_t kEnvelopeFrames = 8;  // no empty frame among these: not a request
inline constexpr std::size_t kPrincipalBytes = 255;
inline constexpr std::size_t kPageBytes = 1u << 20;  // a page ends after this many bytes of payload
inline constexpr std::size_t kPageKeys = 10'000;     // ... or keys visited
inline constexpr std::size_t kFollowNames = 10'000;  // names in one `follow`, `since` or `keys` list
inline constexpr std::size_t kCursorBytes = 512;
inline constexpr std::size_t kGlobBytes = 512;
inline constexpr std::size_t kBackupNameBytes = 120;  // with the broker's own suffixes still a file name
inline constexpr std::size_t kNonceBytes = 16;        // of a barrier topic
inline constexpr std::size_t kLabels = 32;            // of a client in `hello`
inline constexpr std::size_t kLabelBytes = 255;
inline constexpr std::size_t kMapFields = 256;     // of a map with named fields; unknown ones are ignored
inline constexpr std::size_t kListedNames = 1024;  // endpoints of a broker, features in `must`
inline constexpr std::size_t kAckRejections =
    256;  // of one ack: a follower that refuses more tells the rest in the next
inline constexpr std::size_t kReasonBytes = 512;   // of a rejection: a line or two for a person
inline constexpr std::size_t kAckLatencies = 256;  // samples of one ack: enough for a p99 of it
inline constexpr std::size_t kAckStateBytes = 64;  // a word or two of a follower about itself
inline constexpr std::size_t kSubscriberNames =
    256;  // namespaces told in one row of `subscribers`: rows stay small
inline constexpr std::size_t kRejectionsKept = 16;  // of each follower, the latest: what a person reads
inline constexpr std::size_t kFollowersListed =
    20'000;  // in one answer of `wait_applied`, all lists together: it fits a message
inline constexpr std::size_t kRejectionsTold = 256;  // with their reasons in one answer of `wait_applied`
inline constexpr std::chrono::milliseconds kWaitAppliedMax{
    60'000};  // a publisher that waits longer asks again
inline constexpr std::chrono::milliseconds kMinRevWait{2000};
inline constexpr std::chrono::hours kSessionLife{1};

static_assert(kNsBytes + 1 + kKeyBytes + 1 + 8 <= 511, "a history key fits LMDB's largest key");
static_assert(kNsBytes + 1 < 246, "libzmq garbles topics of 246..255 bytes");
static_assert(kTxnBytes + kTxnChanges * (kKeyBytes + kNsBytes) < kMessageBytes,
              "a full transaction fits one frame");
static_assert(kFollowersListed * (kLabelBytes + 3) + kRejectionsTold * (2 * kKeyBytes + kReasonBytes + 64) <
                  kMessageBytes,
              "the longest answer of wait_applied fits one frame");
static_assert(kMessageBytes < static_cast<std::size_t>(kTransportBytes),
              "an oversize request can still be answered");

}  // namespace prismbus::limits
