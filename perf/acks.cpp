// Benchmark: what acknowledgement costs. How long after the last of 200 acks a wait_applied is answered, and
// how much of a core 10,000 connections take that ack as often as they may. Raw ZMTP request connections, one
// thread; there is nothing raw to compare with.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "broker/daemon/descriptors.hpp"
#include "perf/bench.hpp"
#include "perf/histogram.hpp"
#include "perf/zmtp_peer.hpp"
#include "proto/wire/codec/acknowledgement.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{20};
constexpr std::size_t kSmallBuffer = 4096;  // a reply to an ack is a few hundred bytes
constexpr std::string_view kNamespace = "perf.acked";

// One request connection that asks and waits for its answer.
class Asker {
 public:
  static Result<Asker, std::string> connect(const std::string& endpoint) {
    auto peer = ZmtpPeer::connect(endpoint, ZmtpPeer::Role::dealer, kPatience, kSmallBuffer);
    if (!peer) return tl::unexpected(peer.error());
    return Asker(std::move(*peer));
  }
  [[nodiscard]] bool send(RequestBody body) {
    out_.clear();
    ZmtpPeer::append_request(out_, codec::encode_request({{false, ++id_}, {}, {}, std::move(body)}));
    return peer_.send(out_);
  }
  // The next reply, whole; empty when there is none in time.
  [[nodiscard]] std::string take() {
    std::string reply;
    for (const auto give_up = Clock::now() + kPatience; reply.empty() && Clock::now() < give_up;) {
      if (!peer_.receive(ZmtpPeer::Wait::yes, [&](std::string_view payload) { reply = payload; })) break;
    }
    return reply;
  }
  // What has arrived, each reply to `on_reply(payload)`. False = the connection is gone.
  template <class F>
  [[nodiscard]] bool take_some(F&& on_reply) {
    return peer_.receive(ZmtpPeer::Wait::no, std::forward<F>(on_reply));
  }
  [[nodiscard]] int fd() const { return peer_.fd(); }
  // True when it was answered well; the reply is in `reply`.
  [[nodiscard]] bool ask(RequestBody body, std::string& reply) {
    if (!send(std::move(body))) return false;
    reply = take();
    const auto header = codec::decode_reply(reply);
    return header && !header->error;
  }

 private:
  explicit Asker(ZmtpPeer peer) : peer_(std::move(peer)) {}
  ZmtpPeer peer_;
  std::uint64_t id_ = 0;
  std::string out_;
};

struct Crowd {
  std::vector<Asker> followers;
  std::chrono::milliseconds ack{0};  // as the last of them was told
};

Result<Crowd, std::string> gather(const std::string& endpoint, std::size_t size) {
  Crowd crowd;
  crowd.followers.reserve(size);
  std::string reply;
  for (std::size_t i = 0; i < size; ++i) {
    auto asker = Asker::connect(endpoint);
    if (!asker) return tl::unexpected(asker.error());
    const std::string instance = fmt::format("follower-{}", i);
    HelloRequest hello;
    hello.instance = instance;
    hello.follow_ns = {kNamespace};
    if (!asker->ask(hello, reply)) return tl::unexpected(fmt::format("hello of follower {} failed", i));
    const auto greeted = codec::decode_hello_reply(*codec::decode_reply(reply));
    if (!greeted) return tl::unexpected(greeted.error().message);
    crowd.ack = std::chrono::milliseconds(greeted->ack_ms);
    crowd.followers.push_back(std::move(*asker));
  }
  return crowd;
}

Result<Seq, std::string> put(Asker& writer) {
  std::string reply;
  const std::string value = encoded_value(100);
  if (!writer.ask(PutRequest{kNamespace, "key", value, {}, {}}, reply))
    return tl::unexpected(std::string("a put failed"));
  return codec::decode_put_reply(*codec::decode_reply(reply))->seq;
}

Outcome wait_rounds(Bench& bench, const std::string& endpoint, std::size_t followers, int rounds) {
  auto crowd = gather(endpoint, followers);
  auto writer = Asker::connect(endpoint);
  auto waiter = Asker::connect(endpoint);
  if (!crowd) return tl::unexpected(crowd.error());
  if (!writer || !waiter) return tl::unexpected(std::string("no connection"));
  LatencyHistogram latency;
  std::string reply;
  for (int round = 0; round < rounds; ++round) {
    const auto seq = put(*writer);
    if (!seq) return tl::unexpected(seq.error());
    if (!waiter->send(WaitAppliedRequest{kNamespace, *seq, 20'000, {}}))
      return tl::unexpected(std::string("lost"));
    const AckRequest ack{{{kNamespace, *seq}}, {}, {}, {}};
    for (std::size_t i = 0; i + 1 < followers; ++i) {
      if (!crowd->followers[i].ask(ack, reply)) return tl::unexpected(std::string("an ack failed"));
    }
    const auto last = Clock::now();
    if (!crowd->followers.back().send(ack)) return tl::unexpected(std::string("lost"));
    reply = waiter->take();
    latency.record(Clock::now() - last);
    const auto header = codec::decode_reply(reply);
    if (!header) return tl::unexpected(std::string("the wait was not answered"));
    const auto waited = codec::decode_wait_applied_reply(*header);
    if (!waited || waited->applied.size() != followers)
      return tl::unexpected(std::string("the wait ended before all had applied"));
    if (crowd->followers.back().take().empty()) return tl::unexpected(std::string("an ack got no answer"));
  }
  const auto p99 = latency.at(0.99);
  bench.report({.name = fmt::format("wait_applied over {} followers, after the last ack, p99", followers),
                .ours = duration(p99),
                .mark = "< 20 ms",
                .reached = p99 < std::chrono::milliseconds(20),
                .n = latency.count(),
                .conditions = fmt::format("p50 {}, longest {}; the answer names all {}",
                                          print(duration(latency.at(0.5))), print(duration(latency.max())),
                                          followers)});
  return {};
}

// A crowd that acks by the clock: each of its connections a pace after its last ack, as the broker's answer
// to that one told it. One thread over all descriptors.
class PacedCrowd {
 public:
  explicit PacedCrowd(Crowd crowd) : crowd_(std::move(crowd)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const auto start = Clock::now();
    const auto size = static_cast<std::int64_t>(crowd_.followers.size());
    for (std::size_t i = 0; i < crowd_.followers.size(); ++i) {
      epoll_event wanted{};
      wanted.events = EPOLLIN;
      wanted.data.u64 = i;
      (void)::epoll_ctl(epoll_, EPOLL_CTL_ADD, crowd_.followers[i].fd(), &wanted);
      due_.push({start + crowd_.ack * static_cast<std::int64_t>(i) / size, i});  // evenly, at first
    }
    sent_.resize(crowd_.followers.size());
  }
  ~PacedCrowd() { ::close(epoll_); }
  PacedCrowd(const PacedCrowd&) = delete;
  PacedCrowd& operator=(const PacedCrowd&) = delete;

  // Sends what is due as an ack of `seq`, then reads answers until the next is due or `until`. False: an ack
  // failed.
  [[nodiscard]] bool step(Seq seq, Clock::time_point until) {
    const auto now = Clock::now();
    for (; !due_.empty() && due_.top().first <= now; due_.pop()) {
      const std::size_t i = due_.top().second;
      if (!crowd_.followers[i].send(AckRequest{{{kNamespace, seq}}, {}, {}, {}})) return false;
      sent_[i] = now;
    }
    if (!due_.empty()) until = std::min(until, due_.top().first);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    std::array<epoll_event, 256> ready{};
    const int n = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()),
                               std::max(0, static_cast<int>(left.count())));
    for (int at = 0; at < n; ++at) {
      if (!take(ready[static_cast<std::size_t>(at)].data.u64)) return false;
    }
    return true;
  }
  [[nodiscard]] std::uint64_t acks() const { return acks_; }
  [[nodiscard]] std::chrono::milliseconds slowest() const { return slowest_; }

 private:
  [[nodiscard]] bool take(std::size_t i) {
    bool fine = true;
    const bool open = crowd_.followers[i].take_some([&](std::string_view payload) {
      const auto header = codec::decode_reply(payload);
      const auto reply = header ? codec::decode_ack_reply(*header) : tl::unexpected(header.error());
      if (!reply) return void(fine = false);
      const std::chrono::milliseconds pace(reply->ack_ms);
      slowest_ = std::max(slowest_, pace);
      due_.push({sent_[i] + pace, i});
      ++acks_;
    });
    return open && fine;
  }

  using Due = std::pair<Clock::time_point, std::size_t>;
  Crowd crowd_;
  int epoll_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<Clock::time_point> sent_;
  std::uint64_t acks_ = 0;
  std::chrono::milliseconds slowest_{0};
};

Outcome ack_load(Bench& bench, const ServerProcess& broker, std::size_t followers,
                 std::chrono::milliseconds measure) {
  auto gathered = gather(broker.requests(), followers);
  auto writer = Asker::connect(broker.requests());
  if (!gathered) return tl::unexpected(gathered.error());
  if (!writer) return tl::unexpected(writer.error());
  const auto pace = gathered->ack;
  PacedCrowd crowd(std::move(*gathered));
  Seq seq;
  // A put a second; its cost is in the figure too.
  const auto run = [&](std::chrono::milliseconds time) -> Outcome {
    const auto end = Clock::now() + time;
    for (auto next_put = Clock::now(), now = next_put; now < end; now = Clock::now()) {
      if (now >= next_put) {
        const auto written = put(*writer);
        if (!written) return tl::unexpected(written.error());
        seq = *written;
        next_put += std::chrono::seconds(1);
      }
      if (!crowd.step(seq, std::min(end, next_put))) return tl::unexpected(std::string("an ack failed"));
    }
    return {};
  };
  // Two rounds untimed: the first ack after `hello` is held against the store, then the pace is told anew.
  if (auto warm = run(2 * pace + std::chrono::milliseconds(100)); !warm) return warm;
  const auto before = broker.cpu_times();
  const auto start = Clock::now();
  const std::uint64_t acked = crowd.acks();
  if (auto measured = run(measure); !measured) return measured;
  const std::uint64_t acks = crowd.acks() - acked;
  const auto elapsed = Clock::now() - start;
  const auto after = broker.cpu_times();
  std::chrono::nanoseconds used{0};
  for (const auto& [thread, time] : after) {
    const auto it = before.find(thread);
    used += time - (it == before.end() ? std::chrono::nanoseconds(0) : it->second);
  }
  const double share =
      std::chrono::duration<double>(used).count() / std::chrono::duration<double>(elapsed).count();
  bench.report(
      {.name = fmt::format("{} acking connections, CPU time of the broker in a second", followers),
       .ours = duration(
           std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(share))),
       .mark = "< 50 ms",
       .reached = share < 0.05 && crowd.slowest() <= std::chrono::seconds(5),
       .n = acks,
       .conditions = fmt::format("{:.1f} % of a core; ack_ms {}, {:.0f} acks/s, one put/s; {}", share * 100,
                                 crowd.slowest().count(),
                                 static_cast<double>(acks) / std::chrono::duration<double>(elapsed).count(),
                                 describe_cpu(before, after, elapsed, static_cast<double>(acks)))});
  return {};
}

}  // namespace

Outcome bench_acks(Bench& bench) {
  (void)raise_descriptor_limit();
  const bool tiny = bench.options().tiny;
  auto broker = bench.start_broker("acks");
  if (!broker) return tl::unexpected(broker.error());
  if (auto waited = wait_rounds(bench, broker->requests(), tiny ? 10 : 200, tiny ? 5 : 500); !waited)
    return waited;
  broker->stop();
  auto crowded = bench.start_broker("acks-crowd");
  if (!crowded) return tl::unexpected(crowded.error());
  return ack_load(bench, *crowded, tiny ? 50 : 10'000,
                  tiny ? std::chrono::milliseconds(1'500) : std::chrono::milliseconds(20'000));
}

}  // namespace prismbus::perf
