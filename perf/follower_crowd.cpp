#include "perf/follower_crowd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "broker/daemon/descriptors.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/random.hpp"
#include "proto/transport/client_connection.hpp"
#include "proto/wire/codec/stream.hpp"

namespace prismbus::perf {
namespace {

// A look at a follower is some microseconds: oftener, and the looking would be what is measured.
constexpr std::chrono::milliseconds kLook{100};
constexpr std::string_view kBarrierTopic =
    "\xff"
    "bar/";

}  // namespace

class FollowerCrowd::Follower final : public ClientConnection::Owner {
 public:
  explicit Follower(Context& context) : context_(context) {}

  Result<void> connect(ConnectionOptions options) {
    auto made = ClientConnection::make(context_, std::move(options), *this, {});
    if (!made) return tl::unexpected<Error>(made.error());
    connection_.emplace(std::move(*made));
    return {};
  }
  void step(Now now) {
    (void)connection_->step(now);
    Frame frame;
    while (stream_ && stream_->receive(frame) == Socket::Received::yes) take(frame.bytes(), now);
  }
  [[nodiscard]] Run joined() const { return greeted_ == heard_ ? greeted_ : Run(); }
  [[nodiscard]] std::uint64_t moves() const { return connection_->counters().moves; }

  void on_greeting(const Greeting& greeting) override {
    if (greeted_ == greeting.hello.run) return;
    greeted_ = greeting.hello.run;
    if (!stream_ && !open_stream(greeting)) return;
    if (!barrier_.empty()) (void)stream_->unsubscribe(barrier_);
    barrier_ = kBarrierTopic;
    append_be64(barrier_, random_u64());
    append_be64(barrier_, random_u64());
    (void)stream_->subscribe(barrier_);
  }
  void on_lost(const Error&) override {}
  void on_reply(std::uint64_t, const ReplyHeader&) override {}
  void on_expired(std::uint64_t, const Error&) override {}

 private:
  bool open_stream(const Greeting& greeting) {
    if (greeting.hello.changes.empty()) return false;
    const auto endpoint = reachable_endpoint(greeting.hello.changes.front(), greeting.requests);
    SocketOptions speaks;
    if (greeting.hello.stream_curve) speaks.curve = connection_->curve();
    auto socket = Socket::open(context_, SocketRole::stream_client, speaks);
    if (!endpoint || !socket || !socket->connect(*endpoint)) return false;
    stream_.emplace(std::move(*socket));
    return stream_->subscribe(std::string(kNamespace) + "/").has_value();
  }
  void take(std::string_view frame, Now now) {
    if (!frame.starts_with(barrier_) || barrier_.empty()) return;
    const auto barrier = codec::decode_barrier(frame.substr(barrier_.size()));
    if (!barrier) return;
    heard_ = barrier->run;
    if (heard_ != greeted_) connection_->say_hello(now);
  }

  Context& context_;
  std::optional<ClientConnection> connection_;
  std::optional<Socket> stream_;
  std::string barrier_;  // its topic; empty before the first greeting
  Run greeted_, heard_;
};

Result<std::unique_ptr<FollowerCrowd>, std::string> FollowerCrowd::make(
    const std::string& endpoint, const std::string& server_key, const std::vector<std::string>& tokens) {
  std::unique_ptr<FollowerCrowd> crowd(new FollowerCrowd());
  for (const std::string& token : tokens) {
    ConnectionOptions options;
    options.brokers = {endpoint};
    options.credentials.server_key = server_key;
    options.credentials.token = token;
    options.follow_ns = {std::string(kNamespace)};
    auto follower = std::make_unique<Follower>(crowd->context_);
    if (auto connected = follower->connect(std::move(options)); !connected)
      return tl::unexpected(connected.error().message);
    crowd->followers_.push_back(std::move(follower));
  }
  return crowd;
}

FollowerCrowd::~FollowerCrowd() = default;

void FollowerCrowd::step(Now now) {
  for (const auto& follower : followers_) follower->step(now);
}

Run FollowerCrowd::joined() const {
  const Run run = followers_.front()->joined();
  const bool all = std::all_of(followers_.begin(), followers_.end(),
                               [&](const auto& follower) { return follower->joined() == run; });
  return all ? run : Run();
}

std::uint64_t FollowerCrowd::moves() const {
  std::uint64_t moves = 0;
  for (const auto& follower : followers_) moves += follower->moves();
  return moves;
}

int run_follower_process(const FollowerProcess& process) {
  (void)raise_descriptor_limit();
  std::ifstream file(process.tokens_file);
  const std::vector<std::string> tokens{std::istream_iterator<std::string>(file), {}};
  if (tokens.empty()) {
    fmt::print(stderr, "{} holds no token\n", process.tokens_file);
    return 1;
  }
  const auto crowd = FollowerCrowd::make(process.requests, process.server_key, tokens);
  if (!crowd) {
    fmt::print(stderr, "{}\n", crowd.error());
    return 1;
  }
  for (Run last;;) {
    const Now now = read_clock();
    (*crowd)->step(now);
    if (const Run run = (*crowd)->joined(); run != Run() && run != last) {
      last = run;
      fmt::print("{} {} {}\n", tokens.size(), read_clock().steady.time_since_epoch().count(),
                 (*crowd)->moves());
      std::fflush(stdout);
    }
    std::this_thread::sleep_until(now.steady + kLook);
  }
}

}  // namespace prismbus::perf
