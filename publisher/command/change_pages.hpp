// The change sets of a namespace or a subtree from a point in history on, page by page, and what such a point
// is on the command line. Used by watch, changes, replay and import-log. The command's one thread.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "publisher/command/moment.hpp"
#include "publisher/command/session.hpp"

namespace prismbus::command {

// Behind this: everything after a revision or a time, or after a seq of one namespace.
struct Since {
  std::optional<Seq> seq;
  Moment moment;
};

// "seq:12", or a moment, or 0: everything. Exit::usage naming `flag`.
[[nodiscard]] Outcome<Since> parse_since(std::string_view text, std::string_view flag);

inline constexpr std::string_view kSinceHelp =
    "SINCE is a revision, 0 (from the beginning), seq:12 (of one namespace), -2h (w d h m s ms ago), "
    "2026-11-23, or\n2026-11-23T10:00:00+08:00 (UTC without an offset); nothing in the future.\n";

// The revision a moment stands for; now = the one `hello` was answered at, 0 = before the first. Exit::gone
// when it lies before what the broker still knows.
[[nodiscard]] Outcome<Revision> revision_at(Session& session, const std::string& ns, const Moment& moment);

// The same where something must have been there: Exit::usage naming `flag` before the first revision.
[[nodiscard]] Outcome<Revision> revision_reached_at(Session& session, const std::string& ns,
                                                    const Moment& moment, std::string_view flag);

class ChangePages {
 public:
  // `ns` with everything below when `subtree`.
  [[nodiscard]] static Outcome<ChangePages> open(Session& session, std::string ns, bool subtree,
                                                 const Since& since);

  // The next page; nullopt when everything that was applied has been given. Exit::gone (`compacted`) when the
  // broker no longer has what is asked for: never a gap.
  [[nodiscard]] Outcome<std::optional<ChangesReply>> next();
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] Revision rev() const { return rev_; }  // that the last page was answered at

 private:
  ChangePages(Session& session, std::string ns) : session_(&session), ns_(std::move(ns)) {}

  Session* session_;
  std::string ns_;
  bool subtree_ = false;
  ChangesCall call_;
  Epoch epoch_;
  Revision rev_;
  bool begun_ = false, over_ = false;
};

}  // namespace prismbus::command
