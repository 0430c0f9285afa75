#include "perf/fan_out_run.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "perf/event_asker.hpp"
#include "perf/request_stream.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kLagMax = 4'000;  // events between the last acknowledged and the slowest subscriber
constexpr std::chrono::seconds kPatience{10};

class FanOut {
 public:
  explicit FanOut(const FanOutSource& source) : source_(source), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
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
    for (std::size_t i = 0; i < kFanOutSubscribers; ++i)
      figures.lost += caused_ - std::min(caused_, seen(i).sets);
    return figures;
  }

 private:
  using Seen = StreamReceivers::Seen;

  Result<void, std::string> join() {
    auto receivers = StreamReceivers::connect(source_.receivers, source_.changes, source_.topic_prefix,
                                              kFanOutSubscribers, source_.count_sets);
    if (!receivers) return tl::unexpected(receivers.error());
    receivers_ = std::move(*receivers);
    auto asker = EventAsker::connect(source_, [this](std::string_view reply) { count(reply); });
    if (!asker) return tl::unexpected(asker.error());
    asker_ = std::move(*asker);
    watch(receivers_->fd(), kStream);
    watch(asker_->fd(), kReplies);
    // Subscriptions are in force when one event reached everybody; what came before that is not counted.
    for (const auto give_up = Clock::now() + kPatience; Clock::now() < give_up;) {
      if (in_flight_ == 0 && !ask(1)) break;
      if (!pump(10)) break;
      if (in_flight_ > 0 || slowest() == 0) continue;
      for (const auto quiet = Clock::now() + std::chrono::milliseconds(50); Clock::now() < quiet;)
        (void)pump(10);
      for (std::size_t i = 0; i < kFanOutSubscribers; ++i) before_[i] = receivers_->seen(i);
      caused_ = 0;
      return {};
    }
    return tl::unexpected("the subscribers did not all hear a first event" +
                          (why_.empty() ? "" : ": " + why_));
  }

  void watch(int fd, std::uint64_t which) const {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = which}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  bool ask(std::size_t n) {
    in_flight_ += n;
    return asker_->ask(n);
  }

  bool pump(int wait_ms) {
    std::array<epoll_event, 16> events;
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
    for (int i = 0; i < n; ++i) {
      const bool replies = events[static_cast<std::size_t>(i)].data.u64 == kReplies;
      if (!(replies ? asker_->take() : receivers_->take())) return false;
    }
    return true;
  }

  void count(std::string_view reply) {
    --in_flight_;
    const Verdict verdict = source_.judge ? judge_reply(reply, why_) : Verdict::fine;
    if (verdict == Verdict::fine) caused_ += source_.events;
    if (verdict == Verdict::overloaded) ++refused_;
    if (verdict == Verdict::failed) ++failed_;
  }

  // Counted from when everybody was there.
  [[nodiscard]] Seen seen(std::size_t i) const {
    const Seen now = receivers_->seen(i), then = before_[i];
    return {now.sets - then.sets, now.frames - then.frames, now.bytes - then.bytes};
  }

  [[nodiscard]] std::uint64_t slowest() const {
    std::uint64_t least = seen(0).sets;
    for (std::size_t i = 1; i < kFanOutSubscribers; ++i) least = std::min(least, seen(i).sets);
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
    for (std::size_t i = 0; i < kFanOutSubscribers; ++i) {
      const Seen one = seen(i);
      all.sets += one.sets;
      all.frames += one.frames;
      all.bytes += one.bytes;
    }
    return all;
  }

  static constexpr std::uint64_t kStream = 0, kReplies = 1;
  const FanOutSource& source_;
  const int epoll_;
  std::unique_ptr<StreamReceivers> receivers_;
  std::array<Seen, kFanOutSubscribers> before_{};
  std::unique_ptr<EventAsker> asker_;
  std::size_t in_flight_ = 0;
  std::uint64_t caused_ = 0, refused_ = 0, failed_ = 0;
  std::string why_;
};

}  // namespace

Result<FanOutFigures, std::string> run_fan_out(const FanOutSource& source, std::chrono::milliseconds warm_up,
                                               std::chrono::milliseconds measure) {
  return FanOut(source).run(warm_up, measure);
}

Result<FanOutTurn, std::string> fan_out_turn(const ServerProcess& broker, const FanOutSource& source,
                                             std::chrono::milliseconds warm_up,
                                             std::chrono::milliseconds measure) {
  const auto cpu_before = broker.cpu_times();
  const auto before = Clock::now();
  const auto figures = run_fan_out(source, warm_up, measure);
  if (!figures) return tl::unexpected(figures.error());
  const auto took = Clock::now() - before;
  const double sets =
      figures->deliveries_per_second / kFanOutSubscribers * std::chrono::duration<double>(took).count();
  return FanOutTurn{*figures, describe_cpu(cpu_before, broker.cpu_times(), took, sets)};
}

}  // namespace prismbus::perf
