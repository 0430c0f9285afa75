// All WebSockets of the gateway: takes connections that become one, tells them what is applied and by which
// rules it is read, keeps time for them. Gateway thread.
#pragma once

#include "broker/gateway/web_socket.hpp"  // before the rest of Asio

#include <boost/asio/io_context.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

#include "broker/gateway/live/live_channel.hpp"
#include "broker/gateway/live/notification_talk.hpp"
#include "broker/gateway/live/subscribe_talk.hpp"
#include "broker/gateway/live/upgrade.hpp"

namespace prismbus {

class WebSockets {
 public:
  // All outlive this.
  WebSockets(boost::asio::io_context& context, CoreLink& link, LiveChannel& channel)
      : context_(context), link_(link), channel_(channel) {}

  // `connection` has no request under way.
  void take(PeerStream stream, ConnectionId connection, Upgrade upgrade, HttpHead asked);
  // What was applied since the last call; between the link's fetch_replies() and give_replies().
  void fetch(Now now);
  void tick(Now now);  // a few times a second
  [[nodiscard]] std::size_t size() const { return sockets_.size(); }
  void finish();  // told that the broker stops
  void cut();

 private:
  void apply(const TransactionPtr& txn, Now now);
  void notify(const Notice& notice, Now now);
  void tell_hole();
  void pump(Now now);
  void gone(WebSocket* socket);

  boost::asio::io_context& context_;
  CoreLink& link_;
  LiveChannel& channel_;
  BodyBudget messages_;
  LiveDesk desk_;
  AccessRulesPtr rules_;
  struct Open {
    std::shared_ptr<WebSocket> socket;
    NotificationTalk* notified = nullptr;  // its talk, if it is one of these
  };
  std::unordered_map<WebSocket*, Open> sockets_;
  std::size_t notified_ = 0;         // of them
  std::vector<LiveEvent> events_;    // of the fetch under way; reused
  std::vector<LiveFollower> found_;  // of the set under way; reused
};

}  // namespace prismbus
