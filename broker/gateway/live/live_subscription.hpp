// One subscription of a socket: joins (snapshot, or what is missing since the client's seqs), then is live,
// with no hole in between; paused, it catches up when it goes on. It asks the core for its pages one at a
// time and takes the rest from the log that all sockets share. Gateway thread, no sockets, no clock of its
// own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/gateway/live/client_message.hpp"
#include "broker/gateway/live/heads_reading.hpp"
#include "broker/gateway/live/live_log.hpp"
#include "broker/gateway/live/outbox.hpp"
#include "broker/gateway/live/reader_rights.hpp"

namespace prismbus {

// What its socket lends it for a call.
struct SubscriptionRoom {
  const LiveLog& log;
  const ReaderRights& rights;
  Outbox& out;
  Steady now;
};

class LiveSubscription {
 public:
  // `rights`: those it joins under.
  LiveSubscription(SubscribeMessage wish, const ReaderRights& rights);

  // Whether it waits for a page of the core; then request() asks for it and on_reply() is told.
  [[nodiscard]] bool wants_to_ask() const { return wants_to_ask_ && !(paused_ && phase_ == Phase::behind); }
  [[nodiscard]] bool is_joining() const { return phase_ < Phase::behind; }
  [[nodiscard]] std::string request();
  void on_reply(std::string_view payload, const SubscriptionRoom& room);

  // Applied just now, in a namespace it covers.
  void on_set(const LiveLog::Item& item, const LiveSet& set, const SubscriptionRoom& room);
  // The log misses what comes behind `up_to` (nullopt: nothing was fetched since it went live).
  void on_hole(std::optional<Revision> up_to);
  // From the log into the outbox, as long as there is room.
  void pump(const SubscriptionRoom& room);
  void pause() { paused_ = true; }  // joining goes on; what is on its way is still told
  void resume() { paused_ = false; }
  // Rights have changed: an exact namespace that may not be read any more ends it.
  void on_rights(const SubscriptionRoom& room);

  // It was told why; its id is free again.
  [[nodiscard]] bool ended() const { return phase_ == Phase::ended; }
  [[nodiscard]] const std::string& ns() const { return wish_.ns; }
  [[nodiscard]] bool is_subtree() const { return wish_.subtree; }

 private:
  enum class Phase : std::uint8_t { heads, entries, since, behind, live, ended };

  void on_heads(std::string_view payload, const SubscriptionRoom& room);
  void on_entries(std::string_view payload, const SubscriptionRoom& room);
  void on_changes(std::string_view payload, const SubscriptionRoom& room);
  void set_roots();
  void next_since_batch();
  void tell_subscribed(const SubscriptionRoom& room);
  void tell(std::string_view ns, Seq seq, SharedText text, const SubscriptionRoom& room);
  void end(const Error& error, const SubscriptionRoom& room);
  void end_with_gap(std::string_view ns, Seq told, const SubscriptionRoom& room);

  SubscribeMessage wish_;
  std::size_t rights_at_;  // of those it has seen, the first
  Phase phase_ = Phase::heads;
  bool paused_ = false, wants_to_ask_ = true;
  bool asked_ = false;                                // ... and the reply is not there yet
  std::optional<HeadsReading> heads_;                 // until it has joined
  std::vector<std::pair<std::string, Seq>> missing_;  // what the client has not; asked for from the back
  std::vector<std::pair<std::string, Seq>> asked_since_;
  std::vector<std::string> roots_;  // subtrees whose entries are to be told yet; the last one is being told
  std::string after_;               // cursor of the page to ask for; empty: the first
  Revision position_;               // everything it covers up to there was told, or is in the core's snapshot
  Seq seq_;                         // of an exact namespace: up to there it was told
  Epoch epoch_;
};

}  // namespace prismbus
