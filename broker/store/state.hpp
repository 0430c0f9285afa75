// The state: derived from the journal, for fast reads. LMDB environment state/ (see disk_keys.hpp for its tables),
// default sync. Written by the fold thread only (I4); every reading thread holds a StateReader of its own.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/store/recent.hpp"
#include "broker/store/transaction.hpp"
#include "proto/base/lmdb.hpp"

namespace prismbus {

struct StateMeta {
  std::uint64_t format = 1;
  Epoch epoch;
  Revision folded;
  Revision floor;
};

enum class FoldFailure : std::uint8_t { no_space, map_full, io, unknown };

// What a session of request ids left behind: its highest applied n, when, and the revisions of the outcomes that are
// still remembered (n > highest - 1,024), ascending in n. The outcome itself is in the journal record of that revision.
struct SessionState {
  std::uint64_t highest = 0;
  Wall last_write{};
  std::vector<std::pair<std::uint64_t, Revision>> outcomes;
};

class State {
 public:
  // Errors as Journal::open. A state of another epoch than `epoch` is other_history.
  [[nodiscard]] static Result<State> open(const std::string& dir, std::size_t map_bytes, Epoch epoch,
                                          lmdb::DiskFaults* faults);
  [[nodiscard]] const StateMeta& meta() const { return meta_; }  // fold thread

  // One transaction: heads, history, changesets, namespaces, sessions, folded revision. Continues densely from
  // meta().folded. Blocks for the disk. Sessions whose last write is older than `sessions_before` are removed, a
  // bounded number a call.
  [[nodiscard]] Result<void, FoldFailure> fold(std::span<const TransactionPtr> batch, Wall sessions_before);

  struct Tables;  // the dbi handles; private to the store
  [[nodiscard]] const std::shared_ptr<lmdb::Env>& env() const { return env_; }
  [[nodiscard]] const std::shared_ptr<const Tables>& tables() const { return tables_; }

 private:
  State() = default;
  std::shared_ptr<lmdb::Env> env_;
  std::shared_ptr<const Tables> tables_;
  StateMeta meta_;
};

// Point reads on one thread, in a read transaction kept open and renewed. Views lend from the map until renew/release.
// A record whose checksum fails is `internal` and named in the message.
class StateReader {
 public:
  explicit StateReader(const State& state);
  void renew();
  void release();
  [[nodiscard]] Revision folded() const { return folded_; }
  [[nodiscard]] Result<std::optional<EntryView>> find(std::string_view ns, std::string_view key);
  [[nodiscard]] Result<std::optional<RecentHead>> find_head(std::string_view ns);
  [[nodiscard]] Result<std::optional<SessionState>> find_session(std::string_view by, std::string_view session);
  // Every remembered session, without its outcomes: (by, session, highest, last write). For start-up; at most 65,536.
  struct SessionHeader {
    std::string by, session;
    std::uint64_t highest = 0;
    Wall last_write{};
  };
  [[nodiscard]] Result<std::vector<SessionHeader>> session_headers();

 private:
  std::shared_ptr<lmdb::Env> env_;
  std::shared_ptr<const State::Tables> tables_;
  lmdb::ReadTxn txn_;
  Revision folded_;
  std::array<char, 512> key_{};  // disk key under construction
};

}  // namespace prismbus
