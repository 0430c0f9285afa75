// Benchmark: one stream to ten subscribers. A delivery is one change set at one subscriber. Raw is a libzmq
// PUB in a process of its own that publishes frames of the same bytes per event, one event a frame, and does
// nothing else; the broker also takes the requests, syncs them, and answers. Both get the same receivers
// (libzmq SUB sockets, as applications have; and, as a row of its own, raw ZMTP connections) and the same
// bound on how far these may lag, so that nothing is dropped at a high-water mark.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>

#include "perf/bench.hpp"
#include "perf/stream_receivers.hpp"
#include "perf/zmtp_peer.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kSubscribers = 10;
constexpr std::uint64_t kLagMax = 4'000;  // events between the last acknowledged and the slowest subscriber
constexpr std::chrono::seconds kPatience{10};

// Where the events come from: requests with so many in flight, each causing `events` on the stream when
// answered.
struct Source {
  std::string requests, changes, topic_prefix;
  std::size_t window = 1;
  std::uint64_t events = 1;
  std::function<void(std::string& out)> next;
  bool judge = true;
  StreamReceivers::Kind receivers = StreamReceivers::Kind::libzmq;
};

struct FanOutFigures {
  double deliveries_per_second = 0, frames_per_second = 0;
  std::uint64_t deliveries = 0, lost = 0, refused = 0;
  double bytes_per_event = 0;
};

class FanOut {
 public:
  explicit FanOut(const Source& source) : source_(source), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~FanOut() { ::close(epoll_); }
  FanOut(const FanOut&) = delete;
  FanOut& operator=(const FanOut&) = delete;

  Result<FanOutFigures, std::string> run(std::chrono::milliseconds warm_up,
                                         std::chrono::milliseconds measure) {
    if (auto joined = join(); !joined) return tl::unexpected(joined.error());
    const auto start = Clock::now();
    if (!pump_until(start + warm_up)) return tl::unexpected(std::string("a connection was lost"));
    const auto first = totals();
    const auto from = Clock::now();
    if (!pump_until(from + measure)) return tl::unexpected(std::string("a connection was lost"));
    const auto last = totals();
    const double seconds = std::chrono::duration<double>(Clock::now() - from).count();
    if (failed_ > 0) return tl::unexpected("a request failed: " + why_);
    drain();
    FanOutFigures figures;
    figures.deliveries = last.sets - first.sets;
    figures.deliveries_per_second = static_cast<double>(figures.deliveries) / seconds;
    figures.frames_per_second = static_cast<double>(last.frames - first.frames) / seconds;
    figures.bytes_per_event = static_cast<double>(last.bytes - first.bytes) /
                              static_cast<double>(std::max<std::uint64_t>(1, figures.deliveries));
    figures.refused = refused_;
    for (std::size_t i = 0; i < kSubscribers; ++i) figures.lost += caused_ - std::min(caused_, seen(i).sets);
    return figures;
  }

 private:
  using Seen = StreamReceivers::Seen;

  Outcome join() {
    auto receivers =
        StreamReceivers::connect(source_.receivers, source_.changes, source_.topic_prefix, kSubscribers);
    if (!receivers) return tl::unexpected(receivers.error());
    receivers_ = std::move(*receivers);
    auto peer = ZmtpPeer::connect(source_.requests, ZmtpPeer::Role::dealer, kPatience);
    if (!peer) return tl::unexpected(peer.error());
    watch(receivers_->fd(), kStream);
    watch(peer->fd(), kReplies);
    asker_.emplace_back(std::move(*peer));
    // Subscriptions are in force when one event reached everybody; what came before that is not counted.
    for (const auto give_up = Clock::now() + kPatience; Clock::now() < give_up;) {
      if (in_flight_ == 0 && !ask(1)) break;
      if (!pump(10)) break;
      if (in_flight_ > 0 || slowest() == 0) continue;
      for (const auto quiet = Clock::now() + std::chrono::milliseconds(50); Clock::now() < quiet;)
        (void)pump(10);
      for (std::size_t i = 0; i < kSubscribers; ++i) before_[i] = receivers_->seen(i);
      caused_ = 0;
      return {};
    }
    return tl::unexpected(std::string("the subscribers did not all hear a first event"));
  }

  void watch(int fd, std::uint64_t which) const {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = which}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  bool ask(std::size_t n) {
    out_.clear();
    for (std::size_t i = 0; i < n; ++i) source_.next(out_);
    in_flight_ += n;
    return asker_.front().send(out_);
  }

  bool pump(int wait_ms) {
    std::array<epoll_event, 16> events;
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
    for (int i = 0; i < n; ++i) {
      const bool replies = events[static_cast<std::size_t>(i)].data.u64 == kReplies;
      if (!(replies ? take_replies() : receivers_->take())) return false;
    }
    return true;
  }

  bool take_replies() {
    return asker_.front().receive(ZmtpPeer::Wait::no, [&](std::string_view reply) {
      --in_flight_;
      const Verdict verdict = source_.judge ? judge_reply(reply, why_) : Verdict::fine;
      if (verdict == Verdict::fine) caused_ += source_.events;
      if (verdict == Verdict::overloaded) ++refused_;
      if (verdict == Verdict::failed) ++failed_;
    });
  }

  // Counted from when everybody was there.
  [[nodiscard]] Seen seen(std::size_t i) const {
    const Seen now = receivers_->seen(i), then = before_[i];
    return {now.sets - then.sets, now.frames - then.frames, now.bytes - then.bytes};
  }

  [[nodiscard]] std::uint64_t slowest() const {
    std::uint64_t least = seen(0).sets;
    for (std::size_t i = 1; i < kSubscribers; ++i) least = std::min(least, seen(i).sets);
    return least;
  }

  bool pump_until(Clock::time_point end) {
    while (Clock::now() < end) {
      const bool may_ask = in_flight_ < source_.window && caused_ < slowest() + kLagMax;
      if (may_ask && !ask(source_.window - in_flight_)) return false;
      if (!pump(10)) return false;
    }
    return true;
  }

  void drain() {
    const auto give_up = Clock::now() + kPatience;
    while ((in_flight_ > 0 || slowest() < caused_) && Clock::now() < give_up && pump(10)) {
    }
  }

  [[nodiscard]] Seen totals() const {
    Seen all;
    for (std::size_t i = 0; i < kSubscribers; ++i) {
      const Seen one = seen(i);
      all.sets += one.sets;
      all.frames += one.frames;
      all.bytes += one.bytes;
    }
    return all;
  }

  static constexpr std::uint64_t kStream = 0, kReplies = 1;
  const Source& source_;
  const int epoll_;
  std::unique_ptr<StreamReceivers> receivers_;
  std::array<Seen, kSubscribers> before_{};
  std::deque<ZmtpPeer> asker_;
  std::size_t in_flight_ = 0;
  std::uint64_t caused_ = 0, refused_ = 0, failed_ = 0;
  std::string out_, why_;
};

Result<FanOutFigures, std::string> run_raw(const Bench& bench, std::size_t bytes,
                                           StreamReceivers::Kind receivers) {
  constexpr std::uint64_t kAtOnce = 2'000;
  auto flood = bench.start_raw("flood", bytes);
  if (!flood) return tl::unexpected(flood.error());
  std::string framed;
  ZmtpPeer::append_request(framed, std::to_string(kAtOnce));
  const Source source{.requests = flood->requests(),
                      .changes = flood->changes(),
                      .topic_prefix = "perf.market",
                      .window = 2,
                      .events = kAtOnce,
                      .next = [&](std::string& out) { out += framed; },
                      .judge = false,
                      .receivers = receivers};
  return FanOut(source).run(bench.options().warm_up, bench.options().measure);
}

Outcome one_shape(Bench& bench, const std::string& name, const ServerProcess& broker, std::size_t window,
                  std::uint64_t events, RequestStream stream, StreamReceivers::Kind receivers) {
  const Source source{.requests = broker.requests(),
                      .changes = broker.changes(),
                      .topic_prefix = "perf.market",
                      .window = window,
                      .events = events,
                      .next = [&](std::string& out) { stream.next(out); },
                      .receivers = receivers};
  const bool marked = receivers == StreamReceivers::Kind::libzmq;
  std::vector<double> ours, raw;
  FanOutFigures last;
  std::uint64_t n = 0, lost = 0;
  std::string cpu;
  for (int round = 0; round < bench.options().rounds; ++round) {
    const auto cpu_before = broker.cpu_times();
    const auto before = Clock::now();
    const auto one = FanOut(source).run(bench.options().warm_up, bench.options().measure);
    if (!one) return tl::unexpected(one.error());
    const auto took = Clock::now() - before;
    const double sets =
        one->deliveries_per_second / kSubscribers * std::chrono::duration<double>(took).count();
    cpu = describe_cpu(cpu_before, broker.cpu_times(), took, sets);
    const auto body =
        static_cast<std::size_t>(std::max(100.0, one->bytes_per_event)) - 12;  // without the topic
    const auto beside = run_raw(bench, body, receivers);
    if (!beside) return tl::unexpected(beside.error());
    ours.push_back(one->deliveries_per_second);
    raw.push_back(beside->deliveries_per_second);
    last = *one;
    n += one->deliveries;
    lost += one->lost + beside->lost;
    bench.note(fmt::format("round {}: ours {}, raw {}", round + 1, print(rate(ours.back())),
                           print(rate(raw.back()))));
  }
  if (lost > 0) return tl::unexpected(fmt::format("{} deliveries were lost", lost));
  bench.report(
      {.name = name,
       .ours = rate(median(ours)),
       .raw = rate(median(raw)),
       .mark = marked ? ">= 60 %" : "",
       .reached = marked ? std::optional(median(ours) >= 0.6 * median(raw)) : std::nullopt,
       .n = n,
       .conditions = fmt::format("durable change sets, to {}; {:.0f} B and {:.2f} frames an event; raw = one "
                                 "frame of as many bytes an event, no "
                                 "requests, no sync; {} (of a set, for all ten); {} overloaded; 0 lost",
                                 marked ? "libzmq SUB sockets" : "raw ZMTP receivers", last.bytes_per_event,
                                 last.frames_per_second / last.deliveries_per_second, cpu, last.refused)});
  return {};
}

}  // namespace

Outcome bench_fan_out(Bench& bench) {
  auto broker = bench.start_broker("fan-out");
  if (!broker) return tl::unexpected(broker.error());
  constexpr std::size_t kNamespaces = 100;
  for (const auto receivers : {StreamReceivers::Kind::libzmq, StreamReceivers::Kind::zmtp}) {
    const std::string to =
        receivers == StreamReceivers::Kind::libzmq ? "fan-out to 10" : "fan-out to 10 raw receivers";
    KeySpace space = bench.keys();
    if (auto done = one_shape(bench, to + ": one namespace, a put a transaction", *broker, 1000, 1,
                              RequestStream::puts(space, bench.options().seed), receivers);
        !done) {
      return done;
    }
    space.keys = 1000;
    if (auto done = one_shape(bench, to + ": a transaction over 100 namespaces", *broker, 16, kNamespaces,
                              RequestStream::spread_transactions(space, kNamespaces), receivers);
        !done) {
      return done;
    }
  }
  return {};
}

}  // namespace prismbus::perf
