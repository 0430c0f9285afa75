// prismbus subscribers: who follows, what each has applied and refused, and how far behind it is; once, or
// again and again.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/terminal/resize_signal.hpp"
#include "publisher/command/terminal/stop_signals.hpp"

namespace prismbus::command {
namespace {

constexpr std::chrono::seconds kEvery{1};  // between two looks of --watch

struct Options {
  std::string ns;
  bool watch = false;
  std::optional<std::uint64_t> count;
};

Value row_value(const SubscriberRow& row) {
  Value::Array rejected;
  for (const Rejection& r : row.rejected) {
    Fields item;
    item.field("ns", r.ns).field("seq", r.seq.value()).field("key", r.key).field("reason", r.reason);
    rejected.push_back(item.take());
  }
  Fields labels;
  for (const auto& [name, text] : row.labels) labels.field(name, text);
  Fields out;
  out.field("principal", row.principal).field("instance", row.instance).field("name", row.name);
  out.field("labels", labels.take()).field("since", to_micros(row.since)).field("endpoint", row.endpoint);
  out.field("applied", seqs_value(row.applied)).field("names", row.names).field("lag", row.lag);
  out.field("rejected", Value::array(std::move(rejected))).field("rejections", row.rejections);
  out.field("state", row.state).field("silent", row.silent).field("last_seen", to_micros(row.last_seen));
  if (row.latency_us) {
    Fields latency;
    latency.field("p50", row.latency_us->p50).field("p99", row.latency_us->p99);
    out.field("latency_us", latency.take());
  }
  return out.take();
}

std::string milliseconds_text(std::uint64_t us) {
  return fmt::format("{:.1f} ms", static_cast<double>(us) / 1000);
}

void print_table(const Options& o, const std::vector<SubscriberRow>& rows, Terminal& terminal) {
  enum Column : std::size_t { instance, name, from, state, applied, lag, rejected, p50, p99, seen, reason };
  Table table({"INSTANCE", "NAME", "FROM", "STATE", o.ns.empty() ? "NAMES" : "APPLIED", "LAG", "REJECTED",
               "P50", "P99", "LAST SEEN", "LAST REASON"});
  for (const Column number : {applied, lag, rejected, p50, p99}) table.align_right(number);
  // With these 80 columns hold who it is, where it stands, and how it refused.
  table.may_shrink(instance, 12);
  table.may_shrink(name, 6);
  table.may_shrink(from, 6);
  table.may_shrink(reason, 8);
  for (const Column least_needed : {seen, from, p50, p99}) table.may_go(least_needed);
  std::size_t silent = 0;
  std::size_t behind = 0;
  std::size_t rejecting = 0;
  for (const SubscriberRow& row : rows) {
    silent += row.silent ? 1 : 0;
    behind += row.lag > 0 ? 1 : 0;
    rejecting += row.rejected.empty() ? 0 : 1;
    const auto reached = o.ns.empty() || row.applied.empty() ? row.names : row.applied.front().second.value();
    table.row({printable(row.instance), printable(row.name), printable(row.endpoint),
               row.silent ? "silent" : printable(row.state), fmt::format("{}", reached),
               fmt::format("{}", row.lag), fmt::format("{}", row.rejections),
               row.latency_us ? milliseconds_text(row.latency_us->p50) : "-",
               row.latency_us ? milliseconds_text(row.latency_us->p99) : "-", time_text(row.last_seen),
               row.rejected.empty() ? "" : printable(row.rejected.back().reason)});
  }
  if (!table.empty()) table.print(terminal);
  terminal.out << fmt::format("{} {}: {} behind, {} with refusals, {} silent\n", rows.size(),
                              rows.size() == 1 ? "follower" : "followers", behind, rejecting, silent);
  terminal.out.flush();
}

// All pages; `last` keeps the common part of the last one.
Outcome<std::vector<SubscriberRow>> read_rows(const Options& o, Session& session, Fields& last) {
  std::vector<SubscriberRow> rows;
  SubscribersCall call;
  if (!o.ns.empty()) call.ns = o.ns;
  do {
    call.read = session.read();
    call.read.epoch = session.epoch();
    auto page = session.wait(session.publisher().subscribers(call), "subscribers");
    if (!page) return tl::unexpected<Failure>(page.error());
    last = ok_reply(page->epoch, page->rev);
    std::move(page->value.subscribers.begin(), page->value.subscribers.end(), std::back_inserter(rows));
    call.after = page->value.after;
  } while (call.after);
  return rows;
}

void draw(const Options& o, const std::vector<SubscriberRow>& rows, Terminal& terminal) {
  terminal.measure_again();
  if (o.watch && terminal.width > 0) terminal.out << "\x1b[H\x1b[J";  // the table stays in its place
  print_table(o, rows, terminal);
}

// What was seen stays in `rows`.
Outcome<void> look(const Options& o, Session& session, Invocation& in, std::vector<SubscriberRow>& rows) {
  Fields reply;
  auto seen = read_rows(o, session, reply);
  if (!seen) return tl::unexpected<Failure>(seen.error());
  rows = std::move(*seen);
  if (!in.globals.json) {
    draw(o, rows, in.terminal);
    return {};
  }
  Value::Array values;
  for (const SubscriberRow& row : rows) values.push_back(row_value(row));
  print_json(in.terminal,
             reply.field("subscribers", Value::array(std::move(values))).field("more", false).take());
  in.terminal.out.flush();
  return {};
}

// Until the next look; a terminal that changes its size has the last one drawn anew at once. False when it
// was told to end.
bool await_next(const Options& o, const std::vector<SubscriberRow>& rows, const StopSignals& signals,
                const ResizeSignal& resized, Invocation& in) {
  const auto next = std::chrono::steady_clock::now() + kEvery;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()).count();
    if (signals.wait(resized.fd(), static_cast<int>(std::max<std::int64_t>(left, 0)))) return false;
    if (!resized.take()) return true;
    if (in.terminal.width > 0 && !in.globals.json) draw(o, rows, in.terminal);
  }
}

Outcome<void> subscribers(const Options& o, Invocation& in) {
  if (o.count && !o.watch) return misused("--count", "goes with --watch");
  const StopSignals signals;
  const ResizeSignal resized;
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  std::vector<SubscriberRow> rows;
  bool told = false;
  for (std::uint64_t looks = 1;; ++looks) {
    auto looked = look(o, *session, in, rows);
    const bool away = !looked && (looked.error().error.code == ErrorCode::timeout ||
                                  looked.error().error.code == ErrorCode::unavailable);
    if (!looked && (!o.watch || !away)) return looked;
    if (away && !told) in.terminal.err << "prismbus: subscribers: no broker answers; looking again\n";
    told = away;
    if (!o.watch || (o.count && looks >= *o.count)) return {};
    if (!await_next(o, rows, signals, resized, in)) return {};
    session->start_over();
  }
}

}  // namespace

void add_subscribers(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("subscribers", "Print the followers, and what each has applied");
  sub.option("NS", o->ns, "Only who follows this namespace");
  sub.flag("--watch", o->watch,
           "Look again every second, until INT or TERM; goes on when the broker is back");
  sub.option("--count", o->count, "With --watch: end after this many looks").type_name("N").whole_number(1);
  sub.footer(
      "LAG counts change sets that a follower's last word had not reached, REJECTED those it refused to show "
      "to its\n"
      "readers (LAST REASON says why), P50 and P99 are the times from a change until it was applied, of its "
      "last 128.\n"
      "A silent one was not heard of for 15 of its intervals; after a while it is forgotten. A terminal that "
      "is "
      "too narrow\nshortens names and reasons, then leaves out LAST SEEN, FROM, P50 and P99, in this "
      "order.\n\n"
      "Examples:\n"
      "  prismbus subscribers\n"
      "  prismbus subscribers md.okx\n"
      "  prismbus subscribers md.okx --watch --count 2\n"
      "  prismbus subscribers --json | jq '.subscribers[] | select(.lag > 0 or .silent) | .instance'\n");
  sub.action([o](Invocation& in) { return subscribers(*o, in); });
}

}  // namespace prismbus::command
