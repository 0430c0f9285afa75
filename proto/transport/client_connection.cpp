#include "proto/transport/client_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/base/random.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr int kRepliesPerStep = 512;           // then the owner's other work has its turn
constexpr auto kScanEvery = 20ms;              // not oftener: deadlines and repeats are this exact
constexpr std::size_t kHelloDoublingsMax = 2;  // of the time for an answer to `hello`
constexpr auto kAnswerSlack = 500ms;           // for a broker that waited as long as it may
constexpr unsigned kInternalMax = 3;           // repeats of a request that hits a defect of the broker

// Whether a failure says that nothing was done; `timeout` and `internal` do not.
bool surely_not_done(ErrorCode code) {
  return code != ErrorCode::timeout && code != ErrorCode::internal;
}

}  // namespace

Result<ClientConnection> ClientConnection::make(Context& context, ConnectionOptions options, Owner& owner,
                                                LogSink log) {
  if (options.brokers.empty()) return fail_field("brokers", "name at least one broker");
  if (options.in_flight_max == 0 || options.in_flight_max > RequestTable::kSlotsMax) {
    return fail_field("in_flight_max", "1..65536");
  }
  std::vector<Endpoint> brokers;
  for (const std::string& text : options.brokers) {
    auto endpoint = Endpoint::parse(text, Endpoint::Use::connect);
    if (!endpoint) return tl::unexpected<Error>(endpoint.error());
    brokers.push_back(std::move(*endpoint));
  }
  if (auto sound = options.credentials.check(); !sound) return tl::unexpected<Error>(sound.error());
  Curve curve;
  if (!options.credentials.server_key.empty()) {
    auto own = options.credentials.own.secret_key.empty() ? CurveKeyPair::fresh()
                                                          : Result<CurveKeyPair>(options.credentials.own);
    if (!own) return tl::unexpected<Error>(own.error());
    curve = CurveClient{options.credentials.server_key, std::move(*own)};
  }
  if (options.client.instance.empty()) options.client.instance = fmt::format("{:016x}", random_u64());
  ClientConnection made(context, std::move(options), std::move(brokers), owner, std::move(log));
  made.curve_ = std::move(curve);
  return made;
}

ClientConnection::ClientConnection(Context& context, ConnectionOptions options, std::vector<Endpoint> brokers,
                                   Owner& owner, LogSink log)
    : context_(&context),
      options_(std::move(options)),
      brokers_(std::move(brokers)),
      configured_(brokers_.size()),
      owner_(&owner),
      log_(std::move(log)),
      random_(static_cast<std::minstd_rand::result_type>(random_u64())) {}

void ClientConnection::log(LogLevel level, const LogLine& line) const {
  if (log_) log_(level, line.text());
}

nanoseconds ClientConnection::jittered(nanoseconds d) {  // d .. 1.5 d
  return d + nanoseconds(std::uniform_int_distribution<std::int64_t>(0, d.count() / 2)(random_));
}

// ---- one broker after another

void ClientConnection::open(Now now) {
  SocketOptions speaks;
  speaks.curve = curve_;
  auto socket = Socket::open(*context_, SocketRole::request_client, speaks);
  const Result<void> connected =
      socket ? socket->connect(brokers_[current_]) : Result<void>(tl::unexpected<Error>(socket.error()));
  if (!connected) return move_on(connected.error(), now);
  socket_ = std::move(*socket);
  state_ = State::greeting;
  send_hello(now);
}

void ClientConnection::move_on(const Error& why, Now now) {
  const bool was_ready = state_ == State::ready;
  if (socket_) socket_->drop_on_close();
  socket_.reset();
  state_ = State::waiting;
  hello_pending_ = false;
  renew_at_ = kNever;
  ++failures_;
  ++counters_.moves;
  if ((failures_ & (failures_ - 1)) == 0) {  // repeats are counted, not told one by one
    log(LogLevel::warn, LogLine("broker_left")
                            .with("broker", brokers_[current_].text())
                            .with("failures", failures_)
                            .with("why", why.message));
  }
  current_ = (current_ + 1) % brokers_.size();
  nanoseconds delay{0};
  if (failures_ % brokers_.size() == 0) {  // a whole round failed: full jitter below a doubling limit
    const auto round = std::min<std::size_t>(failures_ / brokers_.size(), 16);
    const nanoseconds most = std::min<nanoseconds>(options_.backoff_max, options_.backoff_min * (1 << round));
    delay = nanoseconds(std::uniform_int_distribution<std::int64_t>(0, most.count())(random_));
  }
  retry_at_ = now.steady + delay;
  if (was_ready) owner_->on_lost(why);
  if (failures_ % brokers_.size() == 0) tell_refusal();
}

void ClientConnection::tell_refusal() {
  if (!refusal_ || after_error(refusal_->code) == AfterError::repeat_later) return;
  const Error why = unsent({});
  owner_->on_refused(why);
}

Error ClientConnection::unsent(std::string otherwise) const {
  return refusal_ ? in_context("`hello` was refused", *refusal_)
                  : error_of(ErrorCode::unavailable, std::move(otherwise));
}

// ---- requests

void ClientConnection::submit(std::uint64_t tag, const RequestBody& body, const CallOptions& options,
                              Now now) {
  PRISMBUS_ASSERT(ready() && has_room(), "the owner asks ready() and has_room() first");
  if (table_.size() == 0 && !hello_pending_) quiet_since_ = now.steady;
  PendingRequest& request = table_.add();
  request.tag = tag;
  request.deadline = options.deadline;
  request.repeat_after_hello = options.repeat_after_hello;
  if (options.with_epoch) request.epoch = greeting_.epoch;
  request.retry_at = now.steady + jittered(options_.retry_interval);
  request.sent = 1;
  request.sent_at = now.steady;
  Request message;
  message.id.bits = request.id;
  message.epoch = request.epoch;
  message.body = body;
  // The owner's own `hello` would make the connection nobody's, did it not show the token again.
  const bool greets = std::holds_alternative<HelloRequest>(body);
  const auto token = greets ? options_.credentials.token_now() : Result<std::string>();
  if (token && !token->empty()) message.token = *token;
  request.payload = codec::encode_request(message);
  next_scan_ = std::min({next_scan_, silence_deadline(), request.deadline, request.retry_at});
  ++counters_.sent;
  transmit(request.payload);
}

void ClientConnection::transmit(const std::string& payload) {
  // Without marks a DEALER takes everything; were it refused, the repeat would send it.
  if (socket_ && socket_->send({}, true) == Socket::Sent::yes) (void)socket_->send(payload);
}

void ClientConnection::repeat(PendingRequest& request, Now now) {
  const unsigned doublings = std::min<unsigned>(request.sent, 3);
  request.retry_at = now.steady + jittered(options_.retry_interval * (1 << doublings));
  request.after_hello = false;
  ++request.sent;
  request.sent_at = now.steady;
  next_scan_ = std::min(next_scan_, request.retry_at);
  ++counters_.repeated;
  transmit(request.payload);
}

void ClientConnection::repeat_all(Now now) {
  for (const std::uint64_t id : table_.ids()) repeat(*table_.find(id), now);
  quiet_since_ = now.steady;
  next_scan_ = std::min(next_scan_, silence_deadline());
}

void ClientConnection::receive_one(std::string_view payload, Now now) {
  const auto reply = codec::decode_reply(payload);
  if (!reply) {
    ++counters_.undecodable;
    return;
  }
  if ((reply->id.bits & kHelloBit) != 0) return on_hello_reply(*reply, now);
  PendingRequest* request = table_.find(reply->id.bits);
  if (request == nullptr) {  // the answer to an earlier attempt, when a later one was answered already
    ++counters_.unmatched;
    return;
  }
  const bool other_history = request->epoch && reply->epoch != *request->epoch;
  if (other_history && (!reply->error || reply->error->code != ErrorCode::other_history)) {
    ++counters_.unmatched;  // replies of another epoch are dropped; its repeat is told `other_history`
    return;
  }
  on_final_or_retry(*request, *reply, now);
}

bool ClientConnection::abandon(std::uint64_t tag) {
  for (const std::uint64_t id : table_.ids()) {
    const PendingRequest* request = table_.find(id);
    if (request == nullptr || request->tag != tag) continue;
    table_.remove(id);
    return true;
  }
  return false;
}

void ClientConnection::on_final_or_retry(PendingRequest& request, const ReplyHeader& reply, Now now) {
  const auto finish = [&] {
    const std::uint64_t tag = request.tag;
    table_.remove(request.id);
    ++counters_.replies;
    owner_->on_reply(tag, reply);
  };
  if (!reply.error) return finish();
  const Error& error = *reply.error;
  switch (after_error(error.code)) {
    case AfterError::give_to_caller:
      return finish();
    case AfterError::hello_then_repeat:
      if (++request.refused > 2) return finish();
      if (!request.repeat_after_hello) {
        hello_pending_ ? void() : send_hello(now);
        return finish();
      }
      request.after_hello = true;
      request.retry_at = kNever;
      ++request.answered;
      request.last = error;
      hello_pending_ ? void() : send_hello(now);
      return;
    case AfterError::repeat_later:
      break;
  }
  if (surely_not_done(error.code)) {
    ++request.answered;
    request.last = error;
  }
  if (error.code == ErrorCode::internal && ++request.refused >= kInternalMax) return finish();
  const nanoseconds pause =
      error.retry_after_ms ? std::chrono::milliseconds(std::min<std::uint64_t>(*error.retry_after_ms, 60'000))
                           : options_.retry_interval / 8 * (1 << std::min<unsigned>(request.sent, 4));
  // A repeat that is under way is awaited before there is another.
  if (surely_not_done(error.code) && request.answered < request.sent) {
    request.retry_at = std::max(now.steady + pause, request.sent_at + limits::kMinRevWait + kAnswerSlack);
    next_scan_ = std::min(next_scan_, request.retry_at);
    return;
  }
  request.retry_at = now.steady + jittered(std::max<nanoseconds>(pause, 1ms));
  next_scan_ = std::min(next_scan_, request.retry_at);
  // A broker that waited before it said so (for a revision) will wait again: what it said stands unless there
  // is time for that. Asking once more and not hearing the answer would make a known outcome unknown.
  const nanoseconds took = now.steady - request.sent_at;
  if (request.answered >= request.sent && request.retry_at + took >= request.deadline) return finish();
}

// ---- stepping

bool ClientConnection::step(Now now) {
  if (state_ == State::waiting && now.steady >= retry_at_) open(now);
  int received = 0;
  Frame frame;
  while (socket_ && received < kRepliesPerStep && socket_->receive(frame) == Socket::Received::yes) {
    ++received;
    quiet_since_ = now.steady;
    const bool framed =
        frame.bytes().empty() && frame.more() && socket_->receive(frame) == Socket::Received::yes;
    if (!framed || frame.more()) {
      socket_->discard_rest(frame);
      ++counters_.undecodable;
      continue;
    }
    receive_one(frame.bytes(), now);
  }
  if (now.steady >= next_scan_) check_timers(now);
  return received == kRepliesPerStep;
}

// When a broker that goes on saying nothing is probed or left; kNever while it owes nothing.
Steady ClientConnection::silence_deadline() const {
  if (state_ == State::greeting) {
    // A crowd that leaves too early is greeted twice: a broker that answers late gets longer each round.
    const auto rounds = std::min<std::size_t>(failures_ / brokers_.size(), kHelloDoublingsMax);
    return hello_sent_ + options_.hello_timeout * (1 << rounds);
  }
  if (state_ != State::ready || (table_.size() == 0 && !hello_pending_)) return kNever;
  return quiet_since_ + (hello_pending_ ? options_.silence_max : options_.probe_after);
}

void ClientConnection::check_timers(Now now) {
  next_scan_ = kNever;
  if (state_ == State::greeting && now.steady >= silence_deadline()) {
    move_on(fail(ErrorCode::unavailable, "no answer to hello").value(), now);
  } else if (state_ == State::ready && now.steady >= silence_deadline()) {
    if (now.steady - quiet_since_ >= options_.silence_max) {
      move_on(fail(ErrorCode::unavailable, "the broker fell silent").value(), now);
    } else if (!hello_pending_) {
      send_hello(now);
    }
  }
  if (state_ == State::ready && now.steady >= renew_at_ && !hello_pending_) {
    renew_at_ = kNever;
    send_hello(now);
  }
  Steady next = std::min(silence_deadline(), renew_at_);
  for (const std::uint64_t id : table_.ids()) {
    PendingRequest* request = table_.find(id);
    if (request == nullptr) continue;
    if (now.steady >= request->deadline) {
      expire(*request);
      continue;
    }
    if (state_ == State::ready && now.steady >= request->retry_at) repeat(*request, now);
    next = std::min({next, request->deadline, state_ == State::ready ? request->retry_at : kNever});
  }
  next_scan_ = std::max(std::min(next, next_scan_), now.steady + kScanEvery);
}

void ClientConnection::expire(const PendingRequest& request) {
  const Error error = expiry_error(request);
  const std::uint64_t tag = request.tag;
  table_.remove(request.id);
  owner_->on_expired(tag, error);
}

void ClientConnection::expire_all() {
  for (const std::uint64_t id : table_.ids()) {
    if (const PendingRequest* request = table_.find(id); request != nullptr) expire(*request);
  }
}

Steady ClientConnection::next_deadline() const {
  return state_ == State::waiting ? std::min(retry_at_, next_scan_) : next_scan_;
}

}  // namespace prismbus
