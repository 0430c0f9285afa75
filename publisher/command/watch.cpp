// prismbus watch: prints a namespace and its changes as they happen, or runs a program for each, until INT or
// TERM. What it does is watch_run.cpp; here is its command line.
#include <fmt/format.h>

#include <memory>

#include "proto/wire/names.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/value_argument.hpp"
#include "publisher/command/watch_run.hpp"

namespace prismbus::command {
namespace {

struct Options {
  WatchOptions watch;
  std::optional<std::string> since, until, exec_fail;
  bool once = false;
};

Outcome<WatchUntil> parse_until(const std::string& text) {
  const std::size_t sign = text.find('=');
  if (sign == 0 || sign == std::string::npos) return misused("--until", "KEY=VALUE is needed");
  auto value =
      parse_value_argument(std::string_view(text).substr(sign + 1), "text is written '\"...\"' here");
  if (!value) return tl::unexpected<Failure>(value.error());
  return WatchUntil{text.substr(0, sign), std::move(*value)};
}

Outcome<WatchOptions> settle(const Options& o, bool json) {
  WatchOptions w = o.watch;
  w.look.json = json;
  w.look.with_namespace = w.subtree;
  const auto names = validate_namespace(w.ns, "NS");
  if (!names && !(w.subtree && w.ns.empty())) return failed(names.error(), "watch");
  if (w.look.glob) {
    if (const auto fine = validate_glob(*w.look.glob, "--glob"); !fine) return failed(fine.error(), "watch");
  }
  if (o.once && w.count > 0) return misused("--once", "is --count 1: give one of them");
  if (o.once) w.count = 1;
  if (o.since) {
    auto since = parse_since(*o.since, "--since");
    if (!since) return tl::unexpected<Failure>(since.error());
    if (since->seq && w.subtree)
      return misused("--since", "a seq is of one namespace; give a revision or a time");
    w.since = *since;
    w.look.changes_only = true;  // what is there is made of what is told
  }
  if (o.until) {
    auto until = parse_until(*o.until);
    if (!until) return tl::unexpected<Failure>(until.error());
    w.until = std::move(*until);
  }
  if (o.exec_fail && !w.program) return misused("--exec-fail", "is for --exec");
  if (o.exec_fail && *o.exec_fail != "warn" && *o.exec_fail != "stop") {
    return misused("--exec-fail", "warn or stop, not " + *o.exec_fail);
  }
  w.on_failure = o.exec_fail == "stop" ? OnFailure::stop : OnFailure::warn;
  return w;
}

Outcome<void> watch(const Options& o, Invocation& in) {
  const auto settled = settle(o, in.globals.json);
  if (!settled) return tl::unexpected<Failure>(settled.error());
  const StopSignals signals;
  WatchFeed feed;
  SubscriberOptions options;
  options.brokers = in.globals.brokers;
  options.client = command_identity();
  options.credentials = in.globals.credentials;
  (settled->subtree ? options.subtrees : options.namespaces).push_back(settled->ns);
  options.callbacks = feed.callbacks();
  auto subscriber = Subscriber::open(std::move(options));
  if (!subscriber) return failed(subscriber.error(), "watch");
  auto outcome = WatchRun(*settled, in, **subscriber, feed, signals).run();
  (*subscriber)->stop();
  return outcome;
}

constexpr const char* kExplanation =
    "First what is there (. KEY VALUE), then every change: + added, ~ changed, - deleted. It survives the "
    "broker's\n"
    "restarts; when it had to compare with a new snapshot it says so (= NS resynced). INT and TERM end it, "
    "exit code 0.\n"
    "--json prints one object a line: {\"type\": \"snapshot\" | \"subscribed\" | \"change\" | \"state\" | "
    "\"gap\", ...}.\n"
    "--since prints what came after that point instead of what is there, and goes on without a gap; exit "
    "code "
    "11 when\n"
    "the broker has trimmed that history.\n"
    "--exec runs PROGRAM by /bin/sh for every changed key, one after another: the change as a line of JSON "
    "on "
    "its standard\n"
    "input, and PRISMBUS_NS, _KEY, _OP (put, delete), _VALUE (JSON), _VERSION, _REV, _SEQ, _TIME, _BY, _NOTE "
    "in its\n"
    "environment. Nothing else is printed. A program that fails is told and the next change comes "
    "(--exec-fail warn), or\n"
    "ends the watch with exit code 14 (stop). While it runs, changes wait: up to 4,096 sets, then a gap is "
    "told.\n"
    "Values of namespaces that the policy calls secret are ********, with \"masked\": true in JSON and "
    "PRISMBUS_MASKED=1 for\n"
    "PROGRAM, unless --reveal. The policy is asked when a namespace first comes: a later change of it counts "
    "for the next watch.\n";

}  // namespace

void add_watch(Command top) {
  auto o = std::make_shared<Options>();
  WatchOptions& w = o->watch;
  Command sub = top.command("watch", "Print a namespace and its changes as they happen");
  sub.option("NS", w.ns, "Namespace; with --subtree \"\" is everything").required();
  sub.flag("--subtree", w.subtree, "The namespaces below NS too");
  sub.flag("--changes-only", w.look.changes_only, "Do not print what is there at the start");
  sub.option("--glob", w.look.glob, "Only keys that match: ? one character, * a run without /, ** any run")
      .type_name("GLOB");
  sub.option("--since", o->since, "Begin with the changes after this").type_name("SINCE");
  sub.option("--exec", w.program, "Run this for every changed key").type_name("PROGRAM");
  sub.option("--exec-fail", o->exec_fail, "When PROGRAM fails: warn (default) or stop").type_name("WHAT");
  sub.option("--count", w.count, "End after this many change sets").type_name("N").whole_number(1);
  sub.flag("--once", o->once, "End after the first change set");
  sub.option("--until", o->until, "End as soon as KEY holds VALUE, at once if it does already")
      .type_name("KEY=VALUE");
  add_reveal(sub, w.reveal);
  sub.footer(std::string(kExplanation) + std::string(kSinceHelp) +
             "\nExamples:\n"
             "  prismbus watch md.okx\n"
             "  prismbus watch md --subtree --changes-only\n"
             "  prismbus watch md.okx --glob 'symbols/**'\n"
             "  prismbus watch md.okx --since -2h --count 1\n"
             "  prismbus watch md.okx --exec './reload.sh \"$PRISMBUS_KEY\"'\n"
             "  prismbus watch md.okx --once --changes-only\n"
             "  prismbus watch md.okx --until primary=true\n"
             "  prismbus watch md.okx --reveal --once\n"
             "  prismbus watch md.okx --json | jq -c 'select(.type == \"change\") | .changes[]'\n");
  sub.action([o](Invocation& in) { return watch(*o, in); });
}

}  // namespace prismbus::command
