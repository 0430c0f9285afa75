// Reads: gets of now are answered here, whatever is of the past or may take long goes to the reader thread
// with the view of this moment; one watermark for both (I9). Bus thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/asked.hpp"
#include "broker/core/change_stream.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/pending.hpp"
#include "broker/core/read_queue.hpp"
#include "broker/core/reader_agent.hpp"
#include "broker/core/replier.hpp"
#include "broker/store/recent.hpp"
#include "broker/store/state.hpp"

namespace prismbus {

class ReadDesk {
 public:
  ReadDesk(const ReadQueueBounds& bounds, BoundedQueue<ReadJob>& to_reader,
           BoundedQueue<ReadDone>& from_reader, const RuleBook& rules, const ChangeStream& stream,
           const Pending& pending, Recent& recent, StateReader& state, InFlight& in_flight, Replier& replier)
      : queue_(bounds),
        to_reader_(to_reader),
        from_reader_(from_reader),
        rules_(rules),
        stream_(stream),
        pending_(pending),
        recent_(recent),
        state_(state),
        in_flight_(in_flight),
        replier_(replier) {}

  // The revision a read has to wait for before it is answered at all; nullopt = none. Errors: unsupported
  // (`op`), invalid_argument (`at` and `at_time`).
  [[nodiscard]] Result<std::optional<Revision>> must_wait(const RequestBody& body, Now now) const;
  void answer_get(const Asked& asked, const GetRequest& get);
  void answer_elsewhere(const Asked& asked);
  // To the reader, with the view of this moment; with `rollback`, to be planned there and not answered.
  // Errors: overloaded.
  [[nodiscard]] Result<void> send(const Asked& asked, std::unique_ptr<RollbackWork> rollback);
  // Sends what the reader thread finished, to whom it still may be told, telling what it left out of it, and
  // gives away what it planned; returns how many of both.
  using Take = std::function<void(const ReadDone& read)>;
  std::size_t take_answers(Wall now, const Take& take_plan, const Take& note_refused);
  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }
  [[nodiscard]] const ReaderCounters& counters() const { return counters_; }

 private:
  void feed_reader();

  ReadQueue queue_;
  BoundedQueue<ReadJob>& to_reader_;
  BoundedQueue<ReadDone>& from_reader_;
  const RuleBook& rules_;
  const ChangeStream& stream_;
  const Pending& pending_;
  Recent& recent_;
  StateReader& state_;
  std::string opened_;  // a secret value of the answer under way; its memory is used again
  InFlight& in_flight_;
  Replier& replier_;
  std::size_t with_reader_ = 0;  // jobs whose answers are not back
  std::vector<ReadDone> done_;
  ReaderCounters counters_;
};

}  // namespace prismbus
