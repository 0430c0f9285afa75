#include "publisher/command/watch_program.hpp"

#include <fmt/format.h>

#include "proto/json/json_value.hpp"
#include "publisher/command/child_process.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

constexpr std::size_t kVariableBytes = 64u << 10;  // half of what Linux lets one variable hold

ChildSpec spec_of(const std::string& shell_command, const WatchedSet& set, const WatchedChange& c,
                  Shown shown, Epoch epoch) {
  const bool put = c.kind != WatchedChange::Kind::deleted;
  Fields f;
  f.field("ns", set.ns)
      .hex("epoch", epoch.value())
      .field("rev", set.rev.value())
      .field("seq", set.seq.value());
  if (!set.by.empty()) f.field("time", to_micros(set.time)).field("by", set.by);
  if (set.note) f.field("note", *set.note);
  if (set.resync) f.field("resync", true);
  f.field("op", put ? "put" : "delete").field("key", c.key);
  if (put) f.field("value", shown_value(c.after, shown)).field("version", c.version);
  if (!c.before.empty()) f.field("before", shown_value(c.before, shown));
  if (shown == Shown::masked) f.field("masked", true);
  ChildSpec spec;
  spec.shell_command = shell_command;
  spec.input = to_json(f.take()) + "\n";
  const auto variable = [&spec](const char* name, std::string text) {
    // A variable cannot hold a zero byte; the standard input has the text in full.
    if (text.size() <= kVariableBytes && text.find('\0') == std::string::npos)
      spec.environment.emplace_back(name, std::move(text));
  };
  variable("PRISMBUS_NS", set.ns);
  variable("PRISMBUS_KEY", c.key);
  variable("PRISMBUS_OP", put ? "put" : "delete");
  variable("PRISMBUS_REV", fmt::format("{}", set.rev.value()));
  variable("PRISMBUS_SEQ", fmt::format("{}", set.seq.value()));
  if (put) variable("PRISMBUS_VALUE", shown_text(c.after, shown));
  if (shown == Shown::masked) variable("PRISMBUS_MASKED", "1");
  if (put) variable("PRISMBUS_VERSION", fmt::format("{}", c.version));
  if (!set.by.empty()) variable("PRISMBUS_TIME", time_text(set.time));
  if (!set.by.empty()) variable("PRISMBUS_BY", set.by);
  if (set.note) variable("PRISMBUS_NOTE", *set.note);
  return spec;
}

}  // namespace

Outcome<void> WatchProgram::run(const WatchedSet& set, Shown shown, Epoch epoch, Terminal& terminal) {
  terminal.out.flush();  // what was printed before comes before what the program prints
  for (const WatchedChange& change : set.changes) {
    if (stopped_) return {};
    if (auto done = run_for(set, change, shown, epoch, terminal); !done) return done;
  }
  return {};
}

Outcome<void> WatchProgram::run_for(const WatchedSet& set, const WatchedChange& change, Shown shown,
                                    Epoch epoch, Terminal& terminal) {
  auto child = Child::start(spec_of(shell_command_, set, change, shown, epoch));
  if (!child) return tl::unexpected<Failure>(child.error());
  if (child->fd() >= 0 && signals_->wait(child->fd(), -1)) {
    stopped_ = true;
    child->terminate();
  }
  const int code = child->wait();
  if (code == 0 || stopped_) return {};
  const std::string what = fmt::format("the program ended with {} for {} {} at rev {}", code, set.ns,
                                       printable(change.key), set.rev.value());
  if (on_failure_ == OnFailure::warn) {
    terminal.err << "prismbus: watch: " << what << '\n' << std::flush;
    return {};
  }
  Failure f;
  f.exit = Exit::program;
  f.error.code = ErrorCode::internal;
  f.error.message = what;
  return tl::unexpected<Failure>(std::move(f));
}

}  // namespace prismbus::command
