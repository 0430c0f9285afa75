// What a subscriber of a sealed stream knows of its keys, and the frames that wait for one (PROTOCOL section
// 9). Pure: frames, answers and time come in, random numbers from a seed; what to do is asked. One thread,
// that of whoever reads the stream. Kept: nothing opens but what a told key opens (I10). Frames of a
// namespace come out in the order they came in. A frame that a told right allows to read is opened, or its
// namespace is told as lost; it never just goes. At most one `keys` a second; all that is held is bounded
// (I8). It sends nothing and decodes no change set.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/messages.hpp"
#include "subscriber/stream/told_keys.hpp"

namespace prismbus {

// What became of a frame.
enum class FrameFate : std::uint8_t {
  opened,
  waiting,     // held until a key for it is told
  lost,        // no room to hold it: its namespace is in take_lost()
  unreadable,  // of a name that this period's answer had no key for: dropped
  forged,      // no frame of a namespace, a broken body, or one its key did not seal: dropped
  unsealed,    // in a stream that is sealed: dropped
};

class KeyRing {
 public:
  // Frames that wait: a round trip's worth of a busy stream, two of the largest frames at least.
  static constexpr std::size_t kHeldFrames = 8192, kHeldBytes = 18u << 20;
  static constexpr std::size_t kIgnoredNames = limits::kFollowNames;  // others are asked for again
  static constexpr std::chrono::milliseconds kPeriod{60'000};
  static constexpr std::chrono::milliseconds kAskWithin{200};  // of a frame that waits
  static constexpr std::chrono::milliseconds kAskPace{1000};   // between two `keys`
  // The part of a period in which it is renewed; the rest is for trying again before the next.
  static constexpr std::chrono::milliseconds kRenewWithin{45'000};
  static constexpr std::chrono::milliseconds kRetryMax{16'000};  // while the broker answers none

  struct Counters {
    std::uint64_t opened = 0;      // at once or after waiting
    std::uint64_t held = 0;        // had to wait
    std::uint64_t lost = 0;        // readable, but not opened: `changes` has to bring what was in them
    std::uint64_t unreadable = 0;  // of names without a key
    std::uint64_t forged = 0, unsealed = 0;
    std::uint64_t asked = 0;  // `keys` requests
  };

  explicit KeyRing(std::uint64_t seed);

  // ---- the broker
  // `hello` was answered. Sealed: keys are due at once if there are none. Not sealed: bodies pass as they
  // are, keys and frames are dropped. A `keys` under way is given up.
  void on_joined(bool sealed, Now now);
  // Another epoch: all keys, frames and names are dropped; keys are due. After on_joined() or before it.
  void forget();

  // ---- asking
  // To be asked at every step, at next_deadline() at the latest. True: send `keys` for all that is followed
  // and say asked(). Also the moment when outdated keys go.
  [[nodiscard]] bool due(Now now);
  [[nodiscard]] Steady next_deadline() const;  // max(): nothing will be due unless something comes in
  void asked(Now now);
  // Answered, whole. Ignored when none is under way. Then take_opened(), take_lost(), take_unreadable(). An
  // answer of an older generation is a failure: that broker is behind.
  void on_reply(KeysTold told, Now now);
  void on_failed(Now now);  // no answer, or an error: asked again, more and more seldom
  // A heartbeat says that this is the period. A later generation: somebody's rights were narrowed, ours
  // perhaps, and where nothing is written no frame tells; keys are due.
  void on_period(Period period, Now now);

  // ---- the stream
  struct Read {
    FrameFate fate = FrameFate::forged;
    std::string_view body;  // opened: the plain body, lent until the next call of anything here
  };
  // A frame of a namespace, topic and body together, as it came. After an on_reply() only when take_opened()
  // has nothing more. Costs no allocation and no derivation once its key was used.
  [[nodiscard]] Read on_frame(Lane lane, std::string_view frame, Now now);

  struct Opened {
    Lane lane = Lane::changes;
    std::string ns, body;
  };
  [[nodiscard]] std::optional<Opened> take_opened();   // frames that waited, as they came; nullopt: no more
  [[nodiscard]] std::vector<std::string> take_lost();  // namespaces to ask `changes` for, each once
  [[nodiscard]] std::vector<std::string> take_unreadable();  // namespaces that are ignored from now on

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::size_t waiting() const { return held_.size(); }

 private:
  using Names = std::unordered_set<std::string, BytesHash, std::equal_to<>>;
  struct Held {
    Lane lane = Lane::changes;
    Period period;
    bool asked = false;          // `keys` was asked while it waited
    std::size_t topic_size = 0;  // with its `/`
    std::string frame;
    [[nodiscard]] std::string_view topic() const { return std::string_view(frame).substr(0, topic_size); }
    [[nodiscard]] std::string_view ns() const { return std::string_view(frame).substr(0, topic_size - 1); }
    [[nodiscard]] std::string_view body() const { return std::string_view(frame).substr(topic_size); }
    [[nodiscard]] std::size_t bytes() const;
  };

  [[nodiscard]] std::chrono::nanoseconds random_below(std::chrono::nanoseconds bound);
  [[nodiscard]] Steady next_ask() const;
  void ask_for_frames(Steady now);
  [[nodiscard]] FrameFate hold(Lane lane, Period period, std::string_view frame, std::size_t topic_size,
                               Steady now);
  [[nodiscard]] bool ignores(std::string_view ns, Period period, Steady now);
  // What becomes of a held frame now; waiting: it stays.
  [[nodiscard]] FrameFate settle(const Held& held, const Names& blocked, Steady now);
  void settle_all(Steady now);
  void drop_frames();

  std::mt19937_64 random_;
  bool sealed_ = false;
  ToldKeys keys_;
  Period period_;  // of the last answer
  Steady period_ends_{};
  Names ignored_;  // until period_ends_, or a frame of a later period

  bool under_way_ = false;
  unsigned failures_ = 0;                                          // since the last answer
  Steady not_before_{};                                            // the next `keys`
  Steady frames_at_ = Steady::max(), renewal_at_ = Steady::max();  // when each wants one

  std::deque<Held> held_;  // the oldest first
  std::size_t held_bytes_ = 0;
  Names held_names_;
  std::deque<Opened> opened_;
  Names lost_, unreadable_;
  std::string plain_;  // the body lent last
  Counters counters_;
};

}  // namespace prismbus
