// prismbus replay: what happened in a namespace between two moments, as fast as possible or in step with the
// times it was written at.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <utility>

#include "proto/json/json_value.hpp"
#include "proto/wire/names.hpp"
#include "publisher/command/change_pages.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/moment.hpp"
#include "publisher/command/past_set.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"
#include "publisher/command/terminal/stop_signals.hpp"
#include "publisher/command/watch_lines.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, from;
  std::optional<std::string> to, speed;
  bool subtree = false, with_snapshot = false, reveal = false;
};

// "10x", "10", "0.5x".
Outcome<double> parse_speed(const std::string& text) {
  std::string_view digits = text;
  if (digits.ends_with('x')) digits.remove_suffix(1);
  double speed = 0;
  const auto [end, code] =
      std::from_chars(digits.data(), digits.data() + digits.size(), speed, std::chars_format::fixed);
  const bool whole = !digits.empty() && code == std::errc() && end == digits.data() + digits.size();
  if (whole && speed >= 0.001 && speed <= 1e6) return speed;
  return misused("--speed", json_quoted(text) + " is not a speed; 1x, 10x and 0.5x are");
}

struct Span {
  Revision from, to;  // sets behind `from`, up to and with `to`
};

Outcome<Span> settle(const Options& o, Session& session) {
  if (o.from == "now") return misused("--from", "nothing comes after now; watch prints what happens");
  const std::string ns = o.ns.empty() ? "-" : o.ns;  // times are looked up in a name, any valid one
  Span span;
  const auto from = parse_start(o.from, "--from");
  if (!from) return tl::unexpected<Failure>(from.error());
  const auto to = o.to ? parse_moment(*o.to, "--to") : Outcome<Moment>(Moment{});
  if (!to) return tl::unexpected<Failure>(to.error());
  for (const auto& [moment, bound] : {std::pair(&*from, &span.from), std::pair(&*to, &span.to)}) {
    const auto rev = revision_at(session, ns, *moment);
    if (!rev) return tl::unexpected<Failure>(rev.error());
    if (const auto reached = session.await_revision(*rev, ns, "-"); !reached)
      return tl::unexpected<Failure>(reached.error());
    *bound = *rev;
  }
  if (span.from > span.to) {
    return misused("--from", fmt::format("rev {} is after --to, rev {}", span.from.value(), span.to.value()));
  }
  return span;
}

Outcome<void> print_picture(const Options& o, Revision at, Session& session, SecretValues& secrets,
                            Invocation& in) {
  std::vector<Entry> entries;  // of revision 0: none
  if (at.value() > 0) {
    ListCall call;
    call.ns = o.ns;
    call.subtree = o.subtree;
    session.start_over();
    call.read = session.read();
    call.read.at = at;
    auto listed = session.wait(session.publisher().list(std::move(call)), "replay " + o.ns);
    if (!listed) return tl::unexpected<Failure>(listed.error());
    entries = std::move(listed->value);
  }
  if (in.globals.json) {
    Value::Array values;
    for (const Entry& e : entries) values.push_back(entry_value(e, secrets.shown(e.ns)));
    Fields f;
    f.field("type", "snapshot").hex("epoch", session.epoch().value()).field("rev", at.value());
    print_json(in.terminal, f.field("entries", Value::array(std::move(values))).take());
    return {};
  }
  for (const Entry& e : entries) {
    in.terminal.out << fmt::format(". {}{}  {}\n", o.subtree ? e.ns + "  " : "", printable(e.key),
                                   shown_text(e.value, secrets.shown(e.ns)));
  }
  return {};
}

// When each set is due: as far from the first as it was written after it, divided by `speed`.
class Schedule {
 public:
  explicit Schedule(double speed) : speed_(speed) {}
  // Milliseconds from now; 0 when it is due.
  int due_in(Wall time) {
    const auto now = std::chrono::steady_clock::now();
    if (!first_) first_.emplace(time, now);
    const std::chrono::duration<double> after = time - first_->first;
    const std::chrono::duration<double> left = after / speed_ - (now - first_->second);
    return left.count() <= 0 ? 0 : static_cast<int>(std::min(left.count() * 1000 + 1, 1e9));
  }

 private:
  double speed_;
  std::optional<std::pair<Wall, std::chrono::steady_clock::time_point>> first_;
};

// Tells the sets of the span one by one. False when it was told to end.
class Telling {
 public:
  Telling(const Options& o, std::optional<double> speed, const StopSignals& signals, SecretValues& secrets,
          Invocation& in)
      : lines_(look_of(o, in), secrets, in.terminal), signals_(signals), terminal_(in.terminal) {
    if (speed) schedule_.emplace(*speed);
  }
  bool tell(const std::string& ns, const ChangeSet& set) {
    int wait = schedule_ ? schedule_->due_in(set.time) : 0;
    while (wait > 0) {
      terminal_.out.flush();
      if (signals_.wait(-1, wait)) return false;
      wait = schedule_->due_in(set.time);
    }
    if (signals_.wait(-1, 0) || !terminal_.out) return false;
    lines_.print(past_set(ns, set), set.epoch);
    ++sets_;
    return true;
  }
  [[nodiscard]] std::uint64_t sets() const { return sets_; }

 private:
  static WatchLook look_of(const Options& o, const Invocation& in) {
    WatchLook look;
    look.json = in.globals.json;
    look.with_namespace = o.subtree;
    return look;
  }

  WatchLines lines_;
  const StopSignals& signals_;
  Terminal& terminal_;
  std::optional<Schedule> schedule_;
  std::uint64_t sets_ = 0;
};

Outcome<void> print_sets(const Options& o, const Span& span, Session& session, Telling& telling,
                         Invocation& in) {
  Since since;
  since.moment.rev = span.from;
  auto pages = ChangePages::open(session, o.ns, o.subtree, since);
  if (!pages) return tl::unexpected<Failure>(pages.error());
  for (bool over = false; !over;) {
    const auto page = pages->next();
    if (!page) return tl::unexpected<Failure>(page.error());
    over = !*page;
    if (over) break;
    for (const auto& [ns, set] : (*page)->sets) {
      over = set.rev > span.to;  // they come by revision
      if (over) break;
      if (!telling.tell(ns, set)) return {};
    }
  }
  if (in.globals.json) {
    Fields f;
    f.field("type", "end").hex("epoch", session.epoch().value()).field("rev", span.to.value());
    print_json(in.terminal, f.field("sets", telling.sets()).take());
  }
  return {};
}

Outcome<void> replay(const Options& o, Invocation& in) {
  const auto names = validate_namespace(o.ns, "NS");
  if (!names && !(o.subtree && o.ns.empty())) return failed(names.error(), "replay");
  std::optional<double> speed;
  if (o.speed) {
    const auto parsed = parse_speed(*o.speed);
    if (!parsed) return tl::unexpected<Failure>(parsed.error());
    speed = *parsed;
  }
  const StopSignals signals;
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto span = settle(o, *session);
  if (!span) return tl::unexpected<Failure>(span.error());
  SecretValues secrets(*session, {"replay", o.ns, o.reveal}, in.terminal);
  if (o.with_snapshot) {
    if (auto done = print_picture(o, span->from, *session, secrets, in); !done) return done;
  }
  Telling telling(o, speed, signals, secrets, in);
  return print_sets(o, *span, *session, telling, in);
}

}  // namespace

void add_replay(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("replay", "Replay what happened between two moments");
  sub.option("NS", o->ns, "Namespace; with --subtree \"\" is everything").required();
  sub.option("--from", o->from, "Change sets after this; 0 for all of them").type_name("WHEN").required();
  sub.option("--to", o->to, "... up to and with this (default: what there is now)").type_name("WHEN");
  sub.flag("--subtree", o->subtree, "The namespaces below NS too");
  sub.flag("--with-snapshot", o->with_snapshot, "Begin with everything as it was at --from");
  sub.option("--speed", o->speed, "In step with the recorded times, N times as fast: 1x, 10x, 0.5x")
      .type_name("N");
  add_reveal(sub, o->reveal);
  sub.footer(
      "Without --speed as fast as possible. The snapshot with the change sets applied to it, in their order, "
      "is the state\nat any moment up to --to, exactly. --json prints one object a line: {\"type\": "
      "\"snapshot\" | \"change\" | \"end\", ...}.\nINT and TERM end it, exit code 0. Exit code 11 when the "
      "broker has trimmed that history: never a gap.\n" +
      std::string(kMomentHelp) + std::string(kRevealHelp) +
      "\nExamples:\n"
      "  prismbus replay md.okx --from 0\n"
      "  prismbus replay md.okx --from 0 --reveal\n"
      "  prismbus replay md.okx --from 2 --to 5 --with-snapshot --json\n"
      "  prismbus replay md.okx --from -2h --speed 1000x\n"
      "  prismbus replay md --subtree --from 0 --json | jq -c 'select(.type == \"change\")'\n");
  sub.action([o](Invocation& in) { return replay(*o, in); });
}

}  // namespace prismbus::command
