// prismbus import-log: writes a log of transactions into a namespace, a transaction a line, in order.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>

#include "publisher/command/change_log.hpp"
#include "publisher/command/change_pages.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/document_file.hpp"
#include "publisher/command/namespace_picture.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kQuiet{2};                // before the first progress, and between lines of it
constexpr std::chrono::milliseconds kTerminalStep{100};  // on a terminal it moves in place

struct Options {
  std::string file, ns;
  bool dry_run = false, resume = false, append = false;
};

struct Log {
  std::string name;
  std::shared_ptr<const std::string> text;  // lent to the lines
  std::vector<LogLineText> lines;
  std::size_t changes = 0, keys_at_the_end = 0;
};

// Every line is read before anything is written: a log with half a line is refused as a whole.
Outcome<Log> read_log(const Options& o, Terminal& terminal) {
  auto text = read_text(o.file, terminal.in);
  if (!text) return tl::unexpected<Failure>(text.error());
  Log log;
  log.name = o.file == "-" ? "standard input" : o.file;
  log.text = std::make_shared<const std::string>(std::move(*text));
  log.lines = log_lines(*log.text);
  std::set<std::string> keys;
  for (const LogLineText& line : log.lines) {
    const auto logged = parse_log_line(log.name, line);
    if (!logged) return tl::unexpected<Failure>(logged.error());
    log.changes += logged->changes.size();
    for (const LoggedChange& c : logged->changes) {
      if (c.value)
        keys.insert(c.key);
      else
        keys.erase(c.key);
    }
  }
  log.keys_at_the_end = keys.size();
  return log;
}

bool is_same(const ChangeSet& set, const LoggedTransaction& logged) {
  if (set.changes.size() != logged.changes.size() || set.note != logged.note) return false;
  for (const LoggedChange& c : logged.changes) {
    const auto at = std::find_if(set.changes.begin(), set.changes.end(),
                                 [&c](const Change& s) { return s.key == c.key; });
    if (at == set.changes.end() || (at->op == ChangeOp::put) != c.value.has_value()) return false;
    if (c.value && !(stored_value(at->value) == *c.value)) return false;
  }
  return true;
}

// How many transactions of the log the namespace holds already: its seq, when it holds nothing else, which
// the last of them proves.
Outcome<std::size_t> lines_there(const Options& o, const Log& log, Session& session) {
  const auto picture = read_namespace(session, o.ns);
  if (!picture) return tl::unexpected<Failure>(picture.error());
  const std::uint64_t seq = picture->seq.value();
  if (seq == 0 || o.append) return std::size_t{0};
  if (!o.resume) {
    return misused("NS",
                   fmt::format("{} has {} change sets already; --resume goes on after those lines, --append "
                               "writes all lines after them",
                               o.ns, seq));
  }
  if (seq > log.lines.size()) {
    return misused("--resume",
                   fmt::format("{} has {} change sets, the log only {} lines", o.ns, seq, log.lines.size()));
  }
  Since since;
  since.seq = Seq(seq - 1);
  auto pages = ChangePages::open(session, o.ns, false, since);
  const auto page =
      pages ? pages->next() : Outcome<std::optional<ChangesReply>>(tl::unexpected<Failure>(pages.error()));
  if (!page) return tl::unexpected<Failure>(page.error());
  const LogLineText& last = log.lines[seq - 1];
  const auto logged = parse_log_line(log.name, last);
  if (!logged) return tl::unexpected<Failure>(logged.error());
  const bool same = *page && !(*page)->sets.empty() && is_same((*page)->sets.front().second, *logged);
  if (same) return static_cast<std::size_t>(seq);
  return misused("--resume",
                 fmt::format("change set {} of {} is not line {} of the log: something else was written", seq,
                             o.ns, last.number));
}

class Progress {
 public:
  Progress(std::size_t all, bool wanted, Terminal& terminal)
      : all_(all), wanted_(wanted), terminal_(&terminal) {}
  void done(std::size_t lines) {
    const auto now = Clock::now();
    const auto step = terminal_->err_is_terminal ? Clock::duration(kTerminalStep) : Clock::duration(kQuiet);
    if (!wanted_ || now - start_ < kQuiet || now - last_ < step) return;
    last_ = now;
    shown_ = true;
    const double per_second =
        static_cast<double>(lines) / std::chrono::duration<double>(now - start_).count();
    terminal_->err << fmt::format("{}import-log: {} of {} lines, {:.0f}/s{}",
                                  terminal_->err_is_terminal ? "\r" : "", lines, all_, per_second,
                                  terminal_->err_is_terminal ? "\x1b[K" : "\n")
                   << std::flush;
  }
  ~Progress() {
    if (shown_ && terminal_->err_is_terminal) terminal_->err << "\r\x1b[K" << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  std::size_t all_;
  bool wanted_, shown_ = false;
  Terminal* terminal_;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

struct Written {
  Epoch epoch;
  Revision rev;
  Seq seq;
  std::size_t transactions = 0, changes = 0;
};

Outcome<Written> write_lines(const Options& o, const Log& log, std::size_t first, Session& session,
                             Invocation& in) {
  Written written;
  Progress progress(log.lines.size() - first, !in.globals.json, in.terminal);
  for (std::size_t i = first; i < log.lines.size(); ++i) {
    const auto logged = parse_log_line(log.name, log.lines[i]);
    if (!logged) return tl::unexpected<Failure>(logged.error());
    session.start_over();
    const auto done = session.wait(session.publisher().commit(to_transaction(o.ns, *logged), session.write()),
                                   fmt::format("{}:{}", log.name, logged->line));
    if (!done) {
      Failure f = done.error();
      if (f.exit != Exit::unknown_outcome) f.error.message += "; this line was not written";
      f.error.message +=
          fmt::format("; {} transactions were written before, --resume goes on", written.transactions);
      return tl::unexpected<Failure>(std::move(f));
    }
    written = {done->epoch, done->rev, done->seq, written.transactions + 1,
               written.changes + logged->changes.size()};
    progress.done(written.transactions);
  }
  return written;
}

void report(const Options& o, const Log& log, std::size_t there, const Written& w, Invocation& in) {
  if (in.globals.json) {
    Fields reply = ok_reply(w.epoch, w.rev);
    reply.field("seq", w.seq.value()).field("dry_run", o.dry_run);
    reply.field("lines", std::uint64_t{log.lines.size()}).field("there", std::uint64_t{there});
    reply.field("transactions", std::uint64_t{w.transactions}).field("changes", std::uint64_t{w.changes});
    print_json(in.terminal, reply.take());
    return;
  }
  const std::string before = there == 0 ? "" : fmt::format(" ({} lines were there)", there);
  if (o.dry_run) {
    in.terminal.out << fmt::format(
        "{} transactions, {} changes, {} keys at the end{}; nothing written (--dry-run)\n",
        log.lines.size() - there, log.changes, log.keys_at_the_end, before);
  } else if (w.transactions == 0) {
    in.terminal.out << fmt::format("nothing to write{}\n", before);
  } else {
    in.terminal.out << fmt::format("{} transactions, {} changes{}; rev {}  seq {}\n", w.transactions,
                                   w.changes, before, w.rev.value(), w.seq.value());
  }
}

Outcome<void> import_log(const Options& o, Invocation& in) {
  const auto log = read_log(o, in.terminal);
  if (!log) return tl::unexpected<Failure>(log.error());
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto there = lines_there(o, *log, *session);
  if (!there) return tl::unexpected<Failure>(there.error());
  Outcome<Written> written = Written{session->epoch(), session->rev(), Seq(), 0, 0};
  if (!o.dry_run && *there < log->lines.size()) written = write_lines(o, *log, *there, *session, in);
  if (!written) return tl::unexpected<Failure>(written.error());
  report(o, *log, *there, *written, in);
  return {};
}

}  // namespace

void add_import_log(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("import-log", "Write a log of transactions, one JSON line each");
  sub.option("FILE", o->file, "The log; - is standard input").required();
  sub.option("NS", o->ns, "Namespace").required();
  sub.flag("-n,--dry-run", o->dry_run, "Read and count; write nothing");
  const Option resume = sub.flag("--resume", o->resume, "Go on after the lines that are there already");
  sub.flag("--append", o->append, "Write all lines, whatever is there already").excludes(resume);
  sub.footer(
      "A line is {\"changes\": [{\"key\": \"a\", \"op\": \"put\", \"value\": 1}, {\"key\": \"b\", \"op\": "
      "\"delete\"}],\n"
      "\"time\"?, \"note\"?}: one transaction; the note, else the time, becomes its note. All lines are read "
      "before "
      "the first is\n"
      "written: half a line is refused with its number, and nothing is changed. --resume needs a namespace "
      "that "
      "holds lines of\n"
      "this log only, and compares the last of them.\n\n"
      "Examples:\n"
      "  prismbus import-log tiers.jsonl risk.tiers --dry-run\n"
      "  prismbus import-log tiers.jsonl risk.tiers\n"
      "  prismbus import-log tiers.jsonl risk.tiers --resume\n"
      "  zcat tiers.jsonl.gz | prismbus import-log - risk.tiers.old\n");
  sub.action([o](Invocation& in) { return import_log(*o, in); });
}

}  // namespace prismbus::command
