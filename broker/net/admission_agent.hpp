// The admission thread's agent: answers who may come in, watches those who are in, and tells every ten
// seconds what it refused and cut. Between two looks it sleeps; with no traffic at all until somebody comes.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "broker/net/admission_figures.hpp"
#include "broker/net/connection_watch.hpp"
#include "broker/net/zap_handler.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/log.hpp"
#include "proto/base/waker.hpp"

namespace prismbus {

// How the other threads speak with it; the queues wake its waker.
struct AdmissionLinks {
  BoundedQueue<ConnectionLimits>& limits;          // new ones
  BoundedQueue<ZapHandler::AllowedKeysPtr>* keys;  // other lists; null: none come
  AdmissionFigures& figures;
};

class AdmissionAgent {
 public:
  // All outlive this.
  AdmissionAgent(ZapHandler& handler, ConnectionWatch& watch, const AdmissionLinks& links, Waker& waker,
                 LogSink log);

  std::size_t step(Now now);  // returns how much there was to do
  void wait(Now now);

 private:
  void report(Now now);
  void tell_figures();

  ZapHandler& handler_;
  ConnectionWatch& watch_;
  const AdmissionLinks links_;
  Waker& waker_;
  const LogSink log_;
  std::vector<ConnectionLimits> told_;                 // reused
  std::vector<ZapHandler::AllowedKeysPtr> told_keys_;  // reused
  std::vector<zmq_pollitem_t> waited_;                 // reused
  Steady report_at_{};
  WatchCounters reported_;
  std::uint64_t reported_refused_ = 0, reported_unknown_keys_ = 0;
};

}  // namespace prismbus
