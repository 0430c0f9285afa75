#include "broker/gateway/live/subscribe_talk.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "broker/gateway/http/core_request.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/writer.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

std::string encode_names(const std::vector<std::string_view>& names) {
  std::string encoded;
  codec::Writer writer(encoded);
  writer.array(static_cast<std::uint32_t>(names.size()));
  for (const std::string_view name : names) writer.text(name);
  return encoded;
}

// {ns: [..], under: [..]}
std::string encode_follow(const std::vector<std::string_view>& exact,
                          const std::vector<std::string_view>& below) {
  std::string encoded;
  codec::Writer writer(encoded);
  writer.map(2);
  writer.name("ns");
  writer.raw(encode_names(exact));
  writer.name("under");
  writer.raw(encode_names(below));
  return encoded;
}

std::string encode_client(const SocketClient& client) {
  std::string encoded;
  codec::Writer writer(encoded);
  writer.map(2);
  writer.field("name", std::string_view(client.name));
  writer.field("instance", std::string_view(client.instance));
  return encoded;
}

}  // namespace

SubscribeTalk::SubscribeTalk(std::optional<std::string> token, SocketClient client, LiveDesk& desk)
    : SocketTalk(desk.alone), client_(std::move(client)), desk_(desk), token_(std::move(token)) {
  greet();
}

SubscribeTalk::~SubscribeTalk() {
  expect(0);
  for (const auto& [id, subscription] : subscriptions_)
    desk_.index.remove(subscription.ns(), subscription.is_subtree(), {this, id});
}

std::string SubscribeTalk::hello() {
  asked_with_ = std::exchange(offered_, std::nullopt);
  CoreRequest request("hello", asked_with_ ? asked_with_ : token_);
  if (client_.instance.empty()) return request.payload();
  request.set("client", encode_client(client_));
  std::vector<std::string_view> exact, below;
  for (const auto& [id, subscription] : subscriptions_)
    (subscription.is_subtree() ? below : exact).push_back(subscription.ns());
  for (auto* names : {&exact, &below}) {
    std::sort(names->begin(), names->end());
    names->erase(std::unique(names->begin(), names->end()), names->end());
  }
  request.set("follow", encode_follow(exact, below));
  return request.payload();
}

void SubscribeTalk::on_hello(bool taken) {
  auto with = std::exchange(asked_with_, std::nullopt);
  if (!with) return;
  if (taken) {
    token_ = std::move(with);
  } else {
    follow();  // what else it said was refused with the token
  }
}

// ---- in

void SubscribeTalk::on_text(std::string_view text, Now now) {
  if (closing()) return;
  auto message = parse_client_message(text);
  if (!message) return say_error(message.error().id, message.error().error, now);
  std::visit([&](auto& m) { obey(m, now); }, *message);
  remove_ended();
}

void SubscribeTalk::obey(SubscribeMessage& message, Now now) {
  const SubscriptionId id = message.id;
  if (subscriptions_.contains(id))
    return say_error(id, fail_field("id", "is that of another subscription of this socket").value(), now);
  if (subscriptions_.size() == kSubscriptionsMax) {
    Error error = error_of(ErrorCode::too_large, "too many subscriptions on one socket");
    error.limit = kSubscriptionsMax;
    return say_error(id, error, now);
  }
  const bool everything = message.subtree && message.ns.empty();
  if (const auto named = everything ? Result<void>() : validate_namespace(message.ns, "ns"); !named)
    return say_error(id, named.error(), now);
  if (const auto may = rights().access()->authorise(Right::read, message.ns); !message.subtree && !may)
    return say_error(id, may.error(), now);
  desk_.index.add(message.ns, message.subtree, {this, id});
  subscriptions_.try_emplace(id, std::move(message), rights());
  follow();
}

void SubscribeTalk::obey(const UnsubscribeMessage& message, Now now) {
  if (find(message.id, now) != nullptr) remove(subscriptions_.find(message.id));
}

void SubscribeTalk::obey(const PauseMessage& message, Now now) {
  if (LiveSubscription* subscription = find(message.id, now)) subscription->pause();
}

void SubscribeTalk::obey(const ResumeMessage& message, Now now) {
  LiveSubscription* subscription = find(message.id, now);
  if (subscription == nullptr) return;
  subscription->resume();
  subscription->pump(room(now));
}

void SubscribeTalk::obey(AckMessage& message, Now now) {
  if (client_.instance.empty())
    return say_error({}, fail_field("instance", "who acks says so in the URL: ?instance=").value(), now);
  CoreRequest request("ack", std::nullopt);
  for (const auto& [name, field] : *message.fields.as<Value::Map>())
    request.set(*name.as<std::string>(), to_message_pack(field));
  acks_.push_back(request.payload());
}

void SubscribeTalk::obey(TokenMessage& message, Now) {
  offered_ = std::move(message.token);
  greet();
}

LiveSubscription* SubscribeTalk::find(SubscriptionId id, Now now) {
  const auto it = subscriptions_.find(id);
  if (it != subscriptions_.end()) return &it->second;
  say_error(id, error_of(ErrorCode::not_found, "no such subscription on this socket"), now);
  return nullptr;
}

void SubscribeTalk::on_set(SubscriptionId id, const LiveLog::Item& item, const LiveSet& set, Now now) {
  const auto it = subscriptions_.find(id);
  if (it == subscriptions_.end() || closing()) return;
  it->second.on_set(item, set, room(now));
  if (it->second.ended()) remove(it);
}

void SubscribeTalk::on_hole(std::optional<Revision> up_to) {
  for (auto& [id, subscription] : subscriptions_) subscription.on_hole(up_to);
}

void SubscribeTalk::on_sent(Now now) {
  if (closing()) return;
  pump(now);
  remove_ended();
}

// Each is the first in its turn: one that is far behind would take all the room for as long as it is.
void SubscribeTalk::pump(Now now) {
  auto it = subscriptions_.upper_bound(pumped_);
  if (it == subscriptions_.end()) it = subscriptions_.begin();
  if (it != subscriptions_.end()) pumped_ = it->first;
  for (std::size_t n = subscriptions_.size(); n > 0; --n) {
    it->second.pump(room(now));
    if (++it == subscriptions_.end()) it = subscriptions_.begin();
  }
}

void SubscribeTalk::on_rights(Now now) {
  for (auto& [id, subscription] : subscriptions_) subscription.on_rights(room(now));
  remove_ended();
}

// ---- out

std::string SubscribeTalk::next_request() {
  if (!acks_.empty()) {
    asked_ack_ = true;
    std::string request = std::move(acks_.front());
    acks_.pop_front();
    return request;
  }
  // Whoever finds no place asks again within a second, when it is looked after.
  if (out_.bytes() >= kAskBelow || desk_.alone + limits::kPageBytes > LiveDesk::kAloneMax) return {};
  // One joins after another, so that what is read of it so far is of one alone; then each that has fallen
  // behind in its turn.
  for (auto& [id, subscription] : subscriptions_) {
    if (!subscription.is_joining() || !subscription.wants_to_ask()) continue;
    asked_ = id;
    expect(limits::kPageBytes);
    return subscription.request();
  }
  auto it = subscriptions_.upper_bound(asked_behind_);
  for (std::size_t n = subscriptions_.size(); n > 0; --n, ++it) {
    if (it == subscriptions_.end()) it = subscriptions_.begin();
    if (!it->second.wants_to_ask()) continue;
    asked_ = asked_behind_ = it->first;
    expect(limits::kPageBytes);
    return it->second.request();
  }
  return {};
}

void SubscribeTalk::expect(std::size_t bytes) {
  desk_.alone = desk_.alone - expected_ + bytes;
  expected_ = bytes;
}

void SubscribeTalk::on_own_reply(std::string_view payload, Now now) {
  expect(0);
  if (std::exchange(asked_ack_, false)) {
    const auto reply = codec::decode_reply(payload);
    if (!reply || reply->error) say_error({}, reply ? *reply->error : reply.error(), now);
    return;
  }
  const auto asked = std::exchange(asked_, std::nullopt);
  const auto it = asked ? subscriptions_.find(*asked) : subscriptions_.end();
  if (it == subscriptions_.end()) return;  // unsubscribed meanwhile
  it->second.on_reply(payload, room(now));
  remove_ended();
}

void SubscribeTalk::remove(Subscriptions::iterator it) {
  desk_.index.remove(it->second.ns(), it->second.is_subtree(), {this, it->first});
  if (asked_ == it->first) asked_.reset();
  subscriptions_.erase(it);
  follow();
}

void SubscribeTalk::remove_ended() {
  for (auto it = subscriptions_.begin(); it != subscriptions_.end();) {
    const auto next = std::next(it);
    if (it->second.ended()) remove(it);
    it = next;
  }
}

// Rows of `subscribers` say what is followed; somebody without an instance has none.
void SubscribeTalk::follow() {
  if (!client_.instance.empty()) greet();
}

}  // namespace prismbus
