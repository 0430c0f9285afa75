#include "publisher/command/watch_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "publisher/command/past_set.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

constexpr int kPollMs = 50;                 // while joining; later only signals and changes wake us
constexpr std::chrono::seconds kSettle{1};  // for the last callbacks of the start to arrive

}  // namespace

WatchRun::WatchRun(const WatchOptions& options, Invocation& in, Subscriber& subscriber, WatchFeed& feed,
                   const StopSignals& signals)
    : options_(options),
      in_(in),
      subscriber_(subscriber),
      feed_(feed),
      signals_(signals),
      secrets_(in.globals, {"watch", options.ns, options.reveal}, in.terminal),
      lines_(options.look, secrets_, in.terminal) {
  if (options.program) program_.emplace(*options.program, options.on_failure, signals);
}

Outcome<void> WatchRun::run() {
  const auto deadline = std::chrono::steady_clock::now() + in_.globals.timeout;
  for (;;) {
    if (signals_.wait(feed_.fd(), subscribed_ ? -1 : kPollMs)) return {};
    if (auto done = take_news(); !done || is_over()) return done;
    if (!in_.terminal.out) return {};  // nobody reads any more
    if (subscribed_) continue;
    if (const auto refused = subscriber_.status().refused) return failed(*refused, "watch");
    if (!live_since_ && std::chrono::steady_clock::now() >= deadline) return not_live();
    if (auto done = check_subscribed(); !done || is_over()) return done;
  }
}

bool WatchRun::is_over() const {
  return found_ || (options_.count > 0 && told_ >= options_.count) || (program_ && program_->stopped());
}

Outcome<void> WatchRun::take_news() {
  const Epoch epoch = subscriber_.view().epoch();
  for (const WatchedItem& item : feed_.take()) {
    if (const auto* set = std::get_if<WatchedSet>(&item)) {
      if (auto done = take(*set, epoch); !done) return done;
      if (is_over()) break;
    } else if (subscribed_) {
      lines_.print(std::get<WatchedState>(item));
    }
  }
  if (const auto dropped = feed_.take_dropped(); dropped > 0) lines_.print_dropped(dropped);
  in_.terminal.out.flush();
  return {};
}

Outcome<void> WatchRun::take(const WatchedSet& set, Epoch epoch) {
  shown_[set.ns] = set.seq;
  if (const auto missed = missed_.find(set.ns); missed != missed_.end()) {
    if (set.seq <= missed->second && !set.resync) return {};  // told as part of the past
    missed_.erase(missed);
  }
  return tell(set, epoch);
}

Outcome<void> WatchRun::tell(const WatchedSet& set, Epoch epoch) {
  if (options_.until) {
    found_ = std::any_of(set.changes.begin(), set.changes.end(), [this](const WatchedChange& c) {
      return c.key == options_.until->key && c.kind != WatchedChange::Kind::deleted &&
             stored_value(c.after) == options_.until->value;
    });
  }
  if (!program_) {
    if (lines_.print(set, epoch)) ++told_;
    return {};
  }
  WatchedSet wanted = set;
  if (lines_.select(wanted) != WatchLines::Part::change) return {};
  ++told_;
  return program_->run(wanted, secrets_.shown(wanted.ns), epoch, in_.terminal);
}

// Live, and every callback of the start has come (they come a little after the state is live).
Outcome<void> WatchRun::check_subscribed() {
  const auto now = std::chrono::steady_clock::now();
  if (!live_since_ && subscriber_.wait_live(std::chrono::milliseconds(0))) live_since_ = now;
  if (!live_since_) return {};
  const SubscriberStatus status = subscriber_.status();
  for (const NamespaceStatus& n : status.namespaces) {
    const bool arrived = n.seq.value() == 0 || shown_[n.ns] >= n.seq;
    if (!arrived && now - *live_since_ < kSettle) return {};
  }
  if (options_.since) {
    if (auto told = tell_missed(); !told) return told;
  }
  lines_.print_subscribed(status);
  in_.terminal.out.flush();
  subscribed_ = true;
  return {};
}

// What was live before this is in the past that is told here; what comes while it is told waits in the feed.
Outcome<void> WatchRun::tell_missed() {
  auto session = Session::open(in_.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  auto pages = ChangePages::open(*session, options_.ns, options_.subtree, *options_.since);
  if (!pages) return tl::unexpected<Failure>(pages.error());
  for (;;) {
    const auto page = pages->next();
    if (!page) return tl::unexpected<Failure>(page.error());
    if (!*page) return {};
    for (const auto& [ns, set] : (*page)->sets) {
      missed_[ns] = set.seq;
      if (auto done = tell(past_set(ns, set), pages->epoch()); !done || is_over()) return done;
    }
  }
}

tl::unexpected<Failure> WatchRun::not_live() const {
  const SubscriberStatus status = subscriber_.status();
  if (!status.connected) return unreachable(in_.globals);
  Error e;
  e.code = ErrorCode::unavailable;
  e.message = "connected, but not in step with the broker in time";
  for (const NamespaceStatus& n : status.namespaces) {
    if (!n.why.empty()) e.message += fmt::format("; {}: {}", n.ns, n.why);
  }
  return failed(e, "watch");
}

}  // namespace prismbus::command
