#include "perf/stream_receivers.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "perf/zmtp_peer.hpp"

namespace prismbus::perf {
namespace {

constexpr std::chrono::seconds kPatience{10};

class ZmtpReceivers final : public StreamReceivers {
 public:
  explicit ZmtpReceivers(CountSets count)
      : count_(std::move(count)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~ZmtpReceivers() override { ::close(epoll_); }
  ZmtpReceivers(const ZmtpReceivers&) = delete;
  ZmtpReceivers& operator=(const ZmtpReceivers&) = delete;

  Result<void, std::string> open(const std::string& endpoint, const std::string& topic, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      auto peer = ZmtpPeer::connect(endpoint, ZmtpPeer::Role::sub, kPatience);
      if (!peer) return tl::unexpected(peer.error());
      if (!peer->subscribe(topic)) return tl::unexpected(std::string("not subscribed"));
      epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, peer->fd(), &event);
      lines_.push_back({std::move(*peer), {}});
    }
    return {};
  }

  int fd() const override { return epoll_; }
  bool take() override {
    std::array<epoll_event, 16> events;
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < n; ++i) {
      Line& line = lines_[events[static_cast<std::size_t>(i)].data.u64];
      const bool alive = line.peer.receive(ZmtpPeer::Wait::no, [&](std::string_view frame) {
        line.seen.sets += count_(frame);
        line.seen.bytes += frame.size();
        ++line.seen.frames;
      });
      if (!alive) return false;
    }
    return true;
  }
  Seen seen(std::size_t subscriber) const override { return lines_[subscriber].seen; }

 private:
  struct Line {
    ZmtpPeer peer;
    Seen seen;
  };
  const CountSets count_;
  const int epoll_;
  std::deque<Line> lines_;
};

class ZmqReceivers final : public StreamReceivers {
 public:
  ZmqReceivers(std::size_t n, CountSets count)
      : count_(std::move(count)),
        context_(::zmq_ctx_new()),
        lines_(n),
        progress_(::eventfd(0, EFD_NONBLOCK)) {}
  ~ZmqReceivers() override {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    for (void* socket : sockets_) ::zmq_close(socket);
    ::zmq_ctx_term(context_);
    ::close(progress_);
  }
  ZmqReceivers(const ZmqReceivers&) = delete;
  ZmqReceivers& operator=(const ZmqReceivers&) = delete;

  Result<void, std::string> open(const std::string& endpoint, const std::string& topic) {
    const int unlimited = 0;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      void* socket = sockets_.emplace_back(::zmq_socket(context_, ZMQ_SUB));
      ::zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
      ::zmq_setsockopt(socket, ZMQ_LINGER, &unlimited, sizeof unlimited);
      ::zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic.data(), topic.size());
      if (::zmq_connect(socket, endpoint.c_str()) != 0)
        return tl::unexpected(std::string(::zmq_strerror(errno)));
    }
    thread_ = std::thread([this] { run(); });
    return {};
  }

  int fd() const override { return progress_; }
  bool take() override {
    std::uint64_t n = 0;
    return ::read(progress_, &n, sizeof n) >= 0 || errno == EAGAIN;
  }
  Seen seen(std::size_t subscriber) const override {
    const Line& line = lines_[subscriber];
    return {line.sets.load(), line.frames.load(), line.bytes.load()};
  }

 private:
  struct Line {
    std::atomic<std::uint64_t> sets = 0, frames = 0, bytes = 0;
  };

  void run() {
    std::vector<zmq_pollitem_t> items;
    for (void* socket : sockets_) items.push_back({socket, 0, ZMQ_POLLIN, 0});
    zmq_msg_t message;
    ::zmq_msg_init(&message);
    while (!stopping_) {
      if (::zmq_poll(items.data(), static_cast<int>(items.size()), 10) <= 0) continue;
      for (std::size_t i = 0; i < items.size(); ++i) {
        if ((items[i].revents & ZMQ_POLLIN) != 0) drain(items[i].socket, message, lines_[i]);
      }
      const std::uint64_t one = 1;
      (void)!::write(progress_, &one, sizeof one);
    }
    ::zmq_msg_close(&message);
  }

  // What a socket holds, at most so many at a time that the others are not kept waiting.
  void drain(void* socket, zmq_msg_t& message, Line& line) const {
    Seen more;
    for (int i = 0; i < 1000 && ::zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) >= 0; ++i) {
      const std::string_view frame(static_cast<const char*>(::zmq_msg_data(&message)),
                                   ::zmq_msg_size(&message));
      more.sets += count_(frame);
      more.bytes += frame.size();
      ++more.frames;
    }
    line.sets += more.sets;
    line.bytes += more.bytes;
    line.frames += more.frames;
  }

  const CountSets count_;
  void* const context_;
  std::vector<void*> sockets_;  // the thread's, once it runs
  std::deque<Line> lines_;
  const int progress_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::uint64_t sets_in(std::string_view frame) {
  const auto slash = frame.find('/');
  if (slash == std::string_view::npos || slash + 3 >= frame.size()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(frame[slash + 1 + i]); };
  if ((byte(0) & 0xf0U) == 0x90U) return byte(0) & 0x0fU;
  if (byte(0) == 0xdc) return (std::uint64_t{byte(1)} << 8U) | byte(2);
  return 0;
}

Result<std::unique_ptr<StreamReceivers>, std::string> StreamReceivers::connect(
    Kind kind, const std::string& endpoint, const std::string& topic, std::size_t n, CountSets count) {
  if (kind == Kind::zmtp) {
    auto receivers = std::make_unique<ZmtpReceivers>(std::move(count));
    if (auto opened = receivers->open(endpoint, topic, n); !opened) return tl::unexpected(opened.error());
    return receivers;
  }
  auto receivers = std::make_unique<ZmqReceivers>(n, std::move(count));
  if (auto opened = receivers->open(endpoint, topic); !opened) return tl::unexpected(opened.error());
  return receivers;
}

}  // namespace prismbus::perf
