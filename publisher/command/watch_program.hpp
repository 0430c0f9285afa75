// `watch --exec CMD`: runs CMD by /bin/sh once for every changed key, one after another, in the order of the
// changes. It gets the change as one line of JSON on its standard input, and in its environment:
//   PRISMBUS_NS PRISMBUS_KEY PRISMBUS_OP (put, delete) PRISMBUS_REV PRISMBUS_SEQ
//   PRISMBUS_VALUE (compact JSON; left out over 64 KiB) PRISMBUS_VERSION (put) PRISMBUS_TIME PRISMBUS_BY
//   PRISMBUS_NOTE; and PRISMBUS_MASKED=1 when the value is only a mask
// The command's one thread; while a program runs, changes gather in the feed.
#pragma once

#include <string>

#include "publisher/command/failure.hpp"
#include "publisher/command/shown_value.hpp"
#include "publisher/command/terminal/stop_signals.hpp"
#include "publisher/command/terminal/terminal.hpp"
#include "publisher/command/watch_feed.hpp"

namespace prismbus::command {

enum class OnFailure : bool { warn, stop };

class WatchProgram {
 public:
  WatchProgram(std::string shell_command, OnFailure on_failure, const StopSignals& signals)
      : shell_command_(std::move(shell_command)), on_failure_(on_failure), signals_(&signals) {}

  // Exit::program when CMD failed and that is to stop; else a failure is a line on the error stream. INT or
  // TERM meanwhile: CMD gets TERM, the changes left are not told, and stopped() says so.
  [[nodiscard]] Outcome<void> run(const WatchedSet& set, Shown shown, Epoch epoch, Terminal& terminal);
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  [[nodiscard]] Outcome<void> run_for(const WatchedSet& set, const WatchedChange& change, Shown shown,
                                      Epoch epoch, Terminal& terminal);

  std::string shell_command_;
  OnFailure on_failure_;
  const StopSignals* signals_;
  bool stopped_ = false;
};

}  // namespace prismbus::command
