#include "perf/dealer_loop.hpp"

#include <zmq.h>

#include <algorithm>

#include "proto/base/assert.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kSilenceMs = 10'000;
constexpr std::size_t kBatch = 64;  // replies taken before the next requests leave

class Dealer {
 public:
  explicit Dealer(const std::string& endpoint)
      : context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_DEALER)) {
    const int linger = 0, unlimited = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_setsockopt(socket_, ZMQ_SNDHWM, &unlimited, sizeof(unlimited));
    zmq_setsockopt(socket_, ZMQ_RCVHWM, &unlimited, sizeof(unlimited));
    zmq_setsockopt(socket_, ZMQ_RCVTIMEO, &kSilenceMs, sizeof(kSilenceMs));
    zmq_connect(socket_, endpoint.c_str());
  }
  ~Dealer() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;

  void send(std::string_view payload) {
    zmq_send(socket_, "", 0, ZMQ_SNDMORE);
    zmq_send(socket_, payload.data(), payload.size(), 0);
  }

  // Calls each(payload) for at most kBatch messages, waiting for the first only. Returns how many; 0 =
  // silence.
  template <class F>
  std::size_t receive(F&& each) {
    std::size_t n = 0;
    zmq_msg_t part;
    zmq_msg_init(&part);
    while (n < kBatch && zmq_msg_recv(&part, socket_, n == 0 ? 0 : ZMQ_DONTWAIT) >= 0) {
      while (zmq_msg_more(&part) != 0 && zmq_msg_recv(&part, socket_, 0) >= 0) {
      }
      each(std::string_view(static_cast<const char*>(zmq_msg_data(&part)), zmq_msg_size(&part)));
      ++n;
    }
    zmq_msg_close(&part);
    return n;
  }

 private:
  void* context_;
  void* socket_;
};

}  // namespace

Result<LoadFigures, std::string> run_dealer_loop(const ClosedLoop& load, RequestStream& stream) {
  PRISMBUS_ASSERT(load.connections == 1, "a DEALER is one connection");
  Dealer dealer(load.endpoint);
  const auto ask = [&](std::size_t n) {
    for (; n > 0; --n) dealer.send(stream.next_payload());
  };
  LoadFigures figures;
  std::string why;
  ask(load.window);
  auto start = Clock::now(), now = start;
  const auto warm = start + load.warm_up, end = warm + load.measure;
  for (bool measuring = false; now < end; now = Clock::now()) {
    if (!measuring && now >= warm) {
      measuring = true;
      figures = {};
      start = now;
    }
    const std::size_t answered = dealer.receive([&](std::string_view reply) {
      const Verdict verdict = load.judge_replies ? judge_reply(reply, why) : Verdict::fine;
      figures.fine += verdict == Verdict::fine;
      figures.reply_bytes += verdict == Verdict::fine ? reply.size() : 0;
      figures.overloaded += verdict == Verdict::overloaded;
      if (verdict == Verdict::failed && figures.failed++ == 0) figures.first_failure = why;
    });
    if (answered == 0) return tl::unexpected(load.endpoint + ": no reply");
    ask(answered);
  }
  figures.seconds = std::chrono::duration<double>(now - start).count();
  return figures;
}

}  // namespace prismbus::perf
