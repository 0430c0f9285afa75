// Benchmark: one REQ socket of libzmq, one request at a time: what a simple client in any language sees.
#include <fmt/format.h>
#include <zmq.h>

#include <array>
#include <random>

#include "perf/bench.hpp"
#include "perf/histogram.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus::perf {
namespace {

class ReqSocket {
 public:
  explicit ReqSocket(const std::string& endpoint)
      : context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_REQ)) {
    const int linger = 0, timeout = 10'000;
    zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_setsockopt(socket_, ZMQ_RCVTIMEO, &timeout, sizeof(timeout));
    zmq_connect(socket_, endpoint.c_str());
  }
  ~ReqSocket() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  ReqSocket(const ReqSocket&) = delete;
  ReqSocket& operator=(const ReqSocket&) = delete;

  bool ask(std::string_view request, std::string& reply) {
    std::array<char, 4096> buffer{};
    if (zmq_send(socket_, request.data(), request.size(), 0) < 0) return false;
    const int got = zmq_recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0) return false;
    reply.assign(buffer.data(), std::min(static_cast<std::size_t>(got), buffer.size()));
    return true;
  }

 private:
  void* context_;
  void* socket_;
};

std::vector<std::string> some_gets(const KeySpace& space, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> requests;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const std::string key = key_name(random() % space.keys);
    requests.push_back(codec::encode_request({.id = {.negative = false, .bits = (std::uint64_t{1} << 40) + i},
                                              .token = {},
                                              .epoch = {},
                                              .body = GetRequest{.ns = space.ns, .key = key, .read = {}}}));
  }
  return requests;
}

Outcome ask_for(const Bench& bench, const std::string& endpoint, bool judge,
                const std::vector<std::string>& requests, LatencyHistogram& times) {
  using Clock = std::chrono::steady_clock;
  ReqSocket socket(endpoint);
  std::string reply, why;
  const auto start = Clock::now();
  const auto warm = start + bench.options().warm_up, end = warm + bench.options().measure;
  auto before = start;
  for (std::size_t i = 0; before < end; ++i) {
    if (!socket.ask(requests[i % requests.size()], reply)) return tl::unexpected(endpoint + ": no reply");
    const auto after = Clock::now();
    if (judge && judge_reply(reply, why) != Verdict::fine) return tl::unexpected("get: " + why);
    if (before >= warm) times.record(after - before);
    before = after;
  }
  return {};
}

}  // namespace

Outcome bench_get_one_at_a_time(Bench& bench) {
  auto broker = bench.start_broker("single");
  if (!broker) return tl::unexpected(broker.error());
  auto echo = bench.start_raw("echo");
  if (!echo) return tl::unexpected(echo.error());
  if (auto loaded = bench.load(broker->requests(), bench.keys()); !loaded) return loaded;
  const auto requests = some_gets(bench.keys(), bench.options().seed);
  LatencyHistogram ours, raw;
  for (int round = 0; round < bench.options().rounds; ++round) {
    if (auto done = ask_for(bench, echo->requests(), false, requests, raw); !done) return done;
    if (auto done = ask_for(bench, broker->requests(), true, requests, ours); !done) return done;
  }
  bench.report({.name = "get, one REQ client, one at a time: p50",
                .ours = duration(ours.at(0.5)),
                .raw = duration(raw.at(0.5)),
                .mark = {},
                .reached = {},
                .n = ours.count(),
                .conditions = fmt::format("raw = ROUTER echo; p99 {} (raw {}), p99.9 {} (raw {})",
                                          print(duration(ours.at(0.99))), print(duration(raw.at(0.99))),
                                          print(duration(ours.at(0.999))), print(duration(raw.at(0.999))))});
  return {};
}

}  // namespace prismbus::perf
