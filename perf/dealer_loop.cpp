#include "perf/dealer_loop.hpp"

#include "perf/zmq_asker.hpp"
#include "proto/base/assert.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Result<LoadFigures, std::string> run_dealer_loop(const ClosedLoop& load, RequestStream& stream) {
  PRISMBUS_ASSERT(load.connections == 1, "a DEALER is one connection");
  auto dealer = ZmqAsker::connect(load.endpoint, load.credentials);
  if (!dealer) return tl::unexpected(dealer.error());
  const auto ask = [&](std::size_t n) {
    for (; n > 0; --n) dealer->send(stream.next_payload());
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
    const std::size_t answered = dealer->receive(ZmqAsker::Wait::yes, [&](std::string_view reply) {
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
