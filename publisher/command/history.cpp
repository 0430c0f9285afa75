// prismbus history: what was done to one key, newest first.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "proto/json/json_value.hpp"
#include "publisher/command/change_pages.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secret_values.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string ns, key;
  std::optional<std::string> before, since;
  std::uint64_t limit = 0;
  bool reveal = false;
};

struct Gathered {
  Epoch epoch;
  Revision rev;
  std::vector<KeyVersion> versions;
  bool more = false;
};

// A terminal that is too narrow shortens the wider of note and value, but neither to less.
constexpr std::size_t kNoteLeast = 8, kValueLeast = 16;

// The revisions the flags name; nullopt when they were not given.
Outcome<std::optional<Revision>> before_of(const Options& o, Session& session) {
  if (!o.before) return std::optional<Revision>();
  const auto moment = parse_moment(*o.before, "--before");
  if (!moment) return tl::unexpected<Failure>(moment.error());
  const auto rev = revision_reached_at(session, o.ns, *moment, "--before");
  if (!rev) return tl::unexpected<Failure>(rev.error());
  return std::optional<Revision>(*rev);
}
Outcome<std::optional<Revision>> since_of(const Options& o, Session& session) {
  if (!o.since) return std::optional<Revision>();
  const auto moment = parse_start(*o.since, "--since");
  if (!moment) return tl::unexpected<Failure>(moment.error());
  const auto rev = revision_at(session, o.ns, *moment);
  if (!rev) return tl::unexpected<Failure>(rev.error());
  return std::optional<Revision>(*rev);
}

Outcome<Gathered> gather(const Options& o, Session& session) {
  const auto before = before_of(o, session);
  if (!before) return tl::unexpected<Failure>(before.error());
  const auto since = since_of(o, session);
  if (!since) return tl::unexpected<Failure>(since.error());
  Gathered out;
  HistoryCall call;
  call.ns = o.ns;
  call.key = o.key;
  call.before = *before;
  for (;;) {
    session.start_over();
    call.read = session.read();
    if (call.after) call.read.epoch = out.epoch;
    if (o.limit > 0) call.limit = o.limit - out.versions.size();
    auto page = session.wait(session.publisher().history(call), fmt::format("history {} {}", o.ns, o.key));
    if (!page) return tl::unexpected<Failure>(page.error());
    if (!call.after) out.epoch = page->epoch, out.rev = page->rev;
    for (KeyVersion& v : page->value.versions) {
      if (*since && v.rev <= **since) return out;
      out.versions.push_back(std::move(v));
    }
    out.more = page->value.more;
    call.after = page->value.after;
    if (!out.more || !call.after || (o.limit > 0 && out.versions.size() >= o.limit)) return out;
  }
}

void print_table(const std::vector<KeyVersion>& versions, Shown shown, Terminal& terminal) {
  const bool notes = std::any_of(versions.begin(), versions.end(), [](const auto& v) { return v.note; });
  std::vector<std::string> header{"REV", "VERSION", "TIME", "BY"};
  if (notes) header.emplace_back("NOTE");
  header.emplace_back("VALUE");
  Table table(header);
  table.align_right(0);
  table.align_right(1);
  if (notes) table.may_shrink(4, kNoteLeast);
  table.may_shrink(header.size() - 1, kValueLeast);
  table.may_go(1);  // VERSION
  for (const KeyVersion& v : versions) {
    const bool put = v.op == ChangeOp::put;
    std::vector<std::string> cells{fmt::format("{}", v.rev.value()), put ? fmt::format("{}", v.version) : "-",
                                   time_text(v.time), printable(v.by)};
    if (notes) cells.push_back(printable(v.note.value_or("")));
    cells.push_back(put ? shown_text(v.value, shown) : "(deleted)");
    table.row(std::move(cells));
  }
  table.print(terminal);
}

Outcome<void> history(const Options& o, Invocation& in) {
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto found = gather(o, *session);
  if (!found) return tl::unexpected<Failure>(found.error());
  const Shown shown = found->versions.empty()
                          ? Shown::masked
                          : SecretValues(*session, {"history", o.ns, o.reveal}, in.terminal).shown(o.ns);
  if (in.globals.json) {
    Value::Array versions;
    for (const KeyVersion& v : found->versions) versions.push_back(version_value(v, shown));
    Fields reply = ok_reply(found->epoch, found->rev);
    print_json(in.terminal,
               reply.field("versions", Value::array(std::move(versions))).field("more", found->more).take());
  } else if (!found->versions.empty()) {
    print_table(found->versions, shown, in.terminal);
  }
  return {};
}

}  // namespace

void add_history(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("history", "Print the versions of a key, newest first");
  sub.option("NS", o->ns, "Namespace").required();
  sub.option("KEY", o->key, "Key").required();
  sub.option("-n,--limit", o->limit, "At most N versions").type_name("N").whole_number(1);
  sub.option("--before", o->before, "Only versions older than this").type_name("WHEN");
  sub.option("--since", o->since, "Only versions newer than this; 0 is all of them").type_name("WHEN");
  add_reveal(sub, o->reveal);
  sub.footer(
      "Deletes are told too. A key that never was has no versions, which is no error. What the broker has "
      "trimmed is not\ntold.\n" +
      std::string(kMomentHelp) + std::string(kRevealHelp) +
      "\nExamples:\n"
      "  prismbus history md.okx api/timeout\n"
      "  prismbus history md.okx api/timeout --limit 3\n"
      "  prismbus history md.okx api/timeout --since -2h\n"
      "  prismbus history md.okx api/timeout --reveal\n"
      "  prismbus history md.okx api/timeout --json | jq '.versions[] | {rev, value}'\n");
  sub.action([o](Invocation& in) { return history(*o, in); });
}

}  // namespace prismbus::command
