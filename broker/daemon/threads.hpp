// Every thread of the broker is started and ended here: bus, journal, fold, reader, care, admission, tokens,
// gateway; the caller's own thread supervises. Each runs one agent's step until there is nothing to do, then
// sleeps on that agent's waker.
#pragma once

#include <chrono>
#include <thread>

#include "broker/core/pipeline.hpp"
#include "broker/core/reader_agent.hpp"
#include "broker/gateway/gateway.hpp"
#include "broker/net/admission_agent.hpp"
#include "broker/net/bus_agent.hpp"
#include "broker/security/audit_agent.hpp"
#include "broker/security/client_list_agent.hpp"
#include "broker/security/token_agent.hpp"
#include "broker/store/agents.hpp"
#include "broker/store/backup_agent.hpp"
#include "broker/store/space.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/waker.hpp"

namespace prismbus {

// The threads' sleepers, owned by the composition: a queue wakes the agent that drains it.
struct Wakers {
  Waker bus, journal, fold, reader, care, admission, tokens, gateway, supervisor;
};

// The agents, owned by the composition; each is touched by its own thread only, once the threads run.
struct Agents {
  Pipeline& pipeline;
  BusAgent& bus;
  JournalAgent& journal;
  FoldAgent& fold;
  ReaderAgent& reader;
  BackupAgent& backup;
  SpaceAgent& space;
  AdmissionAgent& admission;
  TokenAgent* tokens;            // null without security
  ClientListAgent* client_list;  // likewise; on the token thread
  AuditAgent* audit;             // likewise; on the journal thread
  Gateway* gateway;              // null without one
};

// Why the bus thread ended.
enum class BusEnd : std::uint8_t { drained, drain_timeout, fatal_journal, fatal_state };

class BrokerThreads {
 public:
  static constexpr std::chrono::seconds kDrainMax{5};

  // Starts them all. What comes by `to_bus` is in force from the bus's next step on; `ended` gets one value
  // when the bus thread ends, and wakes the supervisor.
  BrokerThreads(Agents agents, Wakers& wakers, BoundedQueue<LiveSettings>& to_bus,
                BoundedQueue<BusEnd>& ended);

  void drain_bus();   // asks the bus to finish what is in flight and to end; does not wait
  void stop_doors();  // ends bus, admission, tokens and gateway, and waits: nobody uses a socket afterwards
  void stop_disk();   // ends journal, fold, reader and care, and waits for what they are writing
  // Leaves journal, fold, reader and care alone: the disk they wait for may never answer. The process has to
  // end next.
  void abandon_disk();

 private:
  std::jthread bus_, journal_, fold_, reader_, care_, admission_, tokens_, gateway_;
};

}  // namespace prismbus
