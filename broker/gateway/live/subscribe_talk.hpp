// /ws/config/subscribe: subscriptions of one socket, each joined one after another, all live together.
// Gateway thread.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "broker/gateway/live/client_message.hpp"
#include "broker/gateway/live/live_subscription.hpp"
#include "broker/gateway/live/socket_talk.hpp"
#include "broker/gateway/live/subscription_index.hpp"

namespace prismbus {

class SubscribeTalk;

// A subscription as the index knows it.
struct LiveFollower {
  SubscribeTalk* talk;
  SubscriptionId id;
  friend bool operator==(const LiveFollower&, const LiveFollower&) = default;
};

// What all sockets share.
struct LiveDesk {
  // Of pages and answers that wait in all outboxes, and of pages that are on their way: above, no page is
  // asked for (I8).
  static constexpr std::size_t kAloneMax = 256u << 20;
  std::size_t alone = 0;
  LiveLog log;
  SubscriptionIndex<LiveFollower> index;
};

// Who the client says it is; with an instance it is a row of `subscribers` and may ack.
struct SocketClient {
  std::string name, instance;
};

class SubscribeTalk final : public SocketTalk {
 public:
  static constexpr std::size_t kSubscriptionsMax = 256;
  static constexpr std::size_t kAcksMax = 16;         // that wait to be asked
  static constexpr std::size_t kAskBelow = 1u << 20;  // bytes in the outbox; above, no page is asked for

  // `desk` outlives this. `token` may be absent.
  SubscribeTalk(std::optional<std::string> token, SocketClient client, LiveDesk& desk);
  ~SubscribeTalk() override;

  void on_text(std::string_view text, Now now) override;
  void on_sent(Now now) override;
  // A set of a namespace that this subscription covers.
  void on_set(SubscriptionId id, const LiveLog::Item& item, const LiveSet& set, Now now);
  void on_hole(std::optional<Revision> up_to) override;

 private:
  void begin(Now) override {}
  void on_own_reply(std::string_view payload, Now now) override;
  void expect(std::size_t bytes);
  void on_rights(Now now) override;
  std::string next_request() override;
  [[nodiscard]] bool takes_more() const override { return acks_.size() < kAcksMax; }

  void obey(SubscribeMessage& message, Now now);
  void obey(const UnsubscribeMessage& message, Now now);
  void obey(const PauseMessage& message, Now now);
  void obey(const ResumeMessage& message, Now now);
  void obey(AckMessage& message, Now now);
  void obey(TokenMessage& message, Now now);

  using Subscriptions = std::map<SubscriptionId, LiveSubscription>;
  [[nodiscard]] LiveSubscription* find(SubscriptionId id, Now now);
  void remove(Subscriptions::iterator it);
  void remove_ended();
  void follow();
  void pump(Now now);
  [[nodiscard]] std::string hello() override;
  void on_hello(bool taken) override;
  [[nodiscard]] SubscriptionRoom room(Now now) { return {desk_.log, rights(), out_, now.steady}; }

  const SocketClient client_;
  LiveDesk& desk_;
  std::optional<std::string> token_;  // that counts
  std::optional<std::string> offered_,
      asked_with_;  // in its place: not asked about yet; in the hello under way
  Subscriptions subscriptions_;
  SubscriptionId pumped_ = 0, asked_behind_ = 0;  // whose turn it was last
  std::optional<SubscriptionId> asked_;           // whose page is under way; of an ack: none
  bool asked_ack_ = false;
  std::size_t expected_ = 0;      // bytes of the page under way, counted at the desk
  std::deque<std::string> acks_;  // requests
};

}  // namespace prismbus
