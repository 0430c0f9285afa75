#include "broker/gateway/live/socket_talk.hpp"

#include <utility>

#include "broker/gateway/live/server_message.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

// As much of UTF-8 text as fits: what is cut within a character is no text.
std::string text_within(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

std::string SocketTalk::take_request() {
  if (asking_ || closing_) return {};
  std::string request;
  asked_hello_ = std::exchange(greets_, false);
  if (asked_hello_) {
    request = hello();
  } else if (greeted_) {
    request = next_request();
  }
  asking_ = !request.empty();
  return request;
}

void SocketTalk::on_greeted(std::shared_ptr<const Principal> principal, const AccessRulesPtr& rules) {
  rules_ = rules;
  rights_.set_principal(std::move(principal), rules);
}

void SocketTalk::on_reply(std::string_view payload, Now now) {
  asking_ = false;
  const bool was_hello = std::exchange(asked_hello_, false);
  if (closing_) return;
  if (!was_hello) return on_own_reply(payload, now);
  const auto reply = codec::decode_reply(payload);
  const Error* error = !reply ? &reply.error() : reply->error ? &*reply->error : nullptr;
  on_hello(error == nullptr);
  if (error != nullptr) {
    say_error(std::nullopt, *error, now);
    // Who has been let in before goes on under the token of then.
    if (greeted_) return;
    const bool is_token = error->code == ErrorCode::unauthenticated;
    return close(is_token ? close_code::kUnauthenticated : close_code::kPolicy, error->message);
  }
  if (std::exchange(greeted_, true)) {
    on_rights(now);
  } else {
    begin(now);
  }
}

void SocketTalk::on_rules(const AccessRulesPtr& rules, Now now) {
  rules_ = rules;
  if (!greeted_) return;
  rights_.set_rules(rules);
  check_token(now);
  if (!closing_) on_rights(now);
}

void SocketTalk::check_token(Now now) {
  if (!greeted_ || !rules_) return;
  const auto good = rights_.principal().check_token(*rules_->revoked, now.wall);
  if (good) return;
  out_.clear_behind_front();  // who reads slowly is shown nothing more under it
  close(close_code::kUnauthenticated, good.error().message);
}

void SocketTalk::tick(Now now) {
  if (closing_) return;
  if (!out_.empty() && now.steady - out_.moved() > kSlowMax) {
    out_.clear_behind_front();
    return close(close_code::kTooSlow, "what was sent is not being read");
  }
  check_token(now);
}

void SocketTalk::close(std::uint16_t code, std::string text) {
  if (closing_) return;
  closing_ = CloseReason{code, text_within(std::move(text), CloseReason::kBytesMax)};
}

void SocketTalk::say_error(std::optional<std::uint64_t> id, const Error& error, Now now) {
  out_.push(error_message(id, error), now.steady);
}

}  // namespace prismbus
