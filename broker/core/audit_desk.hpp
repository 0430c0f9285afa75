// What the hallway tells the audit file, and what waits for it: an operation of an administrator is done when
// its line is on the disk, and refused when it cannot be written. Bus thread; the file is the audit agent's,
// on the journal thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/asked.hpp"
#include "broker/core/audit_notes.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/live_tap.hpp"
#include "broker/core/replier.hpp"
#include "broker/core/told_names.hpp"
#include "broker/core/write_intent.hpp"
#include "proto/base/bounded_queue.hpp"

namespace prismbus {

struct AuditOrder {
  std::vector<AuditEntry> entries;
  std::uint64_t ticket = 0;  // not 0: to be synced, and told
};
struct AuditOutcome {
  std::uint64_t ticket = 0;
  std::optional<Error> refused;
};
// All null: this broker keeps no audit file.
struct AuditQueues {
  BoundedQueue<AuditOrder>* orders = nullptr;
  BoundedQueue<AuditOutcome>* outcomes = nullptr;
  // What other threads tell of the broker itself; no peer causes it, so it counts for no quota.
  BoundedQueue<AuditEntry>* news = nullptr;
};

class AuditDesk {
 public:
  static constexpr std::size_t kHeldMax = 64;     // operations that wait for their line
  static constexpr std::size_t kUnsentMax = 512;  // lines the agent has no room for yet; more are `lost`

  // All outlive this; `tap` may be null.
  AuditDesk(AuditQueues queues, ReplySink& door, InFlight& in_flight, Replier& replier,
            LiveTap* tap = nullptr)
      : queues_(queues), door_(door), in_flight_(in_flight), replier_(replier), tap_(tap) {}

  void note_login(const ReplyTo& from, const Principal& principal, Now now);
  // `by` empty: nobody showed who he is.
  void note_refused(const ReplyTo& from, const Request& request, std::string_view by, const Error& error,
                    Now now);
  // Names of an answer that was given without them.
  void note_refused_names(const ReplyTo& from, std::string_view by, const RefusedNames& refused, Now now);

  // True: it is held until its line is on the disk and then enters again with `audited`, or it was refused. A
  // write (`intent`, else null) is held only for namespaces that begin with `_`. Answers overloaded,
  // read_only, unavailable.
  [[nodiscard]] bool holds(const Asked& asked, const WriteIntent* intent);

  using Enter = std::function<void(const ReplyTo& to, std::string_view payload)>;
  // Hands on what is noted, lets in what waited; `ending`: holds nothing back. Returns how much.
  std::size_t step(Now now, bool ending, const Enter& enter);

 private:
  struct Held {
    ReplyTo to;
    MessageId id;
    std::string payload;
    InFlight::Place place;
  };
  void note(AuditEntry entry, Now now);
  void keep(AuditEntry entry);
  void send_noted(Now now);

  const AuditQueues queues_;
  ReplySink& door_;
  InFlight& in_flight_;
  Replier& replier_;
  LiveTap* const tap_;
  AuditNotes notes_;
  AuditOrder noted_;        // not sent yet
  std::uint64_t lost_ = 0;  // that found no room
  std::uint64_t last_ticket_ = 0;
  std::map<std::uint64_t, Held> held_;
  std::vector<AuditOutcome> outcomes_;  // reused
  std::vector<AuditEntry> news_;        // likewise
};

}  // namespace prismbus
