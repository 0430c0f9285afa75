#include "subscriber/replay.hpp"

#include <algorithm>
#include <thread>

#include "proto/base/assert.hpp"
#include "proto/base/clock.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/names.hpp"
#include "subscriber/inquiry.hpp"

namespace prismbus {
namespace {

std::uint64_t microseconds_of(Wall time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count());
}

ListRequest list_of(const ReplayOptions& options) {
  ListRequest list;
  list.ns = options.ns;
  list.subtree = options.subtree;
  return list;
}

}  // namespace

Replay::Replay(ReplayOptions options, std::unique_ptr<Inquiry> inquiry)
    : options_(std::move(options)), inquiry_(std::move(inquiry)) {}
Replay::~Replay() = default;

Result<std::unique_ptr<Replay>> Replay::open(ReplayOptions options) {
  if (!(options.subtree && options.ns.empty())) {
    if (auto fine = validate_namespace(options.ns, "ns"); !fine) return tl::unexpected<Error>(fine.error());
  }
  if (options.timeout <= std::chrono::milliseconds(0) || options.timeout > kDurationMax) {
    return fail_field("timeout", "above 0, at most ten years");
  }
  ConnectionOptions connection;
  connection.brokers = options.brokers;
  connection.client = options.client;
  connection.credentials = options.credentials;
  auto inquiry = Inquiry::open(std::move(connection), options.timeout, options.log);
  if (!inquiry) return tl::unexpected<Error>(inquiry.error());
  std::unique_ptr<Replay> replay(new Replay(std::move(options), std::move(*inquiry)));
  const auto from = replay->find(replay->options_.from);
  if (!from) return tl::unexpected<Error>(from.error());
  const Revision now = replay->inquiry_->greeting().rev;
  const auto to = replay->options_.to ? replay->find(*replay->options_.to) : Result<Revision>(now);
  if (!to) return tl::unexpected<Error>(to.error());
  if (*to < *from) {
    Error error = error_of(ErrorCode::invalid_argument, "`from` lies after `to`");
    error.field = "from";
    return tl::unexpected(error);
  }
  replay->from_ = *from;
  replay->to_ = *to;
  return replay;
}

Epoch Replay::epoch() const {
  return inquiry_->greeting().epoch;
}

// Asking for one entry at a moment tells which revision that is, and whether it can still be read.
Result<Revision> Replay::find(const ReplayMoment& moment) {
  ListRequest list = list_of(options_);
  list.values = false;
  list.page.limit = 1;
  if (const auto* rev = std::get_if<Revision>(&moment)) {
    if (*rev == Revision{}) return *rev;  // before everything; whether that can be read, the sets will tell
    list.read.at = *rev;
  } else {
    list.read.at_time = microseconds_of(std::get<Wall>(moment));
  }
  const auto answer = inquiry_->ask(list);
  if (!answer) return tl::unexpected<Error>(answer.error());
  const auto reply = codec::decode_reply(*answer);
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (!reply->at) return tl::unexpected(error_of(ErrorCode::internal, "a read of the past without `at`"));
  return *reply->at;
}

Result<void> Replay::picture(const std::function<void(const Entry&)>& each) {
  if (from_ == Revision{}) return {};  // before the first transaction
  std::optional<std::string> after;
  do {
    ListRequest list = list_of(options_);
    list.read.at = from_;
    if (after) list.page.after = *after;
    const auto answer = inquiry_->ask(list);
    if (!answer) return tl::unexpected<Error>(answer.error());
    const auto reply = codec::decode_reply(*answer);
    if (!reply) return tl::unexpected<Error>(reply.error());
    auto page = codec::decode_entries_reply(*reply);
    if (!page) return tl::unexpected<Error>(page.error());
    for (const auto& entry : page->entries) {
      if (entry) each(*entry);
    }
    after = page->more ? std::move(page->after) : std::nullopt;
  } while (after);
  return {};
}

Result<std::optional<ReplayedSet>> Replay::next() {
  while (page_.empty() && !asked_all_) {
    if (auto read = read_page(); !read) return tl::unexpected<Error>(read.error());
  }
  if (page_.empty()) return std::nullopt;
  std::optional<ReplayedSet> set(std::move(page_.back()));
  page_.pop_back();
  return set;
}

Result<void> Replay::read_page() {
  ChangesRequest changes;
  changes.under = options_.ns;
  changes.since_rev = from_;
  if (after_) changes.page.after = *after_;
  const auto answer = inquiry_->ask(changes);
  if (!answer) return tl::unexpected<Error>(answer.error());
  const auto reply = codec::decode_reply(*answer);
  if (!reply) return tl::unexpected<Error>(reply.error());
  auto page = codec::decode_changes_reply(*reply);
  if (!page) return tl::unexpected<Error>(page.error());
  bool past = false;
  for (auto& [ns, set] : page->sets) {
    past = past || set.rev > to_;
    if (set.rev <= to_ && (options_.subtree || ns == options_.ns)) {
      page_.push_back({std::move(ns), std::move(set)});
    }
  }
  std::reverse(page_.begin(), page_.end());
  asked_all_ = past || !page->more;
  after_ = std::move(page->after);
  return {};
}

void ReplayedState::put(const Entry& entry) {
  entries_[{entry.ns, entry.key}] = entry;
}

void ReplayedState::apply(const ReplayedSet& replayed) {
  const ChangeSet& set = replayed.set;
  for (const Change& change : set.changes) {
    if (change.op == ChangeOp::del) {
      entries_.erase({replayed.ns, change.key});
      continue;
    }
    Entry& entry = entries_[{replayed.ns, change.key}];
    if (change.version == 1) entry.created = set.rev;
    entry = {replayed.ns, change.key, change.value, set.rev, entry.created, change.version, set.time, set.by};
  }
}

ReplayPace::ReplayPace(double speed, std::function<Steady()> now, std::function<void(Steady)> sleep_until)
    : speed_(speed),
      now_(now ? std::move(now) : [] { return read_clock().steady; }),
      sleep_until_(sleep_until ? std::move(sleep_until)
                               : [](Steady until) { std::this_thread::sleep_until(until); }) {
  PRISMBUS_ASSERT(speed > 0, "time goes forward");
}

void ReplayPace::await(const ReplayedSet& replayed) {
  if (!first_) first_ = {replayed.set.time, now_()};
  const std::chrono::duration<double, std::nano> since = replayed.set.time - first_->first;
  sleep_until_(first_->second + std::chrono::duration_cast<Steady::duration>(since / speed_));
}

}  // namespace prismbus
