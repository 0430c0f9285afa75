#include "broker/core/pipeline.hpp"

#include <algorithm>
#include <set>

#include "broker/core/ack_desk.hpp"
#include "broker/core/asked.hpp"
#include "broker/core/build_transaction.hpp"
#include "broker/core/fate_desk.hpp"
#include "broker/core/followers.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/lane_plan.hpp"
#include "broker/core/op_needs.hpp"
#include "broker/core/read_desk.hpp"
#include "broker/core/rollback_desk.hpp"
#include "broker/core/self_report.hpp"
#include "broker/core/waiting_room.hpp"
#include "broker/core/write_gate.hpp"
#include "broker/core/write_room.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kStepWrites = 512;  // applied, published and answered a step
}  // namespace

struct Pipeline::Impl final : HeadSource {
  Impl(PipelineSettings given, Store& store, Sequencer& seq, PipelineQueues queues, ReplySink& sink,
       Feed& feed, Authoriser& auth, LogSink log_sink)
      : settings(std::move(given)),
        epoch(store.journal.meta().epoch),
        log(std::move(log_sink)),
        door(sink),
        authoriser(auth),
        sequencer(seq),
        state(StateReader::renewed(store.state)),
        recent(state.folded()),
        sessions({}, state),
        ledger(pending, recent, state),
        write_room({settings.recent_changes_max, settings.recent_bytes_max, settings.space}, sequencer,
                   pending, recent, queues.space, log),
        rules(log),
        gate(rules, pending, ledger, settings.stream_master.has_value()),
        lanes(!settings.express.empty(), rules),
        in_flight(settings),
        stream(settings, epoch, feed, queues.live),
        fold(queues.to_fold, queues.from_fold, queues.to_trim, recent, state, log),
        replier(sink, epoch, recent, store.journal, log),
        waiting(settings.parked_max, in_flight, replier),
        fates(settings.parked_max, pending, recent, in_flight, replier),
        backups(queues.backup, in_flight, replier),
        reads(bounds_of(settings.reads_waiting_max), queues.to_reader, queues.from_reader, rules, stream,
              pending, recent, state, in_flight, replier),
        rollbacks(reads, ledger, pending, waiting, fates),
        acks(settings.ack, *this, rules, sink, in_flight, replier, queues.live),
        audits(queues.audit, sink, in_flight, replier, queues.live),
        builder(rules, settings.stream_master) {
    if (auto loaded = rules.load(store); !loaded) corrupt(loaded.error());
    replay(std::move(store.tail), store.journal);
  }

  // ---- the hallway

  // in: decoded, its asker known, of this history.
  void on_request(const ReplyTo& from, std::string_view payload, Now now, RollbackWork* plan = nullptr,
                  bool audited = false) {
    const auto request = codec::decode_request(payload);
    if (!request) return replier.refuse(from, request.error().id, request.error().error);
    from.mark.op = RequestMeter::op_of(request->body);
    const MessageId id = request->id;
    if (draining) return replier.refuse(from, id, error_of(ErrorCode::unavailable, "the broker is stopping"));
    const auto known = authoriser.authenticate(from, payload, *request, now);
    if (std::holds_alternative<Authoriser::Later>(known)) return;
    if (const auto* error = std::get_if<Error>(&known)) {
      audits.note_refused(from, *request, {}, *error, now);
      return replier.refuse(from, id, *error);
    }
    if (request->epoch && *request->epoch != epoch) {
      return replier.refuse(from, id,
                            error_of(ErrorCode::other_history, "this broker's history has another epoch"));
    }
    const Asked asked{
        from, payload, *request, *std::get<const Principal*>(known), now, plan, audited || plan != nullptr};
    to_write_intent(request->body, intent) ? write(asked) : read(asked);
  }

  // authorise, validate, sequence. What follows is in commit().
  void write(const Asked& asked) {
    if (intent.options.session && repeats(asked)) return;
    if (auto allowed = gate.pass(asked.principal, intent); !allowed) return refuse(asked, allowed.error());
    if (audits.holds(asked, &intent)) return;
    if (intent.rollback != nullptr && !rollbacks.has_items(asked, intent, recent.applied())) return;
    if (auto kept = gate.leaves_an_admin(asked.principal, intent); !kept) return refuse(asked, kept.error());
    if (auto room = write_room.admit(intent, in_flight.of(asked.from.connection)); !room)
      return refuse(asked, room.error());
    Verdict verdict = judge(intent, ledger, recent.applied());
    if (const auto* wait = std::get_if<MustWait>(&verdict)) return waiting.park(asked, wait->until_applied);
    if (auto* no = std::get_if<Refused>(&verdict))
      return fates.settle(asked, std::move(no->error), no->rests_on);
    sequence(asked, std::get<Judged>(verdict));
  }

  void sequence(const Asked& asked, const Judged& judged) {
    const auto place = in_flight.hold(asked);
    if (!place) return refuse(asked, place.error());
    last_time = std::max(last_time, asked.now.wall);
    auto txn = builder.build(intent, judged,
                             {epoch, sequencer.next(), last_time, asked.principal.name, asked.now.steady},
                             ledger, lanes);
    if (!txn) {
      in_flight.release(*place);
      return refuse(asked, txn.error());
    }
    ++counters.writes;
    write_room.spend(intent);
    sessions.add_pending(**txn);
    pending.add(*txn, asked.from, asked.id(), *place);
    sequencer.submit(std::move(*txn));
  }

  // durable: apply, publish, reply; a bounded number of writes at a time.
  std::size_t commit(Now now) {
    committed.clear();
    while (committed.size() < kStepWrites && pending.front() != nullptr &&
           pending.front()->txn->rev <= durable) {
      committed.push_back(pending.pop_front());
      const TransactionPtr& txn = committed.back().txn;
      recent.apply(txn);
      sessions.apply(*txn);
      if (rules.apply(*txn)) take_rules();
      stream.add(txn, now);
      acks.apply(*txn);
    }
    stream.flush();
    JournalBatch applied;
    applied.reserve(committed.size());
    for (SequencedWrite& done : committed) {
      fates.answer(done);
      applied.push_back(std::move(done.txn));
    }
    fold.send(std::move(applied));
    return committed.size();
  }

  // Not durable, and never will be: the askers are told, repeats of a request id with their original, and
  // whose refusal rested on it is judged again.
  void drop(CommitFailure how, Now now) {
    const bool unknown = how == CommitFailure::unknown;
    std::vector<SequencedWrite> dropped = pending.drop_all();
    for (const SequencedWrite& write : dropped) sessions.drop(*write.txn);
    const Error error =
        unknown ? error_of(ErrorCode::timeout, "the journal failed: this write may or may not be there")
                : error_of(ErrorCode::read_only, "the store has no room: nothing of this write is there");
    fates.refuse(dropped, error,
                 [&](const FateWaiter& waiter) { on_request(waiter.to, waiter.payload, now); });
    if (unknown) fatal = Fatal::journal;
  }

  void read(const Asked& asked) {
    const RequestBody& body = asked.request.body;
    if (auto allowed = authorise(*asked.principal.access, body); !allowed)
      return refuse(asked, allowed.error());
    if (needs_of(body).what == OpNeeds::What::administer && audits.holds(asked, nullptr)) return;
    const auto wait = reads.must_wait(body, asked.now);
    if (!wait) return refuse(asked, wait.error());
    if (*wait) return waiting.park(asked, **wait);
    if (const auto* get = std::get_if<GetRequest>(&body)) return reads.answer_get(asked, *get);
    if (std::holds_alternative<HelloRequest>(body)) return answer_hello(asked);
    if (std::holds_alternative<StatusRequest>(body)) return answer_status(asked, status_sources);
    if (const auto* backup = std::get_if<BackupRequest>(&body)) return backups.ask(asked, *backup);
    if (!acks.answer(asked)) reads.answer_elsewhere(asked);
  }

  std::size_t step(Now now) {
    stream.set_time(now);
    replier.meter().begin_step(now.steady);
    if (counters.started == Steady{}) start(now);
    std::size_t done = 0;
    // Not before an earlier failure was dealt with: the sequencer may give its revisions again after it.
    if (const auto progress = failure ? std::nullopt : sequencer.poll(now)) {
      durable = progress->durable;
      failure = progress->failure;
      ++done;
    }
    done += commit(now);
    // What was durable before the failure is answered first.
    if (failure && (pending.front() == nullptr || pending.front()->txn->rev > durable)) {
      drop(*std::exchange(failure, std::nullopt), now);
    }
    write_room.look();
    done += reads.take_answers(
        now.wall, [&](const ReadDone& r) { on_request(r.to, r.payload, now, r.rollback.get()); },
        [&](const ReadDone& r) { audits.note_refused_names(r.to, r.principal.name, r.refused, now); });
    done += authoriser.take_verified(
        [&](const ReplyTo& from, std::string_view payload) { on_request(from, payload, now); });
    done += backups.take_outcome() + fold.step();
    done += audits.step(now, draining, [&](const ReplyTo& to, std::string_view payload) {
      on_request(to, payload, now, nullptr, true);
    });
    done += waiting.wake(recent.applied(), now.steady, draining, [&](const Parked& parked) {
      on_request(parked.to, parked.payload, now, nullptr, parked.audited);
    });
    done += acks.step(now, draining);
    if (fold.failed()) fatal = Fatal::state;
    stream.set_followers(followers.size());
    return done + stream.step(recent.applied(), *this, now);
  }

  // At the start: what is durable and not folded.
  void replay(std::vector<TransactionPtr> tail, const Journal& journal) {
    if (tail.empty()) {  // time goes on from the last transaction, also when everything is folded
      const auto time = time_of_last(journal);
      time ? void(last_time = *time) : corrupt(time.error());
    } else {
      last_time = tail.front()->time;
    }
    if (auto loaded = sessions.load(last_time); !loaded) corrupt(loaded.error());
    for (const TransactionPtr& txn : tail) {
      recent.apply(txn);
      sessions.apply(*txn);
      rules.apply(*txn);
      last_time = std::max(last_time, txn->time);
      for (const auto& set : txn->sets) replayed.insert(set->ns);
    }
    take_rules();
    durable = recent.applied();
    fold.send(std::move(tail));
  }

  // The first step: from here on there is a clock.
  void start(Now now) {
    counters.started = now.steady;
    for (const std::string& ns : replayed) stream.owe_marker(ns, now);
    replayed.clear();
  }

  // The rules have changed. What is published from here on is read under them.
  void take_rules() {
    authoriser.on_rules(rules.rules());
    stream.set_rules(rules.rules());
  }

  // ---- waiting and repeats

  // True when this request id is known (I7): it gets, now or later, what the first one got; or it is refused.
  bool repeats(const Asked& asked) {
    const WriteOptions& options = intent.options;
    const auto standing =
        sessions.look(asked.principal.name, *options.session, options.n, std::max(last_time, asked.now.wall));
    if (!standing) return refuse(asked, standing.error()), true;
    return fates.answer_repeat(asked, *standing);
  }

  // ---- what the broker tells of itself

  void answer_hello(const Asked& asked) {
    const auto& request = std::get<HelloRequest>(asked.request.body);
    followers.greet(asked.from.connection, request);
    acks.greet(asked, request);
    const auto hello = hello_of(settings, asked.principal, stream.heartbeat(), acks.ack_interval());
    audits.note_login(asked.from, asked.principal, asked.now);
    door.greeted(asked.from.connection, asked.principal);
    replier.send(asked.from, codec::encode_hello_reply(replier.head(asked.id()), hello));
  }

  std::optional<Head> head_of(std::string_view ns) override {
    auto head = ledger.find_applied_head(ns);
    if (!head) corrupt(head.error());
    if (!head || !*head) return std::nullopt;
    (*head)->lane = lanes.served((*head)->lane);
    return *head;
  }

  void corrupt(const Error& error) {
    log(LogLevel::error, LogLine("store_corrupt").with("what", error.message).text());
    fatal = Fatal::state;
  }

  void refuse(const Asked& asked, const Error& error) {
    audits.note_refused(asked.from, asked.request, asked.principal.name, error, asked.now);
    replier.refuse(asked.from, asked.id(), error);
  }

  const PipelineSettings settings;
  const Epoch epoch;
  const LogSink log;
  ReplySink& door;
  Authoriser& authoriser;
  Sequencer& sequencer;

  StateReader state;
  Recent recent;
  Pending pending;
  Sessions sessions;
  Ledger ledger;
  WriteRoom write_room;
  RuleBook rules;
  WriteGate gate;
  LanePlan lanes;
  InFlight in_flight;
  ChangeStream stream;
  RecentFeed fold;
  Replier replier;
  WaitingRoom waiting;
  FateDesk fates;
  BackupDesk backups;
  ReadDesk reads;
  RollbackDesk rollbacks;
  AckDesk acks;
  Followers followers;
  AuditDesk audits;

  Revision durable;
  std::optional<CommitFailure> failure;
  Wall last_time{};
  std::set<std::string> replayed;  // namespaces of the tail, until the first step
  StatusCounters counters;
  const StatusSources status_sources{counters, settings, sequencer,         write_room, backups, recent,
                                     fold,     pending,  waiting.parking(), sessions,   stream,  replier,
                                     reads,    acks,     followers,         in_flight,  door,    authoriser};
  bool draining = false;
  Fatal fatal = Fatal::none;
  TransactionBuilder builder;
  WriteIntent intent;                     // of the request under way; reused
  std::vector<SequencedWrite> committed;  // of the step under way; reused
};

Pipeline::Pipeline(PipelineSettings settings, Store& store, Sequencer& sequencer, PipelineQueues queues,
                   ReplySink& replies, Feed& feed, Authoriser& authoriser, LogSink log)
    : impl_(std::make_unique<Impl>(std::move(settings), store, sequencer, queues, replies, feed, authoriser,
                                   std::move(log))) {}
Pipeline::~Pipeline() = default;
void Pipeline::on_request(const ReplyTo& from, std::string_view payload, Now now) {
  impl_->replier.meter().enter(from, now.steady);
  impl_->on_request(from, payload, now);
}
void Pipeline::on_malformed(const ReplyTo& from, std::string_view why, Now now) {
  impl_->replier.meter().enter(from, now.steady);
  impl_->replier.refuse(from, {}, fail_field("payload", std::string(why)).value());
}
void Pipeline::on_subscription(Lane lane, std::string_view handed_up) {
  impl_->stream.on_subscription(lane, handed_up, impl_->recent.applied());
}
void Pipeline::on_gone(ConnectionId connection, Now now) {
  impl_->authoriser.on_gone(connection);
  impl_->followers.gone(connection);
  impl_->acks.gone(connection, now.wall);
}
std::size_t Pipeline::step(Now now) {
  return impl_->step(now);
}
void Pipeline::flush(Now now) {
  impl_->sequencer.flush(now);
}
Steady Pipeline::next_deadline(Now now) const {
  const Steady far = impl_->acks.next_deadline(impl_->sequencer.next_deadline(now));
  return impl_->stream.next_deadline(impl_->waiting.parking().next_deadline(far));
}
void Pipeline::reconfigure(const LiveSettings& settings) {
  impl_->write_room.set_bounds(settings);
  impl_->in_flight.set_bounds(settings.principal);
}
void Pipeline::drain() {
  impl_->draining = true;
  impl_->backups.give_up();
}
void Pipeline::tell(BusPulse& pulse, Now now) const {
  const bool full = impl_->sequencer.read_only() || impl_->write_room.full();
  pulse.beat(now.steady, !impl_->draining && !full, impl_->draining);
}
bool Pipeline::drained() const {
  return impl_->in_flight.total() == 0;
}
Fatal Pipeline::fatal() const {
  return impl_->fatal;
}

}  // namespace prismbus
