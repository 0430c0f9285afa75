#include "broker/core/read_desk.hpp"

#include <algorithm>

#include "broker/core/past.hpp"
#include "broker/store/secret_values.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kWithReaderMax = 16;

const ReadOptions* options_of(const RequestBody& body) {
  if (const auto* get = std::get_if<GetRequest>(&body)) return &get->read;
  if (const auto* mget = std::get_if<MGetRequest>(&body)) return &mget->read;
  if (const auto* list = std::get_if<ListRequest>(&body)) return &list->read;
  return nullptr;
}

}  // namespace

Result<std::optional<Revision>> ReadDesk::must_wait(const RequestBody& body, Now now) const {
  if (const auto* unknown = std::get_if<UnsupportedRequest>(&body)) {
    return tl::unexpected(unsupported("op", "this broker does not serve `" + std::string(unknown->op) + "`"));
  }
  std::optional<Revision> rev;
  if (const ReadOptions* options = options_of(body)) {
    if (options->at && options->at_time)
      return fail_field("at_time", "a read of the past is `at` a revision or `at_time`, not both");
    rev = std::max(options->at, options->min_rev);
    // What is sequenced by a moment that is over is part of it, durable or not yet: an answer about the past
    // never changes.
    if (options->at_time && *options->at_time < to_micros(now.wall))
      rev = std::max(rev, std::optional(pending_.newest_at(from_micros(*options->at_time))));
  } else if (const auto* changes = std::get_if<ChangesRequest>(&body); changes != nullptr && changes->under) {
    rev = changes->since_rev;
  } else if (const auto* diff = std::get_if<DiffRequest>(&body)) {
    rev = std::max(diff->from, diff->to);
  }
  if (rev && *rev <= recent_.applied()) return std::nullopt;
  return rev;
}

void ReadDesk::answer_get(const Asked& asked, const GetRequest& get) {
  if (is_of_past(get.read)) return answer_elsewhere(asked);
  const codec::ReplyHead head = replier_.head(asked.id());
  if (const auto change = recent_.find(get.ns, get.key)) {
    if (change->change->op == ChangeOp::put) {
      return replier_.send(asked.from, codec::encode_entry_reply(head, change->entry()));
    }
  } else {
    const auto entry = state_.find(get.ns, get.key);
    if (!entry) return replier_.refuse(asked.from, asked.id(), entry.error());
    if (*entry) {
      EntryView open = **entry;
      const auto value = open_value(state_.vault(), {get.ns, get.key, open.rev}, open.value, opened_);
      if (!value) return replier_.refuse(asked.from, asked.id(), value.error());
      open.value = *value;
      return replier_.send(asked.from, codec::encode_entry_reply(head, open));
    }
  }
  replier_.refuse(asked.from, asked.id(), error_of(ErrorCode::not_found, "no such key"));
}

void ReadDesk::answer_elsewhere(const Asked& asked) {
  if (auto sent = send(asked, nullptr); !sent) replier_.refuse(asked.from, asked.id(), sent.error());
}

Result<void> ReadDesk::send(const Asked& asked, std::unique_ptr<RollbackWork> rollback) {
  const auto place = in_flight_.hold(asked);
  if (!place) return tl::unexpected(place.error());
  ReadJob job{asked.from, std::string(asked.payload), asked.id(), asked.principal, {},
              nullptr,    std::move(rollback),        *place};
  if (auto queued = queue_.push(std::move(job), asked.now.steady); !queued) {
    in_flight_.release(*place);
    return queued;
  }
  feed_reader();
  return {};
}

// A few at a time, so that turns are taken here; never more than answers fit, so that the reader always gets
// rid of them. Each sees what is applied when it goes, and a rollback what is pending then, under the policy
// of that moment.
void ReadDesk::feed_reader() {
  const std::size_t most = std::min({kWithReaderMax, to_reader_.capacity(), from_reader_.capacity()});
  while (with_reader_ < most) {
    auto job = queue_.pop();
    if (!job) return;
    const AccessRules& rules = *rules_.rules();
    job->recent = recent_.snapshot();
    AccessPtr& access = job->principal.access;
    if (!access->stands_under(rules.policy)) access = access->under(rules.policy);
    if (const StreamSealer* sealer = stream_.sealer()) job->keys = {sealer->period(), sealer->ends_in()};
    if (job->rollback != nullptr) job->rollback->pending = pending_.transactions_of(job->rollback->ns);
    const bool taken = to_reader_.try_push(std::move(*job));
    PRISMBUS_ASSERT(taken, "the reader's queue has room for all that are with it");
    ++with_reader_;
  }
}

std::size_t ReadDesk::take_answers(Wall now, const Take& take_plan, const Take& note_refused) {
  done_.clear();
  from_reader_.drain(done_);
  with_reader_ -= done_.size();
  for (ReadDone& read : done_) {
    in_flight_.release(read.place);
    counters_ = read.counters;
    if (read.rollback != nullptr) {  // it comes in again, and is judged as it does
      take_plan(read);
    } else if (const auto counts = read.principal.check_token(*rules_.rules()->revoked, now); !counts) {
      replier_.refuse(read.to, read.message, counts.error());
    } else {
      if (!read.refused.ns.empty()) note_refused(read);
      replier_.send(read.to, std::move(read.payload), read.refusal);
    }
  }
  queue_.count_answered(done_.size());
  feed_reader();
  return done_.size();
}

}  // namespace prismbus
