#include "publisher/outbox/drain_case.hpp"

#include <algorithm>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kRepeatMax = 29min;   // D2 with a minute to arrive in
constexpr auto kClockSlack = 10min;  // between our clock and the broker's
constexpr std::size_t kHistoryPagesMax = 100;

bool cannot_now(ErrorCode code) {
  return code == ErrorCode::read_only || code == ErrorCode::unauthenticated ||
         code == ErrorCode::overloaded || code == ErrorCode::unavailable || code == ErrorCode::internal ||
         code == ErrorCode::timeout;
}

}  // namespace

DrainCase::DrainCase(OutboxRecord record, std::vector<std::optional<OutboxStore::Own>> own,
                     const OutboxOptions& options)
    : record_(std::move(record)), options_(options), before_(std::move(own)) {
  PRISMBUS_ASSERT(before_.size() == record_.steps.size(), "each step knows its key's last write, or none");
}

MaybeValue DrainCase::ours(std::size_t i) const {
  const auto& step = record_.steps[i];
  return step.op == ChangeOp::put ? MaybeValue(step.value) : MaybeValue();
}

void DrainCase::begin(Epoch epoch, Wall now) {
  epoch_ = epoch;
  at_ = 0;
  merged_ = false;
  outcome_ = OutboxOutcome{};
  const bool foreign = record_.epoch != Epoch() && record_.epoch != epoch;
  bool knows_base = false, after_merged = false;
  steps_.assign(record_.steps.size(), StepState{});
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    auto& state = steps_[i];
    state.base = record_.steps[i].base;
    const auto& own = before_[i];
    // Made after our own last write of the key, on top of it.
    if (state.base && own && own->epoch == epoch && !foreign && own->rev > *state.base) {
      state.base = own->gone ? Revision(0) : own->rev;
      state.after_merged = own->merged;
      state.called_before = own->called;
    }
    state.expected = state.base;
    state.write = ours(i) ? std::optional(std::string(*ours(i))) : std::nullopt;
    knows_base = knows_base || state.base.has_value();
    after_merged = after_merged || state.after_merged;
  }
  other_history_ = foreign && (knows_base || !record_.guards.empty());
  const auto& attempts = record_.attempts;
  fresh_session_ = !attempts.empty() && attempts.back().epoch != epoch;
  Wall before = record_.queued_at;
  times_usable_ = true;
  for (const auto& attempt : attempts) {
    times_usable_ = times_usable_ && attempt.first >= before;
    before = attempt.first;
  }
  times_usable_ = times_usable_ && now >= before;
  if (!attempts.empty()) {
    const auto& last = attempts.back();
    const bool again = attempts.size() == 1 && !last.merged && last.epoch == epoch && !after_merged &&
                       now >= last.first && now - last.first < kRepeatMax;
    needs_attempt_ = !again;
    phase_ = Phase::write;
    if (!again) look();
    return;
  }
  needs_attempt_ = true;
  if (other_history_ || after_merged) return read_theirs();
  phase_ = Phase::write;
}

DrainCase::Want DrainCase::want() const {
  if (phase_ == Phase::done) return Want::settled;
  return phase_ == Phase::write && needs_attempt_ ? Want::attempt : Want::ask;
}

OutboxAttempt DrainCase::next_attempt(Wall now) const {
  const auto first =
      std::find_if(steps_.begin(), steps_.end(), [](const StepState& state) { return !state.skip; });
  PRISMBUS_ASSERT(first != steps_.end(), "a write has a step that it writes");
  return {{}, epoch_, now, merged_, static_cast<std::size_t>(first - steps_.begin())};
}

void DrainCase::attempted() {
  needs_attempt_ = fresh_session_ = false;
}

RequestBody DrainCase::request() const {
  const auto& step = record_.steps[std::min(at_, record_.steps.size() - 1)];
  switch (phase_) {
    case Phase::look: {
      const auto& looked = record_.steps[record_.attempts[looked_].step];
      HistoryRequest out{looked.ns, looked.key, {}, {}};
      if (after_) out.page.after = *after_;
      return out;
    }
    case Phase::theirs:
      return GetRequest{step.ns, step.key, {}};
    case Phase::base: {
      GetRequest out{step.ns, step.key, {}};
      out.read.at = steps_[at_].base;
      return out;
    }
    case Phase::write:
    case Phase::done:
      break;
  }
  TxnRequest out;
  const auto& req = record_.attempts.back().req;
  out.write.session = req.session;
  out.write.n = req.n;
  if (record_.note) out.write.note = *record_.note;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto& s = record_.steps[i];
    const auto& state = steps_[i];
    if (state.expected) out.conditions.push_back({s.ns, s.key, *state.expected});
    if (state.skip) continue;
    out.changes.push_back({state.write ? ChangeOp::put : ChangeOp::del, s.ns, s.key,
                           state.write ? std::string_view(*state.write) : std::string_view()});
  }
  for (const auto& guard : record_.guards) out.conditions.push_back({guard.ns, guard.key, guard.rev});
  // One key alone is a plain write: it needs no right to read.
  if (steps_.size() > 1 || !record_.guards.empty()) return out;
  const auto& one = out.changes.front();
  if (one.op == ChangeOp::put) return PutRequest{one.ns, one.key, one.value, steps_[0].expected, out.write};
  return DeleteRequest{one.ns, one.key, steps_[0].expected, out.write};
}

DrainCase::Next DrainCase::answer(const ReplyHeader& reply) {
  if (reply.error && reply.error->code == ErrorCode::other_history) return Next::rejoin;
  if (reply.error && cannot_now(reply.error->code)) return Next::later;
  switch (phase_) {
    case Phase::look:
      return on_history(reply);
    case Phase::theirs:
      return on_theirs(reply);
    case Phase::base:
      return on_base(reply);
    case Phase::write:
      return on_written(reply);
    case Phase::done:
      break;
  }
  return Next::go_on;
}

// ---- an earlier attempt

void DrainCase::look() {
  phase_ = Phase::look;
  looked_ = pages_ = 0;
  after_.reset();
}

// Goes on to the next key that an attempt is looked for by. False: there is no other.
bool DrainCase::look_on() {
  const auto& all = record_.attempts;
  while (++looked_ < all.size()) {
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(looked_);
    if (std::any_of(all.begin(), end, [&](const auto& one) { return one.step == all[looked_].step; }))
      continue;
    pages_ = 0;
    after_.reset();
    return true;
  }
  return false;
}

bool DrainCase::looked_far_enough(const KeyVersion& oldest) const {
  const auto& base = record_.steps[record_.attempts[looked_].step].base;
  const bool known = base && (record_.epoch == Epoch() || record_.epoch == epoch_);
  if (known) return oldest.rev <= *base;
  return times_usable_ && oldest.time + kClockSlack < record_.attempts.front().first;
}

DrainCase::Next DrainCase::on_history(const ReplyHeader& reply) {
  const std::string unknown = "whether an earlier attempt was applied is not known: ";
  if (reply.error && reply.error->code != ErrorCode::not_found) {
    reject(ErrorCode::timeout, unknown + "history: " + reply.error->message);
    return Next::go_on;
  }
  HistoryReply page;
  if (!reply.error) {
    auto decoded = codec::decode_history_reply(reply);
    if (!decoded) return Next::later;
    page = std::move(*decoded);
  }
  for (const auto& version : page.versions) {
    for (const auto& attempt : record_.attempts) {
      if (!version.req || *version.req != attempt.req) continue;
      outcome_.duplicate = true;
      outcome_.rev = version.rev;
      merged_ = attempt.merged;
      if (merged_) {  // what this key became is told; what the others became is not
        for (auto& state : steps_) state.write_known = false;
        steps_[attempt.step].write_known = true;
        steps_[attempt.step].write =
            version.op == ChangeOp::put ? std::optional(version.value) : std::nullopt;
      }
      settle(merged_ ? OutboxOutcome::Kind::merged : OutboxOutcome::Kind::applied, "");
      return Next::go_on;
    }
    if (looked_far_enough(version)) {
      if (!look_on()) read_theirs();
      return Next::go_on;
    }
  }
  if (page.more && page.after && ++pages_ < kHistoryPagesMax) {
    after_ = page.after;
    return Next::go_on;
  }
  const bool whole = !page.more && (page.versions.empty() || page.versions.back().version == 1);
  if (!whole) {
    reject(ErrorCode::timeout, unknown + "the key's history does not reach back to it");
    return Next::go_on;
  }
  if (!look_on()) read_theirs();
  return Next::go_on;
}

// ---- the end

DrainCase::Next DrainCase::on_written(const ReplyHeader& reply) {
  if (reply.error) return refuse(*reply.error);
  outcome_.rev = reply.rev;
  outcome_.duplicate = codec::says_duplicate(reply);
  settle(merged_ ? OutboxOutcome::Kind::merged : OutboxOutcome::Kind::applied, "");
  return Next::go_on;
}

DrainCase::Next DrainCase::refuse(const Error& error) {
  if (error.code == ErrorCode::invalid_argument && error.field == "req") {
    fresh_session_ = true;
    look();
    return Next::go_on;
  }
  if (phase_ != Phase::write || error.code != ErrorCode::conflict) {
    reject(error.code, error.message);
    return Next::go_on;
  }
  const auto guard = std::find_if(record_.guards.begin(), record_.guards.end(),
                                  [&](const auto& g) { return error.ns == g.ns && error.key == g.key; });
  if (guard != record_.guards.end()) {
    outcome_.conflict = true;
    reject(error.code, error.message);
  } else if (record_.attempts.size() > 1) {  // it may be one of those that conflicts
    look();
  } else {
    read_theirs();
  }
  return Next::go_on;
}

void DrainCase::reject(ErrorCode code, std::string message) {
  outcome_.code = code;
  settle(OutboxOutcome::Kind::rejected, std::move(message));
}

void DrainCase::settle(OutboxOutcome::Kind kind, std::string message) {
  outcome_.id = record_.id;
  outcome_.kind = kind;
  outcome_.message = std::move(message);
  outcome_.other_history =
      other_history_ || (!record_.attempts.empty() && record_.attempts.front().epoch != epoch_);
  outcome_.epoch = epoch_;
  outcome_.queued_at = record_.queued_at;
  const bool as_called = kind == OutboxOutcome::Kind::applied;
  for (const auto& step : record_.steps) {
    outcome_.changes.push_back({step.op, step.ns, step.key, as_called ? std::string() : step.value});
  }
  phase_ = Phase::done;
}

std::vector<OutboxStore::Own> DrainCase::own() const {
  std::vector<OutboxStore::Own> out;
  if (outcome_.kind != OutboxOutcome::Kind::applied && outcome_.kind != OutboxOutcome::Kind::merged)
    return out;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto& step = record_.steps[i];
    auto& own = out.emplace_back();
    own.ns = step.ns;
    own.key = step.key;
    own.epoch = epoch_;
    own.rev = steps_[i].skip && steps_[i].theirs ? steps_[i].theirs->rev : outcome_.rev;
    own.gone = !steps_[i].write;
    own.merged = merged_ && (!steps_[i].write_known || lent(steps_[i].write) != ours(i));
    if (own.merged && ours(i)) own.called = std::string(*ours(i));
  }
  return out;
}

}  // namespace prismbus
