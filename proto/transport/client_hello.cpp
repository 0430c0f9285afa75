// ClientConnection, `hello`: said, answered, and said again before a token ends.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/transport/client_connection.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::size_t kBrokersMax = 64;    // candidates, told ones included
constexpr nanoseconds kRenewAhead = 5min;  // of a token's end; a short one a quarter of its time
constexpr nanoseconds kRenewLeast = 1s;    // between two, when the token is not renewed

}  // namespace

void ClientConnection::send_hello(Now now) {
  const auto token = options_.credentials.token_now();
  if (!token) {
    refusal_ = token.error();
    return move_on(token.error(), now);
  }
  HelloRequest hello;
  hello.name = options_.client.name;
  hello.version = options_.client.version;
  hello.instance = options_.client.instance;
  for (const auto& [name, value] : options_.client.labels) hello.labels.emplace_back(name, value);
  hello.follow_ns.assign(options_.follow_ns.begin(), options_.follow_ns.end());
  hello.follow_under.assign(options_.follow_under.begin(), options_.follow_under.end());
  Request request;
  request.id.bits = kHelloBit | ++hello_n_;
  if (!token->empty()) request.token = *token;
  request.body = std::move(hello);
  hello_pending_ = true;
  hello_sent_ = now.steady;
  next_scan_ = std::min(next_scan_, silence_deadline());
  transmit(codec::encode_request(request));
}

void ClientConnection::say_hello(Now now) {
  if (state_ != State::ready) return;
  hello_for_owner_ = true;
  if (hello_pending_) return;
  if (table_.size() == 0) quiet_since_ = now.steady;
  send_hello(now);
}

void ClientConnection::add_brokers(const HelloReply& hello) {
  // Told ones of a former broker make room; the configured ones and the one in use stay.
  const Endpoint in_use = brokers_[current_];
  brokers_.resize(configured_);
  const auto add = [&](const Endpoint& endpoint) {
    if (brokers_.size() < kBrokersMax &&
        std::find(brokers_.begin(), brokers_.end(), endpoint) == brokers_.end()) {
      brokers_.push_back(endpoint);
    }
  };
  add(in_use);
  for (const std::string& told : hello.brokers) {
    if (const auto endpoint = reachable_endpoint(told, in_use)) add(*endpoint);
  }
  current_ = static_cast<std::size_t>(std::find(brokers_.begin(), brokers_.end(), in_use) - brokers_.begin());
}

void ClientConnection::on_hello_reply(const ReplyHeader& reply, Now now) {
  if (!hello_pending_ || reply.id.bits != (kHelloBit | hello_n_)) return;  // an older one: the newest decides
  if (reply.error) {
    refusal_ = *reply.error;
    return move_on(in_context("hello refused", *reply.error), now);
  }
  auto hello = codec::decode_hello_reply(reply);
  if (!hello) return move_on(in_context("hello not understood", hello.error()), now);
  if (hello->protocol != 1) {
    return move_on(fail(ErrorCode::unsupported, "the broker speaks another protocol version").value(), now);
  }
  hello_pending_ = false;
  failures_ = 0;
  refusal_.reset();
  const bool anew = state_ == State::greeting;
  const bool other = anew || greeting_.hello.run != hello->run || greeting_.epoch != reply.epoch;
  const bool tell = other || std::exchange(hello_for_owner_, false);
  state_ = State::ready;
  greeting_ = {brokers_[current_], reply.epoch, reply.rev, std::move(*hello)};
  ++counters_.greetings;
  add_brokers(greeting_.hello);
  if (other) {
    log(LogLevel::info, LogLine("broker_joined")
                            .with("broker", greeting_.requests.text())
                            .with("epoch", fmt::format("{:016x}", reply.epoch.value()))
                            .with("run", fmt::format("{:016x}", greeting_.hello.run.value())));
    repeat_all(now);
  } else {
    for (const std::uint64_t id : table_.ids()) {
      if (PendingRequest* request = table_.find(id); request->after_hello) repeat(*request, now);
    }
  }
  plan_renewal(now);
  next_scan_ = std::min({next_scan_, silence_deadline(), renew_at_});
  if (tell) owner_->on_greeting(greeting_);
}

// A token that ends is shown anew before it does, at a time of one's own: whoever renews it, renews the file.
void ClientConnection::plan_renewal(Now now) {
  renew_at_ = kNever;
  if (!greeting_.hello.expires) return;
  const nanoseconds left = std::max<nanoseconds>(from_micros(*greeting_.hello.expires) - now.wall, 0ns);
  const nanoseconds ahead = std::min<nanoseconds>(left / 4, kRenewAhead);
  renew_at_ = now.steady + std::max<nanoseconds>(left - jittered(ahead), kRenewLeast);
}

}  // namespace prismbus
