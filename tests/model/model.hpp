// The reference: what a broker is, in maps and vectors that keep everything. Shares no code with the product:
// its own judgement, its own hash, its own globs. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace prismbus::model {

struct Item {
  bool put = false;
  std::string ns, key, value;
};
struct Condition {
  std::string ns, key;
  std::uint64_t rev = 0;
};
enum class Kind : std::uint8_t { put, del, txn, rollback };

struct Write {
  Kind kind = Kind::put;
  std::vector<Item> items;
  std::vector<Condition> conditions;
  std::string note;
  // A rollback: of `ns`, or of `key` in it, to a revision. Its items are what items_of() says.
  std::string ns{}, key{};
  std::uint64_t to = 0;
};

struct Version {
  std::uint64_t rev = 0;
  bool put = false;
  std::string value;
  std::uint64_t version = 0, created = 0, time = 0;
  std::string note;
};
struct SetChange {
  bool put = false;
  std::string key, value;
  std::uint64_t version = 0;
};
struct Set {
  std::uint64_t rev = 0, time = 0;
  std::string note;
  std::vector<SetChange> changes;
};
struct HeadAt {
  std::uint64_t seq = 0, rev = 0, time = 0, hash = 0, keys = 0, bytes = 0;
};
struct Outcome {
  Kind kind = Kind::put;
  std::map<std::string, std::uint64_t> seqs;
  std::vector<std::uint64_t> versions;  // of the items, in order
};
struct Refusal {
  bool conflict = false;  // else nothing to delete
  std::string ns, key;
  std::uint64_t rev = 0;    // conflict: the key's present one
  std::uint64_t index = 0;  // of the condition or the item
};
struct LiveEntry {
  std::string ns, key;
  const Version* version = nullptr;
};

class Model {
 public:
  [[nodiscard]] std::uint64_t last() const { return outcomes_.size(); }
  // The next revision. Throws std::runtime_error when the write could not be applied there.
  void apply(const Write& write, std::uint64_t time);
  void go_back(std::uint64_t rev);  // as if nothing had come after it

  [[nodiscard]] const Outcome& outcome(std::uint64_t rev) const { return outcomes_.at(rev - 1); }
  // Why the write is refused at that revision; nullopt = it is not.
  [[nodiscard]] std::optional<Refusal> judge(const Write& write, std::uint64_t at) const;
  // What a rollback changes at that revision, in key order.
  [[nodiscard]] std::vector<Item> items_of(const Write& rollback, std::uint64_t at) const;
  [[nodiscard]] std::vector<std::string> keys_of(const std::string& ns) const;  // that ever were, in order
  // Every version of a key, deletes included, oldest first; null = it never was.
  [[nodiscard]] const std::vector<Version>* versions(const std::string& ns, const std::string& key) const;
  // The last revision whose time is not later; 0 = none.
  [[nodiscard]] std::uint64_t last_at(std::uint64_t time) const;
  [[nodiscard]] const Version* find(const std::string& ns, const std::string& key, std::uint64_t at) const;
  using Wanted = std::function<bool(const std::string& ns, const std::string& key)>;
  [[nodiscard]] std::vector<LiveEntry> entries(std::uint64_t at, const Wanted& wanted) const;
  // nullopt = the namespace never had a transaction up to then.
  [[nodiscard]] std::optional<HeadAt> head(const std::string& ns, std::uint64_t at) const;
  [[nodiscard]] const Set* set(const std::string& ns, std::uint64_t seq) const;
  [[nodiscard]] std::uint64_t head_seq(const std::string& ns) const;
  [[nodiscard]] std::vector<std::string> namespaces(std::uint64_t at) const;

 private:
  std::map<std::pair<std::string, std::string>, std::vector<Version>> keys_;
  std::map<std::string, std::vector<Set>> sets_;  // seq 1 first
  std::vector<Outcome> outcomes_;                 // revision 1 first
  std::vector<std::uint64_t> times_;              // of the same
};

[[nodiscard]] bool covers(const std::string& under, const std::string& ns);
[[nodiscard]] bool glob(std::string_view pattern, std::string_view text);

}  // namespace prismbus::model
