#include "publisher/command/watch_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/json/json_value.hpp"
#include "proto/wire/names.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

Value change_value(const WatchedChange& c, Shown shown) {
  Fields f;
  f.field("op", c.kind == WatchedChange::Kind::deleted ? "delete" : "put").field("key", c.key);
  if (c.kind != WatchedChange::Kind::deleted) f.value(c.after, shown).field("version", c.version);
  return f.take();
}

Value found_value(const std::string& ns, const WatchedChange& c, Shown shown) {
  Fields f;
  f.field("ns", ns).field("key", c.key).value(c.after, shown).field("rev", c.rev.value());
  return f.field("version", c.version).field("time", to_micros(c.time)).take();
}

std::pair<char, Colour> sign_of(WatchedChange::Kind kind, bool initial) {
  if (initial) return {'.', Colour::none};
  if (kind == WatchedChange::Kind::added) return {'+', Colour::added};
  if (kind == WatchedChange::Kind::changed) return {'~', Colour::changed};
  return {'-', Colour::removed};
}

// "  BEFORE -> AFTER", or the one of them that there is; cut so that the line fits a terminal of `width`
// columns (0: it is none) of which `taken` are used. Both values keep a part of it, so that both are seen.
std::string values_of(const WatchedChange& c, Shown shown, std::size_t taken, std::size_t width) {
  constexpr std::size_t kLeast = 12;  // columns of a value, whatever the terminal
  constexpr std::string_view kGap = "  ", kArrow = " -> ";
  std::string before = c.before.empty() ? "" : shown_text(c.before, shown);
  std::string after = c.kind == WatchedChange::Kind::deleted ? "" : shown_text(c.after, shown);
  const bool both = !before.empty() && !after.empty();
  if (before.empty() && after.empty()) return "";
  taken += kGap.size() + (both ? kArrow.size() : 0);
  std::size_t room = width == 0 ? 0 : std::max(width > taken ? width - taken : 0, (both ? 2 : 1) * kLeast);
  if (room > 0 && both && display_width(before) + display_width(after) > room) {
    const std::size_t half =
        std::min(display_width(before), std::max(room / 2, room - std::min(room, display_width(after))));
    before = shortened(before, half);
    room -= half;
  }
  if (both) return fmt::format("{}{}{}{}", kGap, before, kArrow, shortened(after, room));
  return std::string(kGap) + shortened(before + after, room);
}

}  // namespace

WatchLines::Part WatchLines::select(WatchedSet& set) {
  if (look_.glob)
    std::erase_if(set.changes, [this](const auto& c) { return !glob_matches(*look_.glob, c.key); });
  // What a snapshot brings first has no author; a namespace that is created while we watch begins with a
  // change set.
  const bool initial = seen_.insert(set.ns).second && set.by.empty();
  if (initial && look_.changes_only) return Part::nothing;
  if (set.by.empty()) {  // a snapshot's changes come in no order
    std::sort(set.changes.begin(), set.changes.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
  }
  if (set.changes.empty() && !(set.resync && !initial)) return Part::nothing;
  return initial ? Part::found : Part::change;
}

bool WatchLines::print(const WatchedSet& received, Epoch epoch) {
  WatchedSet set = received;
  const Part part = select(set);
  if (part == Part::nothing) return false;
  const bool initial = part == Part::found;
  const Shown shown = set.changes.empty() ? Shown::masked : secrets_->shown(set.ns);
  look_.json ? print_json_set(set, epoch, initial, shown) : print_text_set(set, initial, shown);
  return !initial;
}

void WatchLines::print_json_set(const WatchedSet& set, Epoch epoch, bool initial, Shown shown) const {
  Fields f;
  f.field("type", initial ? "snapshot" : "change").field("ns", set.ns).hex("epoch", epoch.value());
  f.field("rev", set.rev.value()).field("seq", set.seq.value());
  Value::Array items;
  for (const WatchedChange& c : set.changes)
    items.push_back(initial ? found_value(set.ns, c, shown) : change_value(c, shown));
  if (initial) {
    f.field("entries", Value::array(std::move(items)));
  } else {
    if (!set.by.empty()) f.field("time", to_micros(set.time)).field("by", set.by);
    if (set.note) f.field("note", *set.note);
    if (set.resync) f.field("resync", true).field("why", set.why);
    f.field("changes", Value::array(std::move(items)));
  }
  print_json(*terminal_, f.take());
}

void WatchLines::print_text_set(const WatchedSet& set, bool initial, Shown shown) const {
  if (set.resync && !initial) {
    terminal_->out << terminal_->painted(
        fmt::format("= {}  resynced at seq {}: {}\n", set.ns, set.seq.value(), printable(set.why)),
        Colour::bold);
  }
  const std::string ns = look_.with_namespace ? set.ns + "  " : "";
  for (const WatchedChange& c : set.changes) {
    const auto [sign, colour] = sign_of(c.kind, initial);
    std::string about;
    if (!initial && !set.by.empty()) {
      about = fmt::format("   rev {} by {}", set.rev.value(), printable(set.by));
      if (set.note) about += ": " + printable(*set.note);
    }
    const std::string head = fmt::format("{} {}{}", sign, ns, printable(c.key));
    const std::string line =
        head + values_of(c, shown, display_width(head) + display_width(about), terminal_->width);
    terminal_->out << terminal_->painted(line, colour) << terminal_->painted(about, Colour::dim) << '\n';
  }
}

void WatchLines::print(const WatchedState& state) {
  const bool was_stale = !stale_.empty();
  if (state.state == NamespaceState::stale) {
    stale_.insert(state.ns);
  } else if (state.state == NamespaceState::live) {
    stale_.erase(state.ns);
  }
  if (stale_.empty() == !was_stale) return;  // told already
  const bool stale = !stale_.empty();
  if (look_.json) {
    Fields f;
    f.field("type", "state").field("state", stale ? "stale" : "live");
    if (!state.why.empty()) f.field("why", state.why);
    print_json(*terminal_, f.take());
  } else if (stale) {
    notice(fmt::format("{}; changes come when it is back",
                       state.why.empty() ? "the broker is away" : state.why));
  } else {
    notice("live again");
  }
}

void WatchLines::print_dropped(std::uint64_t sets) {
  if (look_.json) print_json(*terminal_, Fields().field("type", "gap").field("sets", sets).take());
  notice(fmt::format("{} change sets came faster than they could be printed and are not shown", sets));
}

void WatchLines::print_subscribed(const SubscriberStatus& status) {
  if (look_.json) {
    Fields heads;
    for (const NamespaceStatus& n : status.namespaces) {
      Fields head;
      head.field("seq", n.seq.value()).field("rev", n.rev.value()).hex("hash", n.hash);
      heads.field(n.ns, head.take());
    }
    Fields f;
    f.field("type", "subscribed").hex("epoch", status.epoch.value()).field("heads", heads.take());
    print_json(*terminal_, f.take());
    return;
  }
  std::size_t keys = 0;
  for (const NamespaceStatus& n : status.namespaces) keys += n.keys;
  notice(status.namespaces.size() == 1
             ? fmt::format("{} has {} key{} at seq {}; watching", status.namespaces[0].ns, keys,
                           keys == 1 ? "" : "s", status.namespaces[0].seq.value())
             : fmt::format("{} namespaces with {} key{}; watching", status.namespaces.size(), keys,
                           keys == 1 ? "" : "s"));
}

void WatchLines::notice(const std::string& text) const {
  terminal_->out.flush();
  terminal_->err << "prismbus: watch: " << printable(text) << '\n';
}

}  // namespace prismbus::command
