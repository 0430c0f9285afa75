// publish: change sets to their topics in seq order (I3), coalesced per namespace; markers 1 s and 5 s after
// a namespace's last change; heartbeats; barriers. What is applied, and the rules it is read under, to the
// tap. Bus thread. What goes out here is durable and applied (I2).
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/core/live_tap.hpp"
#include "broker/core/ports.hpp"
#include "broker/core/settings.hpp"
#include "broker/core/stream_sealer.hpp"
#include "broker/store/transaction.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

// Answers a namespace's head at the applied revision, for markers.
class HeadSource {
 public:
  virtual ~HeadSource() = default;
  [[nodiscard]] virtual std::optional<Head> head_of(std::string_view ns) = 0;
};

class ChangeStream {
 public:
  static constexpr std::chrono::milliseconds kGenerationHeartbeats{100};  // apart, at the least

  // `tap` may be null.
  ChangeStream(const PipelineSettings& settings, Epoch epoch, Feed& feed, LiveTap* tap = nullptr);

  // Gathers the sets of an applied transaction, which the caller keeps alive until flush().
  void add(const TransactionPtr& txn, Now now);
  void flush();  // publishes what was gathered: one or more frames per namespace

  // How many follow: the heartbeat's interval grows with them, so that its frames take at most 3 % of the
  // time.
  void set_followers(std::size_t followers) { followers_ = followers; }
  // The interval in force, as `hello` tells it.
  [[nodiscard]] std::chrono::milliseconds heartbeat() const { return announced_; }

  // Null: nothing is sealed.
  [[nodiscard]] const StreamSealer* sealer() const { return sealer_ ? &*sealer_ : nullptr; }
  // What is published from here on is read under these. Tells a new generation with a heartbeat soon: who
  // follows what nobody writes learns no other way that its rights may have ended. Many changes of the rules
  // in a row are told together.
  void set_rules(const AccessRulesPtr& rules) {
    if (tap_ != nullptr) tap_->on_rules(rules);
    if (!sealer_) return;
    sealer_->set_generation(rules->generation);
    heartbeat_due_ = std::min(heartbeat_due_, last_heartbeat_ + kGenerationHeartbeats);
  }
  void set_time(Now now) {
    if (sealer_) sealer_->set_time(now);
  }

  // A marker is owed for a namespace that was replayed at start.
  void owe_marker(std::string_view ns, Now now);
  void on_subscription(Lane lane, std::string_view handed_up, Revision applied);
  // Heartbeats and markers that are due; returns how many frames it published.
  std::size_t step(Revision applied, HeadSource& heads, Now now);
  [[nodiscard]] Steady next_deadline(Steady otherwise) const;

  struct Counters {
    std::uint64_t frames = 0, sets = 0, markers = 0, heartbeats = 0, barriers = 0;
    struct OfLane {
      std::uint64_t frames = 0, bytes = 0;  // of everything, topics among the bytes
      std::uint64_t sets = 0;               // a set that goes out on both lanes counts on both
    };
    std::array<OfLane, 2> lanes;  // by Lane
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  using Due = std::multimap<Steady, std::string>;
  struct Owed {
    Steady changed{};
    bool second = false;  // the marker at 1 s went out; owed is the one at 5 s
    Due::iterator due;
  };
  void publish(Lane lane, std::string frame, std::size_t sets = 0);
  [[nodiscard]] std::string frame_of(std::string_view ns, const std::vector<std::string_view>& sets);
  struct Routed {
    std::string_view set;  // encoded
    Lane lane = Lane::changes;
    bool both = false;
  };
  struct Gathered {
    std::string_view ns;
    std::vector<Routed> sets;
  };
  void publish_sets(const Gathered& gathered);
  void publish_frame(std::string_view ns, const Routed& route);
  void publish_marker(std::string_view ns, const Head& head);
  [[nodiscard]] std::chrono::milliseconds paced_heartbeat() const;
  std::size_t publish_markers(HeadSource& heads, Now now);

  const Epoch epoch_;
  const Run run_;
  const std::chrono::milliseconds heartbeat_;
  const std::size_t frame_bytes_target_, markers_per_second_;
  const bool has_express_;
  Feed& feed_;
  LiveTap* const tap_;
  std::optional<StreamSealer> sealer_;

  std::vector<Gathered> gathered_;
  std::vector<std::string_view> frame_;  // sets of the frame under construction
  std::unordered_map<std::string_view, std::size_t> gathered_at_;

  std::unordered_map<std::string, Owed, BytesHash, std::equal_to<>> owed_;
  Due marker_due_;
  Steady marker_second_{};  // start of the second whose budget is being spent
  std::size_t markers_spent_ = 0;
  Steady heartbeat_due_{}, last_heartbeat_{};
  std::chrono::milliseconds announced_;  // by the last heartbeat, for the next
  std::size_t followers_ = 0;
  Counters counters_;
};

}  // namespace prismbus
