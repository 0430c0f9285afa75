// Several subscribe talks over one desk and one fake core, moved step by step: what goes through the tap,
// what is asked and when it is answered, what each socket takes. Does by hand what WebSockets does with
// sockets.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/gateway/live/live_channel.hpp"
#include "broker/gateway/live/subscribe_talk.hpp"
#include "proto/json/json_value.hpp"
#include "tests/unit/broker/gateway/live/fake_core.hpp"

namespace prismbus::testing {

inline std::shared_ptr<const Principal> everybody() {
  auto principal = std::make_shared<Principal>();
  principal->name = "anonymous";
  principal->access = Access::everything();
  return principal;
}

// Who may read what the patterns grant, under that policy.
inline std::shared_ptr<const Principal> reader(const std::vector<std::string>& patterns,
                                               const AccessRulesPtr& rules) {
  auto grants = std::make_shared<Access::Grants>();
  for (const std::string& pattern : patterns) grants->read.push_back(*Pattern::parse(pattern));
  auto principal = std::make_shared<Principal>();
  principal->name = "reader";
  principal->access = std::make_shared<const Access>("reader", grants, rules->policy);
  return principal;
}

// One socket: what it has received, and what it has asked.
struct Socket final : SocketDriver {
  explicit Socket(LiveDesk& desk, SocketClient client = {}, std::optional<std::string> token = {})
      : talk(std::move(token), std::move(client), desk) {
    talk.set_driver(*this);
  }
  void step() override {
    if (asked) return;
    if (std::string request = talk.take_request(); !request.empty()) asked = std::move(request);
  }
  // Takes the first message of the outbox, as JSON.
  Value take(Now now) {
    const OutMessage& message = talk.outbox().front();
    const std::string text = message.head + (message.body ? *message.body : "");
    auto value = from_json(text);
    INFO(text);
    REQUIRE(value.has_value());
    talk.outbox().pop(now.steady);
    talk.on_sent(now);
    step();
    return std::move(*value);
  }

  SubscribeTalk talk;
  std::optional<std::string> asked;
};

struct Bench {
  FakeCore core;
  LiveDesk desk;
  LiveChannel channel{nullptr};
  AccessRulesPtr rules = std::make_shared<const AccessRules>();
  std::vector<std::unique_ptr<Socket>> sockets;
  std::vector<LiveEvent> events;
  Now now{Steady(std::chrono::hours(1)), from_micros(1)};

  Bench() { channel.open(); }

  Socket& open(std::shared_ptr<const Principal> principal = everybody(), SocketClient client = {}) {
    sockets.push_back(std::make_unique<Socket>(desk, std::move(client)));
    Socket& socket = *sockets.back();
    socket.step();
    socket.talk.on_greeted(std::move(principal), rules);
    answer(socket);
    return socket;
  }
  TransactionPtr write(const std::map<std::string, std::vector<std::string>>& what,
                       std::size_t value_bytes = 1) {
    auto txn = core.write(what, value_bytes);
    channel.on_applied(txn);
    return txn;
  }
  // Applied, and left out by the tap as by one that is full.
  void lose(const std::map<std::string, std::vector<std::string>>& what) { lost_ = core.write(what)->rev; }
  void say(Socket& socket, const std::string& text) {
    socket.talk.on_text(text, now);
    socket.step();
  }
  // The reply is made before, what is applied fetched in between.
  void answer(Socket& socket) {
    REQUIRE(socket.asked.has_value());
    const std::string reply = core.answer(*std::exchange(socket.asked, std::nullopt));
    fetch();
    socket.talk.on_reply(reply, now);
    socket.step();
  }
  void answer_all(Socket& socket) {
    while (socket.asked) answer(socket);
  }
  void fetch() {
    const Revision left_out = std::max(channel.fetch(events), lost_);
    for (const LiveEvent& event : events) {
      if (event.txn) apply(event.txn);
      if (!event.rules) continue;
      rules = event.rules;
      for (const auto& socket : sockets) socket->talk.on_rules(rules, now), socket->step();
    }
    if (left_out.value() == 0 || (desk.log.last() && *desk.log.last() >= left_out)) return;
    tell_hole();
    desk.log.miss(left_out);
    pump();
  }
  // Everything that a socket may be told now, until nothing more comes.
  std::vector<Value> drain(Socket& socket) {
    std::vector<Value> told;
    for (;;) {
      while (!socket.talk.outbox().empty()) told.push_back(socket.take(now));
      socket.step();
      if (!socket.asked) return told;
      answer(socket);
    }
  }

 private:
  Revision lost_;

  void apply(const TransactionPtr& txn) {
    const bool follows = desk.log.last() == Revision(txn->rev.value() - 1);
    if (!follows) tell_hole();
    const LiveLog::Item& item = desk.log.add(txn);
    for (const LiveSet& set : item.sets) {
      std::vector<LiveFollower> found;
      desk.index.find(set.set().ns, found);
      for (const LiveFollower& follower : found) {
        follower.talk->on_set(follower.id, item, set, now);
        follower.talk->stir();
      }
    }
    if (!follows) pump();
  }
  void tell_hole() {
    for (const auto& socket : sockets) socket->talk.on_hole(desk.log.last());
  }
  void pump() {
    for (const auto& socket : sockets) socket->talk.on_sent(now), socket->step();
  }
};

inline std::string type_of(const Value& message) {
  return *message.find("type")->as<std::string>();
}
inline std::uint64_t number_of(const Value& message, std::string_view field) {
  const Value* value = message.find(field);
  REQUIRE(value != nullptr);
  REQUIRE(value->is<std::uint64_t>());
  return *value->as<std::uint64_t>();
}
inline std::string text_of(const Value& message, std::string_view field) {
  const Value* value = message.find(field);
  REQUIRE(value != nullptr);
  REQUIRE(value->is<std::string>());
  return *value->as<std::string>();
}
inline std::string code_of(const Value& message) {
  return text_of(*message.find("error"), "code");
}
// `type` and the seq of changes, for a glance: "snapshot", "change 3", "subscribed".
inline std::vector<std::string> glance(const std::vector<Value>& messages) {
  std::vector<std::string> all;
  all.reserve(messages.size());
  for (const Value& message : messages)
    all.push_back(type_of(message) == "change" ? "change " + std::to_string(number_of(message, "seq"))
                                               : type_of(message));
  return all;
}

}  // namespace prismbus::testing
