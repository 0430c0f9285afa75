#include "perf/closed_loop.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <deque>

#include "perf/zmtp_peer.hpp"
#include "proto/base/assert.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kConnectDeadline{5}, kSilence{10};
constexpr std::chrono::milliseconds kOverloadedPause{1};

class Driver {
 public:
  Driver(const ClosedLoop& load, RequestStream& stream)
      : load_(load), stream_(stream), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Driver() { ::close(epoll_); }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  Result<LoadFigures, std::string> run() {
    for (std::size_t i = 0; i < load_.connections; ++i) {
      auto peer = ZmtpPeer::connect(load_.endpoint, ZmtpPeer::Role::dealer, kConnectDeadline);
      if (!peer) return tl::unexpected(peer.error());
      lines_.emplace_back(std::move(*peer));
      epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, lines_.back().peer.fd(), &event);
    }
    now_ = last_reply_ = Clock::now();
    for (Line& line : lines_) {
      if (!refill(line, load_.window)) return tl::unexpected(lost());
    }
    if (auto warmed = run_until(now_ + load_.warm_up); !warmed) return tl::unexpected(warmed.error());
    figures_ = {};
    const auto start = now_;
    next_second_ = start + std::chrono::seconds(1);
    if (auto measured = run_until(now_ + load_.measure); !measured) return tl::unexpected(measured.error());
    figures_.seconds = std::chrono::duration<double>(now_ - start).count();
    return figures_;
  }

 private:
  struct Line {
    explicit Line(ZmtpPeer p) : peer(std::move(p)) {}
    ZmtpPeer peer;
    Clock::time_point sent{};
    std::size_t refused = 0;  // places in the window that wait until `again`
    Clock::time_point again{};
  };

  std::string lost() const { return load_.endpoint + ": the connection was lost"; }

  Result<void, std::string> run_until(Clock::time_point end) {
    while (now_ < end) {
      if (!(lines_.size() == 1 ? serve_one() : serve_ready())) return tl::unexpected(lost());
      if (now_ >= next_second_) close_second();
      if (now_ - last_reply_ > kSilence) {
        return tl::unexpected(fmt::format("{}: no reply for {} s", load_.endpoint, kSilence.count()));
      }
    }
    return {};
  }

  void close_second() {
    figures_.each_second.push_back(figures_.fine - counted_);
    counted_ = figures_.fine;
    next_second_ += std::chrono::seconds(1);
  }

  // A single connection needs no epoll: the receive itself waits.
  bool serve_one() {
    Line& line = lines_.front();
    return serve(line, line.refused == 0 ? ZmtpPeer::Wait::yes : ZmtpPeer::Wait::no);
  }

  bool serve_ready() {
    std::array<epoll_event, 64> events;
    const int n =
        ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), waiting_ == 0 ? 100 : 1);
    for (int i = 0; i < n; ++i) {
      if (!serve(lines_[events[static_cast<std::size_t>(i)].data.u64], ZmtpPeer::Wait::no)) return false;
    }
    if (waiting_ > 0 || n <= 0) {
      now_ = Clock::now();
      for (Line& line : lines_) {
        if (line.refused > 0 && !refill(line, 0)) return false;
      }
    }
    return true;
  }

  bool serve(Line& line, ZmtpPeer::Wait wait) {
    std::size_t answered = 0;
    const bool alive =
        line.peer.receive(wait, [&](std::string_view reply) { answered += count(line, reply); });
    now_ = Clock::now();
    if (answered > 0) last_reply_ = now_;
    if (answered > 0 && load_.window == 1) figures_.round_trips.record(now_ - line.sent);
    return alive && refill(line, answered);
  }

  // 1 = its place in the window is free at once.
  std::size_t count(Line& line, std::string_view reply) {
    const Verdict verdict = load_.judge_replies ? judge_reply(reply, why_) : Verdict::fine;
    if (verdict == Verdict::fine) {
      ++figures_.fine;
      figures_.reply_bytes += reply.size();
      return 1;
    }
    if (verdict == Verdict::failed) {
      if (figures_.failed++ == 0) figures_.first_failure = why_;
      return 1;
    }
    ++figures_.overloaded;
    if (line.refused++ == 0) ++waiting_;
    line.again = now_ + kOverloadedPause;
    last_reply_ = now_;
    return 0;
  }

  bool refill(Line& line, std::size_t places) {
    if (line.refused > 0 && now_ >= line.again) {
      places += line.refused;
      line.refused = 0;
      --waiting_;
    }
    if (places == 0) return true;
    out_.clear();
    for (std::size_t i = 0; i < places; ++i) stream_.next(out_);
    line.sent = now_;
    return line.peer.send(out_);
  }

  const ClosedLoop& load_;
  RequestStream& stream_;
  const int epoll_;
  std::deque<Line> lines_;
  std::size_t waiting_ = 0;  // lines with refused places
  LoadFigures figures_;
  Clock::time_point now_{}, last_reply_{}, next_second_ = Clock::time_point::max();
  std::uint64_t counted_ = 0;
  std::string out_, why_;
};

}  // namespace

Result<LoadFigures, std::string> run_closed_loop(const ClosedLoop& load, RequestStream& stream) {
  PRISMBUS_ASSERT(load.credentials.server_key.empty(), "raw ZMTP speaks no CURVE");
  return Driver(load, stream).run();
}

}  // namespace prismbus::perf
