#include "broker/gateway/web_sockets.hpp"

#include <boost/asio/co_spawn.hpp>

#include <utility>

namespace prismbus {

void WebSockets::take(PeerStream stream, ConnectionId connection, Upgrade upgrade, HttpHead asked) {
  // Before the first thing is asked: what the reply to it does not see comes by the channel.
  channel_.open();
  std::unique_ptr<SocketTalk> talk;
  NotificationTalk* notified = nullptr;
  if (upgrade.to == Upgrade::To::notifications) {
    auto notifications = std::make_unique<NotificationTalk>(std::move(upgrade.token), desk_.alone);
    notified = notifications.get();
    talk = std::move(notifications);
    channel_.hear_notices(++notified_ > 0);
  } else {
    talk = std::make_unique<SubscribeTalk>(std::move(upgrade.token), std::move(upgrade.client), desk_);
  }
  auto socket =
      std::make_shared<WebSocket>(std::move(stream), link_, connection, rules_, messages_, std::move(talk));
  WebSocket* const key = socket.get();
  sockets_[key] = {socket, notified};
  boost::asio::co_spawn(context_, socket->run(socket, std::move(asked), upgrade.names_protocol),
                        [this, key](const std::exception_ptr&) { gone(key); });
}

void WebSockets::gone(WebSocket* socket) {
  const auto it = sockets_.find(socket);
  if (it->second.notified != nullptr) channel_.hear_notices(--notified_ > 0);
  sockets_.erase(it);
  if (!sockets_.empty()) return;
  channel_.close();
  desk_.log.clear();
}

void WebSockets::fetch(Now now) {
  const Revision left_out = channel_.fetch(events_);
  for (LiveEvent& event : events_) {
    if (event.txn) {
      apply(event.txn, now);
      continue;
    }
    if (event.notice) {
      notify(*event.notice, now);
      continue;
    }
    rules_ = std::move(event.rules);
    for (const auto& [socket, open] : sockets_) {
      socket->talk().on_rules(rules_, now);
      socket->step();
    }
  }
  events_.clear();
  if (sockets_.empty() || (desk_.log.last() && *desk_.log.last() >= left_out)) return;
  if (left_out.value() == 0) return;
  tell_hole();
  desk_.log.miss(left_out);
  pump(now);
}

void WebSockets::apply(const TransactionPtr& txn, Now now) {
  if (sockets_.empty()) return;
  const bool follows = desk_.log.last() == Revision(txn->rev.value() - 1);
  if (!follows) tell_hole();
  const LiveLog::Item& item = desk_.log.add(txn);
  for (const LiveSet& set : item.sets) {
    found_.clear();
    desk_.index.find(set.set().ns, found_);
    for (const LiveFollower& follower : found_) {
      follower.talk->on_set(follower.id, item, set, now);
      follower.talk->stir();
    }
  }
  if (!follows) pump(now);
}

void WebSockets::notify(const Notice& notice, Now now) {
  for (const auto& [socket, open] : sockets_) {
    if (open.notified == nullptr) continue;
    open.notified->on_notice(notice, now);
    socket->step();
  }
}

void WebSockets::tell_hole() {
  for (const auto& [socket, open] : sockets_) socket->talk().on_hole(desk_.log.last());
}

void WebSockets::pump(Now now) {
  for (const auto& [socket, open] : sockets_) {
    socket->talk().on_sent(now);
    socket->step();
  }
}

void WebSockets::tick(Now now) {
  const std::uint64_t missed = channel_.take_missed_notices();
  const bool takes_writes = link_.facts().takes_writes;
  for (const auto& [socket, open] : sockets_) {
    if (open.notified != nullptr) {
      if (missed > 0) open.notified->on_missed(missed, now);
      open.notified->on_store(takes_writes, now);
    }
    socket->tick(now);
  }
}

void WebSockets::finish() {
  for (const auto& [socket, open] : sockets_) {
    socket->talk().close(close_code::kGoingAway, "the broker stops");
    socket->step();
  }
}

void WebSockets::cut() {
  for (const auto& [socket, open] : sockets_) socket->cut();
}

}  // namespace prismbus
