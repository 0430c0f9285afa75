#include "publisher/command/difference_lines.hpp"

#include <fmt/format.h>

#include <utility>

#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

void print_changed(const std::string& key, const Difference& d, Shown shown, Terminal& terminal) {
  const std::string before = shown_text(*d.before, shown), after = shown_text(*d.after, shown);
  const std::string line = fmt::format("~ {}  {} -> {}", key, before, after);
  if (terminal.width == 0 || display_width(line) <= terminal.width) {
    terminal.out << terminal.painted(line, Colour::changed) << '\n';
    return;
  }
  terminal.out << terminal.painted("~ " + key, Colour::changed) << '\n'
               << terminal.painted(shortened("  - " + before, terminal.width), Colour::removed) << '\n'
               << terminal.painted(shortened("  + " + after, terminal.width), Colour::added) << '\n';
}

}  // namespace

void print_differences(const std::vector<Difference>& differences, Shown shown, Terminal& terminal) {
  for (const Difference& d : differences) {
    const std::string key = printable(d.key);
    if (d.kind == DifferenceKind::changed) {
      print_changed(key, d, shown, terminal);
      continue;
    }
    const bool added = d.kind == DifferenceKind::added;
    const std::string line =
        fmt::format("{} {}  {}", added ? '+' : '-', key, shown_text(added ? *d.after : *d.before, shown));
    terminal.out << terminal.painted(shortened(line, terminal.width), added ? Colour::added : Colour::removed)
                 << '\n';
  }
}

Outcome<DiffAnswer> read_diff(Session& session, const std::string& ns, Revision from, Revision to) {
  DiffAnswer out;
  DiffCall call;
  call.ns = ns;
  call.from = from;
  call.to = to;
  for (;;) {
    session.start_over();
    call.read = session.read();
    if (call.after) call.read.epoch = out.epoch;
    auto page = session.wait(session.publisher().diff(call), "diff " + ns);
    if (!page) return tl::unexpected<Failure>(page.error());
    if (!call.after) out.epoch = page->epoch, out.rev = page->rev;
    for (KeyDifference& d : page->value.changes) out.changes.push_back(std::move(d));
    call.after = page->value.after;
    if (!page->value.more || !call.after) return out;
  }
}

Difference to_difference(const KeyDifference& d) {
  Difference out;
  out.kind = !d.before ? DifferenceKind::added : !d.after ? DifferenceKind::removed : DifferenceKind::changed;
  out.key = d.key;
  if (d.before) out.before = stored_value(d.before->value);
  if (d.after) out.after = stored_value(d.after->value);
  if (d.after) out.rev = d.after->rev;
  return out;
}

}  // namespace prismbus::command
