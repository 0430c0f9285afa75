#include "broker/daemon/threads.hpp"

#include <pthread.h>

#include <optional>
#include <stop_token>

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kIdle{1000};     // a queue wakes its agent; this only bounds a mistake
constexpr milliseconds kFoldLook{100};  // the fold also waits for changes to grow old enough

BusEnd end_of(Fatal fatal) {
  return fatal == Fatal::journal ? BusEnd::fatal_journal : BusEnd::fatal_state;
}

BusEnd run_bus(const std::stop_token& stop, Pipeline& pipeline, BusAgent& bus,
               BoundedQueue<LiveSettings>& settings) {
  std::optional<Steady> drain_until;
  std::vector<LiveSettings> told;
  for (;;) {
    told.clear();
    if (settings.drain(told) > 0) bus.reconfigure(told.back());
    const Now now = read_clock();
    const std::size_t done = bus.step(now);
    if (const Fatal fatal = pipeline.fatal(); fatal != Fatal::none) return end_of(fatal);
    if (stop.stop_requested()) {
      if (!drain_until) {
        pipeline.drain();
        drain_until = now.steady + BrokerThreads::kDrainMax;
      }
      // A step that found nothing to do has also read what had arrived before the drain.
      if (done == 0 && pipeline.drained()) return BusEnd::drained;
      if (now.steady >= *drain_until) return BusEnd::drain_timeout;
    }
    if (done == 0) bus.wait(now);
  }
}

// Starts a thread named for people who look at the process; `waker` ends its sleep when it is asked to stop.
template <class Body>
std::jthread start(const char* name, Waker& waker, Body body) {
  std::jthread thread([&waker, body = std::move(body)](const std::stop_token& stop) {
    const std::stop_callback wake(stop, [&waker] { waker.wake(); });
    body(stop);
  });
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace

BrokerThreads::BrokerThreads(Agents agents, Wakers& wakers, BoundedQueue<LiveSettings>& to_bus,
                             BoundedQueue<BusEnd>& ended) {
  admission_ = start("admission", wakers.admission, [&agent = agents.admission](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const Now now = read_clock();
      if (agent.step(now) == 0) agent.wait(now);
    }
  });
  journal_ = start("journal", wakers.journal, [agents, &wakers](const std::stop_token& stop) {
    const auto step = [&agents](Now now) {
      const std::size_t audited = agents.audit == nullptr ? 0 : agents.audit->step(now);
      return audited + agents.journal.step(now);
    };
    while (!stop.stop_requested()) {
      if (step(read_clock()) == 0) wakers.journal.sleep_for(kIdle);
    }
    if (agents.audit != nullptr) agents.audit->end(read_clock());
  });
  fold_ = start("fold", wakers.fold, [&agent = agents.fold, &wakers](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (agent.step(read_clock()) == 0) wakers.fold.sleep_for(kFoldLook);
    }
  });
  reader_ = start("reader", wakers.reader, [&agent = agents.reader, &wakers](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (agent.step() == 0) wakers.reader.sleep_for(kIdle);
    }
  });
  if (agents.tokens != nullptr) {
    tokens_ = start("tokens", wakers.tokens, [agents, &wakers](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const Now now = read_clock();
        if (agents.tokens->step(now) + agents.client_list->step(now) == 0)
          wakers.tokens.sleep_for(FileLook::kEvery);
      }
    });
  }
  if (agents.gateway != nullptr) {
    gateway_ = start("gateway", wakers.gateway,
                     [&gateway = *agents.gateway](const std::stop_token& stop) { gateway.run(stop); });
  }
  // Backups and looks at the disk: a backup's piece at a time, so that the looks go on under it.
  care_ = start("care", wakers.care,
                [&backup = agents.backup, &space = agents.space, &wakers](const std::stop_token& stop) {
                  while (!stop.stop_requested()) {
                    const Now now = read_clock();
                    if (backup.step(now) + space.step(now) == 0) wakers.care.sleep_for(SpaceAgent::kInterval);
                  }
                });
  bus_ = start("bus", wakers.bus, [agents, &to_bus, &ended](const std::stop_token& stop) {
    BusEnd end = run_bus(stop, agents.pipeline, agents.bus, to_bus);
    const bool told = ended.try_push(std::move(end));
    PRISMBUS_ASSERT(told, "the bus ends once");
  });
}

void BrokerThreads::drain_bus() {
  bus_.request_stop();
}

void BrokerThreads::stop_doors() {
  bus_.request_stop();
  if (bus_.joinable()) bus_.join();
  for (std::jthread* thread : {&admission_, &tokens_, &gateway_}) {
    thread->request_stop();
    if (thread->joinable()) thread->join();
  }
}

void BrokerThreads::stop_disk() {
  for (std::jthread* thread : {&journal_, &fold_, &reader_, &care_}) thread->request_stop();
  for (std::jthread* thread : {&journal_, &fold_, &reader_, &care_}) {
    if (thread->joinable()) thread->join();
  }
}

void BrokerThreads::abandon_disk() {
  for (std::jthread* thread : {&journal_, &fold_, &reader_, &care_}) {
    if (thread->joinable()) thread->detach();
  }
}

}  // namespace prismbus
