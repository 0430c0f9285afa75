// What one seeded run consists of: a broker that can be stepped, broken and restarted, the reference it is
// held against, the clock, the random numbers, and every request that still waits for its one reply.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>

#include "proto/wire/codec/reply.hpp"
#include "tests/model/fake_broker.hpp"
#include "tests/model/model.hpp"

namespace prismbus::model {

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline void demand(bool holds, const char* what) {
  if (!holds) throw Violation(what);
}

// A request under way, and how its reply is checked.
struct Ask {
  using Check = std::function<void(const Ask&, const ReplyHeader&)>;
  const char* what = "";
  Check check;
  std::uint64_t waits_for = 0;  // it names a revision that has to be applied first
  bool is_write = false, other_epoch = false;
  bool alone = false;  // sent on a connection of its own: its id may come back as 0
  bool malformed = false;
  bool far_ahead = false;    // its request id is 1,024 or more beyond what was applied of its session
  bool of_a_moment = false;  // it may wait for what was sequenced by then
  bool is_backup = false;

  std::uint64_t id = 0, connection = 0;  // given by send()
  std::uint64_t last_when_sent = 0;
  Steady sent{};
};

// What leaves on the stream; see stream_check.hpp.
class StreamEar {
 public:
  virtual ~StreamEar() = default;
  virtual void hear(Lane lane, const std::string& frame) = 0;
};

class World final : public ReplySink, public Feed {
 public:
  World(std::uint64_t seed, std::string dir, bool tracing);

  [[nodiscard]] std::uint64_t pick(std::uint64_t n) { return random() % n; }  // 0 .. n-1
  [[nodiscard]] bool chance(std::uint64_t n) { return pick(n) == 0; }         // one in n

  // Hands one request to the broker now. `request.id` is filled in here, and the epoch unless it is given.
  void send(Request request, Ask ask);
  void send_raw(std::string_view payload, Ask ask);

  // Asks on a connection of its own and steps bus and reader until the reply came; the stream is not heard.
  void ask_aside(const Request& request, std::function<void(const ReplyHeader&)> take);

  void open();   // the broker starts (again)
  void crash();  // it is gone, with whatever was in its queues; its askers never hear of it

  void advance(std::chrono::nanoseconds by);
  void trace(const std::string& line);

  // A read that goes on, later: in the history it began in, also when that is over by then.
  void later(std::function<void()> send) { follow_ups_.emplace_back(epoch, std::move(send)); }
  [[nodiscard]] bool has_follow_up() const { return !follow_ups_.empty(); }
  void send_follow_up();
  // Another history than the one before begins: the data were restored.
  void begin_history(Epoch next);

  // Called when an ask's fate can no longer be told by a reply.
  std::function<void(const Ask&)> on_lost;

  std::mt19937_64 random;
  const bool tracing;
  Now now;
  Model model;
  FakeDisk journal_disk, state_disk;
  bool small_limits = false;
  std::uint64_t keep = 0;  // revisions that retention keeps; 0 = everything
  // Whether the transaction of that revision may have been taken by retention.
  [[nodiscard]] bool may_be_gone(std::uint64_t rev) const { return keep != 0 && rev + keep <= model.last(); }
  bool read_only_possible = false;  // the disk failed and no write succeeded since
  bool draining = false;
  FakeBrokerSettings settings;
  std::unique_ptr<FakeBroker> broker;
  Epoch epoch;
  StreamEar* ear = nullptr;
  std::vector<Epoch> former;          // epochs of the histories before
  std::map<std::uint64_t, Ask> asks;  // by id
  std::uint64_t replies = 0, compacted = 0;

 private:
  void reply(const ReplyTo& to, std::string payload) override;
  void publish(Lane lane, std::string frame) override;
  [[nodiscard]] bool backup_under_way() const;
  void check_failure(const Ask& ask, const Error& error) const;
  [[nodiscard]] std::map<std::uint64_t, Ask>::iterator asker_of(const ReplyTo& to, const ReplyHeader& header);
  [[nodiscard]] Epoch other_epoch();
  std::uint64_t next_id_ = 1;
  std::deque<std::pair<Epoch, std::function<void()>>> follow_ups_;
  std::optional<Epoch> speaking_for_;              // while send_follow_up() runs
  std::function<void(const ReplyHeader&)> aside_;  // set while ask_aside() runs
};

}  // namespace prismbus::model
