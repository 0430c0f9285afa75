// A broker for the sync_state model test, from PROTOCOL alone: std::map state,
// one shared history that brokers of a cluster apply at their own pace, answers
// in random small pages. Shares no code with the product but its structs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "proto/wire/acknowledgement.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus::sync_model {

struct Random {
  std::mt19937_64 engine;
  explicit Random(std::uint64_t seed) : engine(seed) {}
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : engine() % n; }
  bool percent(std::uint64_t p) { return below(100) < p; }
};

struct Row {
  std::string value;
  std::uint64_t rev = 0, version = 0;
  friend bool operator==(const Row&, const Row&) = default;
};
using Rows = std::map<std::string, Row>;
std::uint64_t hash_of(const Rows& rows);
// What the validator of a trial refuses: about one value in sixteen, and that "k7" is deleted. Empty:
// nothing.
std::string refusal_of(const std::string& key, const std::string* value);

struct Transaction {
  std::uint64_t rev = 0;
  std::vector<std::pair<std::string, ChangeSet>> sets;
  std::vector<std::pair<std::string, Lane>> lanes;  // lane changes taking force with it
};

// What happened, in order, and what each namespace's content hash was at each
// seq.
struct History {
  Epoch epoch;
  std::vector<Transaction> log;
  std::map<std::string, Rows> rows;
  std::map<std::string, std::uint64_t> seqs;
  std::map<std::string, std::vector<std::uint64_t>> hashes;  // index = seq; [0] = 0

  explicit History(Epoch e) : epoch(e) {}
  const Transaction& commit(Random& random, const std::vector<std::string>& names, bool express);
};

// What a request asks, owned.
struct Asked {
  enum class Kind : std::uint8_t {
    snapshot,
    changes,
    subtree_changes,
    namespaces,
    ack
  } kind = Kind::snapshot;
  Epoch epoch;
  std::optional<std::string> ns, under, after;
  std::vector<std::pair<std::string, std::uint64_t>> since;  // of an ack: `applied`
  std::vector<std::string> rejected;                         // of an ack: "ns key seq reason"
  std::uint64_t since_rev = 0;
};
struct Answered {
  Epoch epoch;
  Revision rev;
  std::optional<Error> error;
  SnapshotReply snapshot;
  ChangesReply changes;
  NamespacesReply namespaces;
  AckReply ack;
};

class Broker {
 public:
  struct Namespace {
    std::uint64_t seq = 0, rev = 0, floor = 0;  // sets up to floor are compacted
    Rows rows;
    std::vector<ChangeSet> sets;  // index = seq - 1
    Lane lane = Lane::changes;
  };

  explicit Broker(std::shared_ptr<const History> history) : history_(std::move(history)) {}
  [[nodiscard]] bool behind() const { return applied_ < history_->log.size(); }
  const Transaction& apply_next();
  void compact(Random& random);
  [[nodiscard]] Answered answer(const Asked& asked, Random& random) const;
  [[nodiscard]] Head head_of(const std::string& ns) const;
  [[nodiscard]] std::uint64_t rev() const { return applied_; }
  [[nodiscard]] Epoch epoch() const { return history_->epoch; }
  [[nodiscard]] const std::map<std::string, Namespace>& namespaces() const { return namespaces_; }

 private:
  void snapshot(const Asked& asked, Random& random, Answered& out) const;
  void changes(const Asked& asked, Random& random, Answered& out) const;
  void subtree_changes(const Asked& asked, Random& random, Answered& out) const;
  void list_namespaces(const Asked& asked, Random& random, Answered& out) const;

  std::shared_ptr<const History> history_;
  std::size_t applied_ = 0;  // revisions are 1, 2, ... within a history
  std::map<std::string, Namespace> namespaces_;
};

bool covers(const std::string& under, const std::string& ns);

}  // namespace prismbus::sync_model
