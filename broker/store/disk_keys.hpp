// Every key of both environments, in one place. Integers are 64-bit big-endian, so LMDB's byte order is their
// order; names hold no byte below 0x20, so the order of "ns 0 key" is the order of (ns, key).
//
//   journal/  log         revision
//             meta        "meta"
//   state/    head        ns 0 key
//             deleted     ns 0 key                keys that were there once
//             history     revision ns 0 key
//             changesets  ns 0 seq
//             namespaces  ns
//             sessions    'h' by 0 session        header: highest n, last write
//                         'o' by 0 session        outcomes: n -> revision
//             meta        "meta"
//
// `session` is 1..8 raw bytes and stands last, so it may hold any byte. Keys are built in a caller's DiskKey
// and lend from it until the next call. Decoders are total.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "proto/base/strong.hpp"

namespace prismbus {

inline constexpr std::string_view kMetaKey = "meta";

// Names that may stand in a key. Building a key of longer ones is a bug: whoever looks up what a client sent
// asks first.
[[nodiscard]] bool fits_disk_key(std::string_view ns, std::string_view key);
[[nodiscard]] bool fits_session_key(std::string_view by, std::string_view session);

class DiskKey {
 public:
  [[nodiscard]] std::string_view log(Revision rev);
  [[nodiscard]] std::string_view head(std::string_view ns, std::string_view key);
  [[nodiscard]] std::string_view history(Revision rev, std::string_view ns, std::string_view key);
  [[nodiscard]] std::string_view changeset(std::string_view ns, Seq seq);
  [[nodiscard]] std::string_view session_header(std::string_view by, std::string_view session);
  [[nodiscard]] std::string_view session_outcomes(std::string_view by, std::string_view session);

 private:
  [[nodiscard]] std::string_view session_key(char table, std::string_view by, std::string_view session);
  std::array<char, 512> bytes_;
};

struct HeadKey {
  std::string_view ns, key;
};
struct HistoryKey {
  Revision rev;
  std::string_view ns, key;
};
struct ChangesetKey {
  std::string_view ns;
  Seq seq;
};
struct SessionKey {
  bool is_header = false;
  std::string_view by, session;
};
[[nodiscard]] std::optional<Revision> decode_log_key(std::string_view disk_key);
[[nodiscard]] std::optional<HeadKey> decode_head_key(std::string_view disk_key);
[[nodiscard]] std::optional<HistoryKey> decode_history_key(std::string_view disk_key);
[[nodiscard]] std::optional<ChangesetKey> decode_changeset_key(std::string_view disk_key);
[[nodiscard]] std::optional<SessionKey> decode_session_key(std::string_view disk_key);

inline constexpr std::string_view kSessionHeaderPrefix = "h";
inline constexpr std::string_view kSessionOutcomesPrefix = "o";

}  // namespace prismbus
