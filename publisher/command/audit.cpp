// prismbus audit: who did what, from the journal and the audit file; and whether the file is whole.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "proto/audit/audit_line.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/moment.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::optional<std::string> ns, by, since;
  std::uint64_t limit = 0;
  bool verify = false;
};

struct Asked {
  Epoch epoch;
  Revision rev;
};

Outcome<std::optional<Wall>> since_of(const Options& o) {
  if (!o.since) return std::optional<Wall>();
  const auto moment = parse_moment(*o.since, "--since");
  if (!moment) return tl::unexpected<Failure>(moment.error());
  if (moment->time) return moment->time;
  return misused("--since", "is a time, or so long ago: the audit file has no revisions");
}

// Calls `each` with every record asked for, until it answers false.
template <class Each>
Outcome<Asked> read_all(const Options& o, Session& session, Each each) {
  const auto since = since_of(o);
  if (!since) return tl::unexpected<Failure>(since.error());
  AuditCall call{o.ns, o.by, *since, std::nullopt, std::nullopt, {}};
  Asked asked;
  for (;;) {
    session.start_over();
    call.read = session.read();
    if (call.after) call.read.epoch = asked.epoch;
    auto page = session.wait(session.publisher().audit(call), "audit");
    if (!page) return tl::unexpected<Failure>(page.error());
    asked = {page->epoch, page->rev};
    for (const AuditRecord& record : page->value.records) {
      if (!each(record)) return asked;
    }
    if (!page->value.more || !page->value.after) return asked;
    call.after = page->value.after;
  }
}

Value record_value(const AuditRecord& record) {
  Value::Array names;
  for (const std::string& ns : record.ns) names.push_back(Value::text(ns));
  Fields out;
  out.field("what", record.what).field("time", to_micros(record.time)).field("by", record.by);
  out.field("ns", Value::array(std::move(names)));
  if (record.op) out.field("op", *record.op);
  if (record.note) out.field("note", *record.note);
  if (record.rev) out.field("rev", record.rev->value()).field("changes", record.changes);
  if (record.from) out.field("from", *record.from);
  if (record.code) out.field("code", *record.code);
  if (record.times != 1) out.field("times", record.times);
  if (record.line) out.field("line", *record.line);
  return out.take();
}

std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + printable(name);
  return text;
}

std::string details_text(const AuditRecord& record) {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (record.rev)
    add(fmt::format("revision {}, {} change{}", record.rev->value(), record.changes,
                    record.changes == 1 ? "" : "s"));
  if (record.code) add(printable(*record.code));
  if (record.times != 1) add(fmt::format("{} times", record.times));
  if (record.note) add(printable(*record.note));
  return text;
}

void print_table(const std::vector<AuditRecord>& records, Terminal& terminal) {
  enum Column : std::size_t { time, by, from, what, op, ns, details };
  Table table({"TIME", "BY", "FROM", "WHAT", "OP", "NAMESPACES", "DETAILS"});
  table.may_shrink(ns, 12);
  for (const AuditRecord& record : records) {
    const std::string from = record.from.value_or("");
    table.row({time_text(record.time), record.by.empty() ? "-" : printable(record.by),
               from.empty() ? "-" : printable(from), printable(record.what),
               printable(record.op.value_or("-")), record.ns.empty() ? "-" : names_text(record.ns),
               details_text(record)});
  }
  table.print(terminal);
}

Outcome<void> print_records(const Options& o, Invocation& in, Session& session) {
  std::vector<AuditRecord> records;
  // The newest are asked for, and come last.
  const auto asked = read_all(o, session, [&](const AuditRecord& record) {
    if (o.limit > 0 && records.size() == o.limit) records.erase(records.begin());
    records.push_back(record);
    return true;
  });
  if (!asked) return tl::unexpected<Failure>(asked.error());
  if (!in.globals.json) {
    if (!records.empty()) print_table(records, in.terminal);
    return {};
  }
  Value::Array values;
  for (const AuditRecord& record : records) values.push_back(record_value(record));
  Fields reply = ok_reply(asked->epoch, asked->rev);
  print_json(in.terminal, reply.field("records", Value::array(std::move(values))).take());
  return {};
}

Outcome<void> verify(const Options& o, Invocation& in, Session& session) {
  AuditVerifier verifier;
  std::optional<std::string> broken;
  std::uint64_t lines = 0;
  const auto asked = read_all(o, session, [&](const AuditRecord& record) {
    if (!record.line) return true;
    ++lines;
    if (auto read = verifier.read(*record.line); !read) broken = read.error();
    return !broken;
  });
  if (!asked) return tl::unexpected<Failure>(asked.error());
  if (broken) return failed(error_of(ErrorCode::internal, "the broker's audit file: " + *broken));
  const AuditChain& end = verifier.chain();
  if (in.globals.json) {
    Fields reply = ok_reply(asked->epoch, asked->rev);
    reply.field("lines", lines).field("first", verifier.first()).field("last", end.n).field("hash", end.hash);
    print_json(in.terminal, reply.take());
  } else if (lines == 0) {
    in.terminal.out << "the broker keeps no audit file\n";
  } else {
    in.terminal.out << fmt::format("{} lines from {} to {} are whole\nhash of the last  {}\n", lines,
                                   verifier.first(), end.n, end.hash);
  }
  return {};
}

Outcome<void> audit(const Options& o, Invocation& in) {
  if (o.verify && (o.ns || o.by || o.since || o.limit > 0))
    return misused("--verify", "reads the whole file: not with --ns, --by, --since or --limit");
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  return o.verify ? verify(o, in, *session) : print_records(o, in, *session);
}

}  // namespace

void add_audit(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("audit", "Print who did what, oldest first");
  sub.option("--ns", o->ns, "Only records about this namespace").type_name("NS");
  sub.option("--by", o->by, "Only what this principal did").type_name("NAME");
  sub.option("--since", o->since, "Only from this time on").type_name("WHEN");
  sub.option("-n,--limit", o->limit, "Only the newest N").type_name("N").whole_number(1);
  sub.flag("--verify", o->verify, "Check that no line of the audit file was changed or taken away");
  sub.footer(
      "Every accepted write comes from the journal; logins, what was refused, and what administrators did "
      "come "
      "from the\naudit file, which a broker keeps with security on. Equal refusals are told once a minute, "
      "with "
      "how many they\nwere. Needs admin on everything. WHEN is -2h (w d h m s ms ago) or "
      "2026-11-23T10:00:00+08:00 (UTC without an\noffset). --verify prints the hash of the last line: kept "
      "elsewhere, it shows later that nothing before it was\nchanged. `prismbusd check` verifies the file of "
      "a "
      "stopped broker, and the journal's own chain.\n\n"
      "Examples:\n"
      "  prismbus audit --since -2h\n"
      "  prismbus audit --ns _system.policy --by alice\n"
      "  prismbus audit --limit 20 --json | jq '.records[] | select(.what == \"refused\")'\n"
      "  prismbus audit --verify\n");
  sub.action([o](Invocation& in) { return audit(*o, in); });
}

}  // namespace prismbus::command
