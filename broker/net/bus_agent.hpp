// The bus thread's agent: doors in, pipeline, doors out, in bounded steps. Each step: what agents finished
// and timers (pipeline.step), some requests, the gathered batch handed over (pipeline.flush), some
// subscriptions. A flood of requests therefore delays the stream by at most one step's worth of them (I8).
// Bus thread only; other threads wake it.
#pragma once

#include <cstddef>
#include <string_view>

#include "broker/core/bus_pulse.hpp"
#include "broker/core/pipeline.hpp"
#include "broker/core/request_rates.hpp"
#include "broker/net/request_door.hpp"
#include "broker/net/stream_door.hpp"
#include "proto/base/log.hpp"
#include "proto/base/waker.hpp"

namespace prismbus {

class BusAgent final : private RequestHandler, private SubscriptionHandler {
 public:
  // All of them outlive the agent; `rates` is who the pipeline asks; `waker` is the one that the queues to
  // the bus wake.
  // `clients` null: nobody's key is asked for.
  BusAgent(Pipeline& pipeline, RequestRates& rates, RequestDoor& requests, StreamDoors& streams, Waker& waker,
           LogSink log, ListedClients* clients = nullptr);
  // One more door, whose queue wakes the bus, and who is told how the bus fares. Both outlive the agent;
  // before the first step.
  void add_gateway(Door& gateway, BusPulse& pulse) { gateway_ = &gateway, pulse_ = &pulse; }

  // One bounded step; returns how much was done, 0 = nothing to do right now.
  std::size_t step(Now now);
  // Sleeps until a socket or the waker has something, or the pipeline's next deadline; after a step that did
  // nothing.
  void wait(Now now);
  void reconfigure(const LiveSettings& settings);

 private:
  void on_request(const ReplyTo& from, std::string_view payload) override;
  void on_malformed(const ReplyTo& from, std::string_view why) override;
  void on_gone(ConnectionId connection) override;
  void on_subscription(Lane lane, std::string_view handed_up) override;
  void tend();
  void report();

  Pipeline& pipeline_;
  RequestRates& rates_;
  RequestDoor& requests_;
  StreamDoors& streams_;
  Waker& waker_;
  Door* gateway_ = nullptr;
  BusPulse* pulse_ = nullptr;
  const LogSink log_;
  ListedClients* const clients_;
  Now now_{};
  Steady streams_at_{}, tend_at_{}, report_at_{};
  RequestDoorCounters reported_;
  RateCounters reported_rates_;
};

}  // namespace prismbus
