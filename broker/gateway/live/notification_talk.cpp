#include "broker/gateway/live/notification_talk.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <variant>

#include "broker/gateway/http/core_request.hpp"
#include "broker/gateway/live/client_message.hpp"
#include "proto/json/json_value.hpp"

namespace prismbus {
namespace {

constexpr std::array<std::string_view, 6> kTypes{"joined",    "left",     "lagging",
                                                 "caught_up", "rejected", "refused"};

class Json {
 public:
  Json(std::string_view type, Wall time) {
    add("type", Value::text(type));
    add("time", Value::number(to_micros(time)));
  }
  void add(std::string_view name, Value value) { members_.push_back({Value::text(name), std::move(value)}); }
  void add_text(std::string_view name, const std::string& text) {
    if (!text.empty()) add(name, Value::text(text));
  }
  [[nodiscard]] std::string text() { return to_json(Value::map(std::move(members_))); }

 private:
  Value::Map members_;
};

std::string text_of(const Notice& notice) {
  Json json(kTypes[static_cast<std::size_t>(notice.what)], notice.time);
  json.add_text("principal", notice.principal);
  json.add_text("instance", notice.instance);
  json.add_text("name", notice.name);
  json.add_text("from", notice.from);
  json.add_text("op", notice.op);
  json.add_text("code", notice.code);
  if (notice.what == Notice::What::refused) {
    Value::Array names;
    for (const std::string& ns : notice.names) names.push_back(Value::text(ns));
    json.add("ns", Value::array(std::move(names)));
  } else if (!notice.ns.empty()) {
    json.add_text("ns", notice.ns);
    json.add("seq", Value::number(notice.seq.value()));
  }
  json.add_text("key", notice.key);
  json.add_text("reason", notice.reason);
  return json.text();
}

}  // namespace

NotificationTalk::NotificationTalk(std::optional<std::string> token, std::size_t& alone)
    : SocketTalk(alone), token_(std::move(token)) {
  greet();
}

std::string NotificationTalk::hello() {
  return CoreRequest("hello", token_).payload();
}

void NotificationTalk::on_text(std::string_view text, Now now) {
  if (closing()) return;
  auto message = parse_client_message(text);
  if (!message) return say_error(message.error().id, message.error().error, now);
  if (auto* token = std::get_if<TokenMessage>(&*message)) {
    token_ = std::move(token->token);
    return greet();
  }
  say_error({}, unsupported("type", "only token is understood here"), now);
}

void NotificationTalk::on_rights(Now) {
  admitted_ = rights().access()->may_administer();
  if (!admitted_) close(close_code::kForbidden, "notifications are for who administers everything");
}

void NotificationTalk::on_notice(const Notice& notice, Now now) {
  say(text_of(notice), now);
}

void NotificationTalk::on_missed(std::uint64_t notices, Now now) {
  missed_ += notices;
  on_sent(now);
}

void NotificationTalk::on_store(bool takes_writes, Now now) {
  if (!admitted_ || std::exchange(takes_writes_, takes_writes) == takes_writes) return;
  Json json("store", now.wall);
  json.add("takes_writes", Value::boolean(takes_writes));
  say(json.text(), now);
}

void NotificationTalk::on_sent(Now now) {
  if (missed_ == 0 || closing() || !out_.has_room()) return;
  Json json("missed", now.wall);
  json.add("notifications", Value::number(std::exchange(missed_, 0)));
  out_.push({json.text(), nullptr}, now.steady);
}

void NotificationTalk::say(std::string text, Now now) {
  if (!admitted_ || closing()) return;
  if (missed_ > 0 || !out_.has_room()) {
    ++missed_;
    return on_sent(now);
  }
  out_.push({std::move(text), nullptr}, now.steady);
}

}  // namespace prismbus
