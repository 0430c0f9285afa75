#include "tests/model/sync_model_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "proto/wire/names.hpp"

namespace prismbus::sync_model {

using namespace std::chrono_literals;

World::World(std::uint64_t seed, Trouble trouble)
    : random_(seed * 0x9e3779b97f4a7c15ull + 1), seed_(seed), trouble_(trouble) {
  names_ = {"a", "a.b", "a.b.c", "a.d", "b", "b.x", "ab", "c"};
  const std::uint64_t kind = random_.below(4);
  if (kind == 0) exact_ = {"a.b", "b"};
  if (kind == 1) under_ = {"a"};
  if (kind == 2) under_ = {""};
  if (kind == 3) under_ = {"a.b"}, exact_ = {"a.d", "b.x", "never.written"};
  drop_ = random_.below(3) == 0 ? 0 : random_.below(15);
  twice_ = random_.below(10);
  delay_ms_ = 1 + random_.below(120);
  refuse_ = random_.below(12);
  write_percent_ = 5 + random_.below(40);
  express_ = random_.percent(50);
  cluster_ = random_.percent(40);
  acks_ = random_.percent(70);
  markers_lost_ = acks_ && random_.percent(40);
  picky_ = random_.percent(50);
  if (trouble_ == Trouble::lanes) {
    drop_ = twice_ = refuse_ = 0;
    delay_ms_ = 1 + random_.below(30);  // below what a receiver waits for the other lane
    express_ = true;
    cluster_ = markers_lost_ = picky_ = false;
  }
  now_.steady = Steady(1000s);
  history_ = std::make_shared<History>(Epoch(random_.engine()));
  histories_.push_back(history_);
  brokers_.assign(cluster_ ? 2 : 1, Broker(history_));
  SyncOptions options;
  options.seed = random_.engine();
  options.check_interval = acks_ ? 24h : 30s;  // acks find what polling would
  if (trouble_ == Trouble::all && random_.percent(40)) options.held_bytes_max = 600;
  if (picky_) {
    options.validators = {
        {"model", {}, {}, "**", [](const ProposedChange& change) {
           const auto value = change.after ? std::optional<std::string>(change.after->bytes) : std::nullopt;
           std::string reason = refusal_of(std::string(change.key), value ? &*value : nullptr);
           return reason.empty() ? std::nullopt : std::optional(std::move(reason));
         }}};
  }
  auto follow = FollowSet::make(exact_, under_);
  if (!follow) throw std::runtime_error(follow.error().message);
  sync_ = std::make_unique<SyncState>(std::move(*follow), options, *this);
  for (std::uint64_t i = random_.below(30); i > 0; --i) commit();
  greet_in(50);
}

World::~World() {
  if (sync_) {
    SyncUpdate update = sync_->take_update();
    if (update.root != nullptr) store_.publish(update.root);
    store_.retire(std::move(update.garbage));
  }
}

void World::wrong(const std::string& what) const {
  const View view = store_.view();
  const ViewRoot& root = ViewStore::root_of(view);
  std::string standing =
      fmt::format("in_force={} all_live={} questions={} deadline_in={}ms\n", sync_->in_force(), root.all_live,
                  questions_.size(), (sync_->next_deadline() - now_.steady) / 1ms);
  root.namespaces.for_each([&](const NamespaceLeaf& leaf) {
    standing += fmt::format("{} {} shown={} seq={} why={}\n", *leaf.name, name_of(leaf.state), leaf.shown,
                            leaf.seq.value(), leaf.why ? *leaf.why : "");
  });
  const std::string tail = trace_.substr(trace_.size() > 3000 ? trace_.size() - 3000 : 0);
  throw std::runtime_error(fmt::format("seed {}: {}\n{}{}", seed_, what, standing, tail));
}

void World::run() {
  const Steady faults_end = now_.steady + std::chrono::seconds(5 + random_.below(60));
  while (now_.steady < faults_end) {
    do_faults();
    step();
  }
  calm_ = true;
  if (down_) up_again_ = now_.steady;
  const Steady deadline = now_.steady + 400s;
  const auto settled = [&] {
    return ViewStore::root_of(store_.view()).all_live && brokers_[current_].rev() == history_->log.size();
  };
  // A lost tail whose markers were lost too is found by the next check: wait
  // for one after the last fault.
  const Steady checked = now_.steady + 50s;
  const auto step_until = [&](Steady at_least) {
    while (now_.steady < at_least || !settled()) {
      if (now_.steady > deadline) wrong("not live long after the last fault");
      step();
    }
  };
  step_until(checked);
  step_until(now_.steady + 10s);  // what came last is acknowledged at the next pace
  if (!called_.empty()) wrong("a sync that was asked for was never answered");
  check_end();
  summary_.joins = sync_->counters().joins;
  summary_.resyncs = sync_->counters().resyncs;
  summary_.gaps = sync_->counters().gaps;
  summary_.overflows = sync_->counters().overflows;
  summary_.behind = sync_->counters().behind;
  summary_.rejected = sync_->counters().rejected;
}

void World::run_lanes(std::uint64_t flips) {
  while (summary_.flips < flips) {
    if (random_.percent(write_percent_)) commit();
    // Now and then both windows of a minute pass, and sets go out on one lane
    // only.
    const bool wait = random_.below(3000) == 0;
    for (const Steady end = now_.steady + 61s; wait && now_.steady < end;) step();
    step();
  }
  calm_ = true;
  const Steady deadline = now_.steady + 400s;
  while (!ViewStore::root_of(store_.view()).all_live || brokers_[current_].behind()) {
    if (now_.steady > deadline) wrong("not live long after the last lane change");
    step();
  }
  const Steady quiet = now_.steady + 1s;  // what is on the way
  while (now_.steady < quiet) step();
  check_end();
  summary_.joins = sync_->counters().joins;
  summary_.resyncs = sync_->counters().resyncs;
  summary_.gaps = sync_->counters().gaps;
}

void World::do_faults() {
  if (random_.percent(write_percent_)) commit();
  if (random_.below(3000) == 0) restart(false);
  if (random_.below(8000) == 0) restart(true);
  if (random_.below(2000) == 0) remake(links_[random_.below(2)]);
  if (random_.below(2000) == 0) forget_connection();
  if (random_.below(500) == 0) call_sync();
  if (random_.below(1500) == 0) {
    for (Broker& b : brokers_) b.compact(random_);
  }
  if (cluster_ && random_.below(2500) == 0) move_on(fail(ErrorCode::unavailable, "fault").value());
}

// Random steps of time; everything due happens in it.
void World::step() {
  const Steady next = sync_->next_deadline();
  auto ahead = std::chrono::milliseconds(1 + random_.below(calm_ ? 40 : 20));
  if (next > now_.steady && next < now_.steady + ahead)
    ahead = std::chrono::ceil<std::chrono::milliseconds>(next - now_.steady);
  now_.steady += ahead;
  if (down_ && now_.steady >= up_again_) {
    down_ = false;
    greet_in(200);
  }
  if (!down_) {
    for (std::size_t i = 0; i < brokers_.size(); ++i) {
      while (brokers_[i].behind() &&
             (i == current_ ? !cluster_ || calm_ || random_.percent(60) : calm_ || random_.percent(30))) {
        apply_at(i);
      }
    }
    step_markers();
  }
  step_greeting();
  step_link(Lane::changes);
  step_link(Lane::express);
  step_questions();
  sync_->tick(now_);
  take();
}

void World::commit() {
  ++summary_.commits;
  history_->commit(random_, names_, express_);
}

// ---- brokers ----

void World::apply_at(std::size_t index) {
  Broker& b = brokers_[index];
  const Transaction& txn = b.apply_next();
  if (index != current_) return;
  for (const auto& [ns, lane] : txn.lanes) {
    both_lanes_until_[ns] = now_.steady + 60s;
    ++summary_.flips;
  }
  for (const auto& [ns, set] : txn.sets) {
    ChangeSet out = set;
    const auto both = both_lanes_until_.find(ns);
    const bool twice = both != both_lanes_until_.end() && both->second > now_.steady;
    const Lane lane = b.namespaces().at(ns).lane;
    if (twice) out.lane = lane;
    publish(ns, {out}, lane, twice);
    markers_[ns] = {now_.steady + 1s, 2};
  }
}

void World::publish(const std::string& ns, std::vector<ChangeSet> sets, Lane lane, bool both) {
  for (const Lane each : {Lane::changes, Lane::express}) {
    if (each != lane && !both) continue;
    Frame frame;
    frame.topic = ns + "/";
    frame.sets = sets;
    send(links_[static_cast<std::size_t>(each)], std::move(frame));
  }
}

void World::step_markers() {
  for (auto& [ns, marker] : markers_) {
    auto& [at, left] = marker;
    if (left == 0 || markers_lost_ || now_.steady < at) continue;
    at = now_.steady + 4s;
    --left;
    const Head head = broker().head_of(ns);
    ChangeSet out;
    out.epoch = broker().epoch();
    out.seq = head.seq;
    out.rev = head.rev;
    out.hash = head.hash;
    out.lane = head.lane;
    publish(ns, {out}, Lane::changes, true);
  }
}

void World::restart(bool other_epoch) {
  if (down_) return;
  ++summary_.runs;
  ++run_;
  down_ = true;
  up_again_ = in(3000);
  for (Link& link : links_) remake(link);
  forget_connection();
  if (random_.percent(50)) {
    greeting_at_.reset();
    sync_->on_lost(fail(ErrorCode::unavailable, "fell silent").value(), now_);
  }
  trace_ += fmt::format("{} restart other_epoch={}\n", now_.steady.time_since_epoch() / 1ms, other_epoch);
  for (const auto& [ns, n] : broker().namespaces()) markers_[ns] = {up_again_ + 1s, 1};
  if (!other_epoch) return;
  ++summary_.epochs;
  history_ = std::make_shared<History>(Epoch(random_.engine()));
  histories_.push_back(history_);
  for (Broker& b : brokers_) b = Broker(history_);
  markers_.clear();
  both_lanes_until_.clear();
  for (std::uint64_t i = random_.below(30); i > 0; --i) commit();
}

// ---- requests ----

void World::greet_in(std::uint64_t ms) {
  const Steady at = in(ms);
  greeting_at_ = greeting_at_ ? std::min(*greeting_at_, at) : at;
}

void World::step_greeting() {
  if (down_ || !greeting_at_ || now_.steady < *greeting_at_) return;
  greeting_at_.reset();
  Greeting greeting{
      *Endpoint::parse("tcp://127.0.0.1:" + std::to_string(7000 + current_), Endpoint::Use::connect),
      {},
      {},
      {}};
  greeting.epoch = broker().epoch();
  greeting.rev = Revision(broker().rev());
  greeting.hello.run = Run(run_ * 10 + current_);
  greeting.hello.changes = {"changes" + std::to_string(current_)};
  if (express_) greeting.hello.express = {"express" + std::to_string(current_)};
  greeting.hello.heartbeat_ms = 1000;
  greeting.hello.ack_ms = 200 + random_.below(1800);
  follower_ = {true, {}, {}};
  sync_->on_greeting(greeting, now_);
}

void World::say_hello() {
  greet_in(delay_ms_);
}

void World::move_on(const Error& why) {
  ++summary_.moves;
  current_ = (current_ + 1) % brokers_.size();
  for (Link& link : links_) remake(link);
  forget_connection();
  trace_ += fmt::format("{} move_on {}\n", now_.steady.time_since_epoch() / 1ms, why.message);
  sync_->on_lost(why, now_);
  greet_in(300);
}

void World::ask(std::uint64_t tag, const RequestBody& body) {
  Question q;
  q.tag = tag;
  q.at = in(delay_ms_);
  q.expires = now_.steady + 10s;
  q.asked.epoch = history_->epoch;
  // Bound to the epoch the machine knows: that of its last greeting, which may
  // be a former one by now.
  q.asked.epoch = ViewStore::root_of(store_.view()).epoch;
  if (const auto* s = std::get_if<SnapshotRequest>(&body)) {
    if (!s->after) ++summary_.snapshots;
    if (s->ns) q.asked.ns = std::string(*s->ns);
    if (s->under) q.asked.under = std::string(*s->under);
    if (s->after) q.asked.after = std::string(*s->after);
  } else if (const auto* c = std::get_if<ChangesRequest>(&body)) {
    q.asked.kind = c->under ? Asked::Kind::subtree_changes : Asked::Kind::changes;
    for (const auto& [ns, seq] : c->since) q.asked.since.emplace_back(std::string(ns), seq.value());
    if (c->under) q.asked.under = std::string(*c->under);
    q.asked.since_rev = c->since_rev.value();
    if (c->page.after) q.asked.after = std::string(*c->page.after);
  } else if (const auto* a = std::get_if<AckRequest>(&body)) {
    q.asked.kind = Asked::Kind::ack;
    for (const auto& [ns, seq] : a->applied) q.asked.since.emplace_back(std::string(ns), seq.value());
    for (const auto& r : a->rejected) {
      q.asked.rejected.push_back(
          fmt::format("{} {} {} {}", r.ns, r.key, r.seq.value(), std::string(r.reason)));
    }
    check_ack(q.asked);
  } else {
    const auto& n = std::get<NamespacesRequest>(body);
    q.asked.kind = Asked::Kind::namespaces;
    q.asked.under = std::string(n.under);
    if (n.page.after) q.asked.after = std::string(*n.page.after);
  }
  questions_.push_back(std::move(q));
}

void World::step_questions() {
  std::vector<Question> due;
  std::erase_if(questions_, [&](Question& q) {
    if (now_.steady < q.at) return false;
    if (now_.steady >= q.expires) {
      Answered late;
      late.epoch = q.asked.epoch;
      late.error = fail(ErrorCode::timeout, "expired").value();
      q.answer = late;
    } else if (down_) {
      q.at = in(200);
      return false;
    } else if (!q.answer) {  // answered now, delivered later; sometimes lost and
                             // repeated
      if (!calm_ && random_.percent(refuse_)) {
        q.at = in(1000);
        return false;
      }
      q.answer = q.asked.kind == Asked::Kind::ack ? answer_ack(q.asked) : broker().answer(q.asked, random_);
      if (!calm_ && random_.percent(refuse_))
        q.answer->error = fail(ErrorCode::unavailable, "refused").value();
      q.at = in(delay_ms_);
      return false;
    }
    due.push_back(std::move(q));
    return true;
  });
  for (Question& q : due) {
    SyncAnswer answer{q.answer->epoch, q.answer->rev, SyncReply()};
    if (q.answer->error) {
      answer.reply = tl::unexpected<Error>(*q.answer->error);
    } else if (q.asked.kind == Asked::Kind::snapshot) {
      answer.reply = SyncReply(std::move(q.answer->snapshot));
    } else if (q.asked.kind == Asked::Kind::ack) {
      answer.reply = SyncReply(std::move(q.answer->ack));
    } else if (q.asked.kind == Asked::Kind::namespaces) {
      answer.reply = SyncReply(std::move(q.answer->namespaces));
    } else {
      answer.reply = SyncReply(std::move(q.answer->changes));
    }
    sync_->on_answer(q.tag, std::move(answer), now_);
  }
}

void World::log(LogLevel, const LogLine& line) {
  if (line.text().find("buffer_overflow") != std::string::npos) return;  // too many to read
  trace_ += fmt::format("{} {}\n", now_.steady.time_since_epoch() / 1ms, line.text());
  if (trace_.size() > 100'000) trace_.erase(0, 50'000);
}

}  // namespace prismbus::sync_model
