// Benchmark: one change to 10,000 WebSockets. From the request of its put until the last of them has it, and
// what each costs the broker in memory. Beside it a server that only writes as many bytes to as many
// connections. The crowd is in this process, on the same cores.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "broker/daemon/descriptors.hpp"
#include "perf/bench.hpp"
#include "perf/tcp_peer.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{20};
constexpr std::string_view kKey = "perf.sockets/k";
constexpr std::size_t kValueBytes = 200;
constexpr std::uint64_t kMemoryMark = 32u << 10;  // bytes a socket
constexpr std::chrono::milliseconds kMark{250};

// A masked text frame under the key 0.
std::string frame(std::string_view text) {
  std::string out{'\x81', static_cast<char>(0x80 | text.size()), 0, 0, 0, 0};
  return out + std::string(text);
}

// Waits until `in` holds `end`.
bool receive_until(const TcpPeer& peer, std::string_view end) {
  std::string in;
  while (in.find(end) == std::string::npos) {
    if (!peer.receive(in)) return false;
  }
  return true;
}

bool join(const TcpPeer& peer) {
  const bool asked = peer.send(
      "GET /ws/config/subscribe HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  return asked && receive_until(peer, "\r\n\r\n") &&
         peer.send(frame(R"({"type":"subscribe","id":1,"ns":"perf.sockets","snapshot":false})")) &&
         receive_until(peer, R"("subscribed")");
}

// Many connections that are all told the same; how much each is told is learned in the first round.
class Crowd {
 public:
  Crowd() : poll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Crowd() { ::close(poll_); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  Outcome fill(const std::string& authority, std::size_t peers,
               const std::function<bool(const TcpPeer&)>& join) {
    peers_.reserve(peers);
    while (peers_.size() < peers) {
      auto peer = TcpPeer::connect(authority, kPatience);
      if (!peer) return tl::unexpected(peer.error());
      if (!join(*peer)) return tl::unexpected(fmt::format("connection {} was not let in", peers_.size()));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = peers_.size();
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, peer->fd(), &event);
      peers_.push_back(std::move(*peer));
    }
    return {};
  }

  // Reads until each was told `bytes` more; 0: until nobody hears anything for a while. Returns how much the
  // first was told, 0 when somebody is gone or it took too long.
  std::size_t hear(std::size_t bytes) {
    std::vector<std::size_t> heard(peers_.size(), 0);
    std::array<epoll_event, 512> events{};
    std::size_t whole = 0;
    const auto give_up = Clock::now() + kPatience;
    while (whole < peers_.size()) {
      const int n =
          ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), bytes == 0 ? 2000 : 100);
      if (n == 0 && bytes == 0) return heard.front();
      if (Clock::now() > give_up) return 0;
      for (int i = 0; i < n; ++i) {
        const std::size_t who = events[static_cast<std::size_t>(i)].data.u64;
        const long read = peers_[who].receive_some(buffer_.data(), buffer_.size());
        if (read < 0) return 0;
        heard[who] += static_cast<std::size_t>(read);
        if (bytes != 0 && read > 0 && heard[who] == bytes) ++whole;
      }
    }
    return bytes;
  }
  [[nodiscard]] const TcpPeer& first() const { return peers_.front(); }

 private:
  const int poll_;
  std::vector<TcpPeer> peers_;
  std::array<char, 16384> buffer_{};
};

// Puts values that are all of one length, so that every change is as long as the one before.
class Putter {
 public:
  explicit Putter(TcpPeer peer) : peer_(std::move(peer)) {}
  [[nodiscard]] bool send() {
    const std::string value = fmt::format("\"{:0>{}}\"", ++n_, kValueBytes);
    return peer_.send(
        fmt::format("PUT /api/v1/config/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                    "Content-Length: {}\r\n\r\n{}",
                    kKey, value.size(), value));
  }
  [[nodiscard]] bool answered() const { return receive_until(peer_, R"("version")"); }

 private:
  TcpPeer peer_;
  std::uint64_t n_ = 100;  // versions and seqs of three digits, all along
};

struct Pushes {
  std::vector<double> seconds;
  std::size_t bytes = 0;
};

Outcome push(Crowd& crowd, int rounds, Pushes& out, const std::function<bool()>& send,
             const std::function<bool()>& answered) {
  for (int round = 0; round < rounds; ++round) {
    const auto begun = Clock::now();
    if (!send()) return tl::unexpected(std::string("nothing could be sent"));
    if (crowd.hear(out.bytes) != out.bytes) return tl::unexpected(std::string("not everybody was told"));
    out.seconds.push_back(std::chrono::duration<double>(Clock::now() - begun).count());
    if (!answered()) return tl::unexpected(std::string("a put was not answered"));
  }
  return {};
}

std::string authority_of(const std::string& url) {
  return url.substr(url.find("//") + 2);
}

}  // namespace

Outcome bench_web_sockets(Bench& bench) {
  const std::size_t sockets = bench.options().tiny ? 50 : 10'000;
  const int rounds = bench.options().tiny ? 2 : 10;
  (void)raise_descriptor_limit();
  const auto broker = bench.start_broker(
      "web-sockets",
      {"--gateway", "http://127.0.0.1:0", "--gateway-connections-max", fmt::format("{}", sockets + 100)});
  if (!broker) return tl::unexpected(broker.error());
  const std::string gateway = authority_of(broker->gateway());
  auto connected = TcpPeer::connect(gateway, kPatience);
  if (!connected) return tl::unexpected(connected.error());
  Putter putter(std::move(*connected));
  for (int n = 0; n < 100; ++n) {
    if (!putter.send() || !putter.answered()) return tl::unexpected(std::string("a put was not answered"));
  }
  const std::uint64_t before = broker->resident_bytes();
  Crowd crowd;
  const auto joining = Clock::now();
  if (auto filled = crowd.fill(gateway, sockets, join); !filled) return filled;
  const double joined_s = std::chrono::duration<double>(Clock::now() - joining).count();
  Pushes ours, raw;
  if (!putter.send() || !putter.answered() || (ours.bytes = crowd.hear(0)) == 0)
    return tl::unexpected(std::string("nobody was told"));
  const std::uint64_t each = (broker->resident_bytes() - before) / sockets;

  auto server = bench.start_raw("tcp", ours.bytes);
  if (!server) return tl::unexpected(server.error());
  raw.bytes = ours.bytes;
  Crowd others;  // this process has no descriptors for twice as many
  const std::size_t others_n = sockets - sockets / 10;
  Outcome done = others.fill(server->requests(), others_n, [](const TcpPeer&) { return true; });
  for (int turn = 0; done && turn < bench.options().rounds; ++turn) {
    done = push(
        crowd, rounds, ours, [&] { return putter.send(); }, [&] { return putter.answered(); });
    if (!done) break;
    done = push(
        others, rounds, raw, [&] { return others.first().send("n"); }, [] { return true; });
  }
  if (!done) return done;
  const double worst = *std::max_element(ours.seconds.begin(), ours.seconds.end());
  const double middle = median(ours.seconds), raw_middle = median(raw.seconds);
  bench.report(
      {.name = fmt::format("one change to {} WebSockets, put sent to last one told: median", sockets),
       .ours = Figure{Figure::Unit::time, middle},
       .raw = Figure{Figure::Unit::time, raw_middle},
       .mark = fmt::format("worst < {} ms", kMark.count()),
       .reached = worst < std::chrono::duration<double>(kMark).count(),
       .n = ours.seconds.size(),
       .conditions =
           fmt::format("worst {:.0f} ms; {} B a change; raw = a loop of send() to {} connections; joined in "
                       "{:.1f} s, one after another",
                       worst * 1000, ours.bytes, others_n, joined_s)});
  bench.report({.name = "memory of the broker for each of them",
                .mark = fmt::format("< {} KiB", kMemoryMark >> 10),
                .reached = each < kMemoryMark,
                .n = sockets,
                .conditions = fmt::format("{:.1f} KiB of resident memory, without TLS",
                                          static_cast<double>(each) / 1024)});
  return {};
}

}  // namespace prismbus::perf
