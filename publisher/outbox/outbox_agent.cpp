#include "publisher/outbox/outbox_agent.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLoadedMax = 64;        // records read at once
constexpr std::size_t kStepsMax = 64;         // of one step(): the publisher's own calls come in between
constexpr std::size_t kAcknowledgedMax = 64;  // outcomes forgotten in one transaction
constexpr std::size_t kEntriesMost = 10'000'000,
                      kBytesMost = std::size_t{64} << 30;  // LMDB maps a few times that
constexpr auto kRetryAfter = 1s;                           // the broker or the disk cannot now
constexpr auto kAnswerWait = 30s;                          // for one request, repeated meanwhile

}  // namespace

Result<std::unique_ptr<OutboxAgent>> OutboxAgent::make(const OutboxOptions& options, LogSink log,
                                                       lmdb::DiskFaults* faults) {
  if (options.entries_max == 0 || options.entries_max > kEntriesMost) {
    return fail_field("outbox.entries_max", "1..10,000,000");
  }
  if (options.bytes_max == 0 || options.bytes_max > kBytesMost) {
    return fail_field("outbox.bytes_max", "1 byte..64 GiB");
  }
  if (options.after < 0ms) return fail_field("outbox.after", "not negative");
  std::unique_ptr<OutboxAgent> agent(new OutboxAgent(options, std::move(log)));
  auto store = OutboxStore::open(options.directory, {options.entries_max, options.bytes_max, faults});
  if (!store) return tl::unexpected<Error>(store.error());
  agent->store_ = std::move(*store);
  agent->lost_at_ = read_clock().steady;
  agent->offered_ = !options.on_outcome;
  return agent;
}

bool OutboxAgent::takes(Now now) const {
  return !connected_ && now.steady >= lost_at_ + options_.after;
}

bool OutboxAgent::holds(const std::vector<std::uint64_t>& order_keys) const {
  return store_->pending() > 0 && std::any_of(order_keys.begin(), order_keys.end(),
                                              [&](std::uint64_t key) { return store_->holds(key); });
}

Result<void> OutboxAgent::queue(std::vector<OutboxRecord>& records) {
  for (auto& record : records) {
    record.epoch = store_->epoch();
    std::size_t conditions = conditions_of(record);
    for (auto& step : record.steps) {
      if (step.base || conditions >= limits::kTxnChanges) continue;
      const auto known = known_.find(step.ns, step.key);
      if (!known) continue;
      step.base = known->rev;
      ++conditions;
      // Seen in a history that is gone: the write is of that one.
      if (known->epoch != store_->epoch()) record.epoch = known->epoch;
    }
  }
  return store_->append(records);
}

void OutboxAgent::on_greeting(Epoch epoch) {
  connected_ = true;
  begun_ = begun_ && epoch == store_->epoch();
  store_->see_epoch(epoch);
}

void OutboxAgent::on_lost(Now now) {
  if (connected_) lost_at_ = now.steady;
  connected_ = false;
  forget_acknowledged(now);
}

bool OutboxAgent::can_ask(const ClientConnection& connection) const {
  return !asked_ && connected_ && connection.ready() && connection.has_room();
}

Steady OutboxAgent::next_deadline(const ClientConnection& connection, Now now) const {
  Steady next = Steady::max();
  if (!connected_ && lost_at_ + options_.after > now.steady) next = lost_at_ + options_.after;
  if (!offered_) next = std::min(next, retry_at_);
  if (store_->pending() > 0 && can_ask(connection)) next = std::min(next, retry_at_);
  return next;
}

void OutboxAgent::hold(Now now, std::string_view why) {
  begun_ = false;
  retry_at_ = now.steady + kRetryAfter;
  ++held_;
  if (log_ && (held_ & (held_ - 1)) == 0) {
    log_(LogLevel::warn, LogLine("outbox_waits").with("count", held_).with("why", why).text());
  }
}

// Reads the next records, and settles those that are damaged. False: not now, held.
bool OutboxAgent::load(Now now) {
  std::vector<OutboxStore::Damaged> damaged;
  auto records = store_->load(last_loaded_, kLoadedMax, damaged);
  if (!records) {
    hold(now, records.error().message);
    return false;
  }
  if (records->empty() && damaged.empty()) {
    hold(now, "what is pending cannot be read");
    return false;
  }
  std::uint64_t last = last_loaded_;
  for (const auto& lost : damaged) {
    if (!settle(unreadable_outcome(lost.id, lost.why), {}, now)) return false;
    last = std::max(last, lost.id);
  }
  for (const auto& record : *records) last = std::max(last, record.id);
  last_loaded_ = last;  // not before: what was not settled is read again
  loaded_.assign(std::make_move_iterator(records->begin()), std::make_move_iterator(records->end()));
  return true;
}

// The oldest write becomes the case; false: there is none, or it cannot be read now.
bool OutboxAgent::next_case(Now now) {
  while (loaded_.empty()) {
    if (store_->pending() == 0 || !load(now)) return false;
  }
  std::vector<std::optional<OutboxStore::Own>> own;
  for (const auto& step : loaded_.front().steps) {
    auto row = store_->own(step.ns, step.key);
    if (!row) {
      hold(now, row.error().message);
      return false;
    }
    own.push_back(std::move(*row));
  }
  case_.emplace(std::move(loaded_.front()), std::move(own), options_);
  loaded_.pop_front();
  begun_ = false;
  return true;
}

void OutboxAgent::step(ClientConnection& connection, Now now) {
  if (offer(now)) drain(connection, now);
  if (acknowledged_.size() >= kAcknowledgedMax || store_->pending() == 0) forget_acknowledged(now);
}

// Tells what an earlier process settled. True: all of it, so that nothing is told twice.
bool OutboxAgent::offer(Now now) {
  if (offered_ || now.steady < retry_at_) return offered_;
  const auto outcomes = store_->outcomes(last_offered_, kLoadedMax);
  if (!outcomes) {
    hold(now, outcomes.error().message);
    return false;
  }
  for (const auto& outcome : *outcomes) {
    last_offered_ = outcome.id;
    tell(outcome);
  }
  offered_ = outcomes->size() < kLoadedMax;
  return offered_;
}

// On disk; tried again with the next when that cannot now.
void OutboxAgent::forget_acknowledged(Now now) {
  if (acknowledged_.empty()) return;
  if (const auto done = store_->acknowledge(acknowledged_); !done) return hold(now, done.error().message);
  acknowledged_.clear();
}

void OutboxAgent::drain(ClientConnection& connection, Now now) {
  if (rejoin_ && connection.ready()) connection.say_hello(now);
  rejoin_ = rejoin_ && !connection.ready();
  for (std::size_t i = 0; i < kStepsMax; ++i) {
    if (now.steady < retry_at_ || !can_ask(connection)) break;
    if (!case_ && !next_case(now)) break;
    if (!begun_) case_->begin(store_->epoch(), now.wall);
    begun_ = true;
    switch (case_->want()) {
      case DrainCase::Want::attempt:
        if (const auto stored =
                store_->attempt(case_->record(), case_->next_attempt(now.wall), case_->wants_session());
            !stored) {
          return hold(now, stored.error().message);
        }
        case_->attempted();
        break;
      case DrainCase::Want::ask:
        asked_ = true;
        connection.submit(kTag, case_->request(), {now.steady + kAnswerWait, true}, now);
        break;
      case DrainCase::Want::settled: {
        OutboxOutcome outcome = case_->outcome();
        outcome.settled_at = now.wall;
        if (!settle(outcome, case_->own(), now)) return;
        case_.reset();
        break;
      }
    }
  }
}

bool OutboxAgent::settle(const OutboxOutcome& outcome, const std::vector<OutboxStore::Own>& own, Now now) {
  if (const auto done = store_->settle(outcome, own); !done) {
    hold(now, done.error().message);
    return false;
  }
  held_ = 0;
  for (const auto& row : own) {
    if (row.merged) continue;  // the caller never saw what it became: it is no base of theirs
    known_.learn(row.ns, row.key, {row.epoch, row.gone ? Revision(0) : row.rev});
  }
  tell(outcome);
  return true;
}

void OutboxAgent::tell(const OutboxOutcome& outcome) {
  if (!options_.on_outcome) return;
  std::string what = "not a std::exception";
  try {
    if (options_.on_outcome(outcome)) acknowledged_.push_back(outcome.id);
    return;
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // the application's own type
  }
  if (log_) log_(LogLevel::error, LogLine("outbox_callback_threw").with("what", what).text());
}

void OutboxAgent::on_reply(const ReplyHeader& reply, Now now) {
  asked_ = false;
  if (!case_) return;
  switch (case_->answer(reply)) {
    case DrainCase::Next::go_on:
      return;
    case DrainCase::Next::later:
      return hold(now, reply.error ? reply.error->message : "a reply not understood");
    case DrainCase::Next::rejoin:
      rejoin_ = true;
      return hold(now, "the broker has another history");
  }
}

void OutboxAgent::on_expired(Now now) {
  asked_ = false;
  hold(now, "no answer");
}

}  // namespace prismbus
