// Random writes, and what each may be answered: its revision, its refusal at a revision, or that nobody
// knows. Keeps the ledger of attempts: an acknowledged one is in the reference for good, a refused one never,
// one whose answer was lost may turn up after a restart, once (I7).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/stream_check.hpp"
#include "tests/model/world.hpp"

namespace prismbus::model {

[[nodiscard]] std::string random_namespace(World& world);
[[nodiscard]] std::string random_key(World& world);

class Writes {
 public:
  Writes(World& world, StreamCheck& stream) : world_(world), stream_(stream) {}

  void send_random();
  void send_put(const std::string& ns, const std::string& key);  // without conditions
  void lost(const Ask& ask);                                     // its reply will never come
  // A transaction that was durable at a restart although nobody was told. `restored`: it came out of a
  // backup, in another history it may have been known already.
  void recover(std::uint64_t rev, const std::vector<NamedSet>& sets, bool restored);
  // The reference went back to an earlier revision, and with it what is known of request ids.
  void went_back();
  // Repeats every request id that surely is remembered, of a broker that has just started (I7).
  void repeat_all();

  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t applied() const { return applied_; }  // in all histories

 private:
  using Req = std::pair<std::string, std::uint64_t>;
  enum class Fate : std::uint8_t { open, refused, applied, unknown };
  struct Attempt {
    Write write;
    std::optional<Req> req;
    Fate fate = Fate::open;
  };
  struct Session {
    std::map<std::uint64_t, std::uint64_t> applied;  // n -> revision
    std::set<std::uint64_t> maybe_forgotten;         // an hour passed since
    std::uint64_t highest = 0, last_write = 0, next_n = 1;
  };

  [[nodiscard]] Write random_write();
  [[nodiscard]] Write random_rollback();
  [[nodiscard]] std::vector<Item> random_items(Kind kind);
  [[nodiscard]] Condition random_condition(std::string ns, std::string key);
  [[nodiscard]] std::string random_value();
  [[nodiscard]] std::optional<Req> random_req();
  void send(Write write, std::optional<Req> req);
  void check(const std::string& note, const ReplyHeader& reply, std::uint64_t last_when_sent);
  void check_success(Attempt& attempt, const ReplyHeader& reply, std::uint64_t last_when_sent);
  bool check_nothing_differs(Attempt& attempt, const ReplyHeader& reply, std::uint64_t last_when_sent);
  void check_refusal(const Attempt& attempt, const ReplyHeader& reply, std::uint64_t last_when_sent) const;
  void learn(Attempt& attempt, std::uint64_t rev, const std::vector<NamedSet>& sets);
  void remember(const Req& req, std::uint64_t rev, std::uint64_t time);
  void repeat(const Req& req, std::uint64_t rev);

  World& world_;
  StreamCheck& stream_;
  std::map<std::string, Attempt> attempts_;  // by note
  std::map<std::string, Session> sessions_;
  std::vector<Req> used_;
  std::uint64_t acknowledged_ = 0, applied_ = 0;
};

}  // namespace prismbus::model
