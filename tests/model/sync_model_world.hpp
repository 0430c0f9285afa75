// One seeded trial of the subscriber's state machine: brokers, a bad network, a
// clock, and the checks on everything the machine shows. Driven by
// sync_state_model_test.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "subscriber/sync/sync_state.hpp"
#include "subscriber/view/view_store.hpp"
#include "tests/model/sync_model_broker.hpp"

namespace prismbus::sync_model {

class World final : public SyncActions {
 public:
  // lanes: a sound network, on which nothing happens but writes and lane
  // changes.
  enum class Trouble : std::uint8_t { all, lanes };
  explicit World(std::uint64_t seed, Trouble trouble = Trouble::all);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void run();                           // throws std::runtime_error with what was wrong
  void run_lanes(std::uint64_t flips);  // throws std::runtime_error with what was wrong

  struct Summary {
    std::uint64_t commits = 0, events = 0, joins = 0, resyncs = 0, gaps = 0, overflows = 0, epochs = 0,
                  runs = 0, moves = 0, frames = 0, flips = 0, snapshots = 0, acks = 0, behind = 0,
                  rejected = 0, syncs = 0, syncs_incomplete = 0;
  };
  [[nodiscard]] const Summary& summary() const { return summary_; }

  // SyncActions
  void open_lane(Lane lane, const std::vector<std::string>& endpoints) override;
  void close_lane(Lane lane) override;
  void subscribe(Lane lane, const std::string& topic) override;
  void unsubscribe(Lane lane, const std::string& topic) override;
  void ask(std::uint64_t tag, const RequestBody& body) override;
  void say_hello() override;
  void move_on(const Error& why) override;
  void log(LogLevel level, const LogLine& line) override;

 private:
  struct Frame {
    Steady at{};
    std::string topic;  // of a namespace, or a barrier's, or the heartbeat's
    std::vector<ChangeSet> sets;
    std::optional<Heartbeat> beat;
    std::optional<Barrier> barrier;
  };
  struct Link {
    bool open = false, up = false;
    Steady up_at{}, next_beat{};
    std::set<std::string> wanted;  // what the client subscribed to; sent again
                                   // in byte order when re-made
    std::set<std::string> in_force;
    std::deque<std::pair<Steady, std::pair<bool, std::string>>> on_the_way;
    std::map<std::string, std::deque<Frame>> frames;  // in order within a topic, not between topics
  };
  struct Question {
    std::uint64_t tag = 0;
    Asked asked;
    Steady at{}, expires{};
    std::optional<Answered> answer;
  };
  // What the broker knows of the connection; forgotten with it.
  struct Follower {
    bool greeted = false;
    std::map<std::string, std::uint64_t> applied;
    std::set<std::string> rejected;  // "ns key seq reason"
  };

  void step();
  void do_faults();
  void commit();
  void apply_at(std::size_t broker);
  void publish(const std::string& ns, std::vector<ChangeSet> sets, Lane lane, bool both);
  void send(Link& link, Frame frame);
  void step_link(Lane lane);
  void remake(Link& link);
  void step_markers();
  void step_questions();
  void forget_connection();
  [[nodiscard]] Answered answer_ack(const Asked& asked);
  void check_ack(const Asked& asked);
  void step_greeting();
  void greet_in(std::uint64_t ms);
  void restart(bool other_epoch);
  void take();
  void call_sync();
  void check_syncs();
  void check_events(const std::vector<SyncEvent>& events);
  void check_picture(const std::vector<SyncEvent>& events);
  void check_end();
  void check_shown_end(const std::string& ns, const Rows& rows, const NamespaceLeaf& leaf) const;
  [[nodiscard]] bool followed(const std::string& ns) const;
  [[nodiscard]] Broker& broker() { return brokers_[current_]; }
  [[nodiscard]] Steady in(std::uint64_t max_ms) {
    return now_.steady + std::chrono::milliseconds(random_.below(max_ms + 1));
  }
  [[noreturn]] void wrong(const std::string& what) const;

  Random random_;
  std::uint64_t seed_;
  // The trial's character.
  std::vector<std::string> names_, exact_, under_;
  Trouble trouble_;
  std::uint64_t drop_, twice_, delay_ms_, refuse_, write_percent_;
  bool express_, cluster_, calm_ = false;
  bool picky_;  // a validator refuses some changes
  bool acks_,
      markers_lost_ = false;  // the broker answers acks; no marker ever arrives

  Now now_{};
  std::shared_ptr<History> history_;
  std::vector<std::shared_ptr<History>> histories_;  // all of them, for checks
  std::vector<Broker> brokers_;
  std::size_t current_ = 0;
  std::uint64_t run_ = 1;
  bool down_ = false;
  Steady up_again_{};
  std::optional<Steady> greeting_at_;
  std::map<std::string, std::pair<Steady, int>> markers_;  // ns -> next, how many left
  std::map<std::string, Steady> both_lanes_until_;
  std::array<Link, 2> links_;
  std::vector<Question> questions_;
  Follower follower_;

  // Syncs that were asked for: what the broker had then.
  struct Called {
    Epoch epoch;
    bool full = false;
    std::map<std::string, std::uint64_t> seqs;
  };
  std::map<std::uint64_t, Called> called_;

  ViewStore store_;
  std::unique_ptr<SyncState> sync_;
  std::map<std::string, std::map<std::string, Row>> told_;     // what the callbacks add up to
  std::map<std::string, std::map<std::string, Row>> written_;  // ... and what a cache makes of them
  std::map<std::string, std::pair<Epoch, std::uint64_t>> told_seq_;
  Summary summary_;
  std::string trace_;
};

}  // namespace prismbus::sync_model
