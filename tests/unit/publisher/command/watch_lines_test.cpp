#include "publisher/command/watch_lines.hpp"

#include <catch2/catch.hpp>

#include <sstream>

#include "proto/json/value.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {

struct Screen {
  std::istringstream in;
  std::ostringstream out, err;
  Terminal terminal{in, out, err};
  SecretValues secrets{
      [](const std::string&) { return SecretValues::Rows(); }, {"watch", "", false}, terminal};
};

WatchedChange change(WatchedChange::Kind kind, const char* key, int before, int after) {
  WatchedChange c;
  c.kind = kind;
  c.key = key;
  if (kind != WatchedChange::Kind::added) c.before = to_message_pack(Value::integer(before));
  if (kind != WatchedChange::Kind::deleted) c.after = to_message_pack(Value::integer(after));
  c.rev = Revision(9);
  c.version = 2;
  return c;
}

WatchedSet set_of(std::string by, std::vector<WatchedChange> changes) {
  WatchedSet s;
  s.ns = "a.b";
  s.seq = Seq(4);
  s.rev = Revision(9);
  s.by = std::move(by);
  s.changes = std::move(changes);
  return s;
}

using Kind = WatchedChange::Kind;

}  // namespace

TEST_CASE("what is there at the start is told apart from changes") {
  Screen screen;
  WatchLines lines({}, screen.secrets, screen.terminal);
  CHECK_FALSE(lines.print(set_of("", {change(Kind::added, "k", 0, 1)}), Epoch(1)));
  CHECK(lines.print(set_of("alice", {change(Kind::added, "l", 0, 2), change(Kind::changed, "k", 1, 3),
                                     change(Kind::deleted, "m", 4, 0)}),
                    Epoch(1)));
  CHECK(screen.out.str() ==
        ". k  1\n"
        "+ l  2   rev 9 by alice\n"
        "~ k  1 -> 3   rev 9 by alice\n"
        "- m  4   rev 9 by alice\n");
}

TEST_CASE("a namespace that is created while it is watched begins with a change") {
  Screen screen;
  WatchLines lines({false, true, true, {}}, screen.secrets, screen.terminal);
  CHECK(lines.print(set_of("alice", {change(Kind::added, "k", 0, 1)}), Epoch(1)));
  CHECK(screen.out.str() == "+ a.b  k  1   rev 9 by alice\n");
}

TEST_CASE("a resync is said, also when it changed nothing that is shown") {
  Screen screen;
  WatchLines lines({}, screen.secrets, screen.terminal);
  CHECK_FALSE(lines.print(set_of("", {}), Epoch(1)));
  WatchedSet resync = set_of("", {change(Kind::changed, "k", 1, 2)});
  resync.resync = true;
  resync.why = "another history";
  CHECK(lines.print(resync, Epoch(1)));
  CHECK(screen.out.str() == "= a.b  resynced at seq 4: another history\n~ k  1 -> 2\n");
}

TEST_CASE("--changes-only and --glob leave lines out") {
  Screen screen;
  WatchLines lines({false, false, true, "x/*"}, screen.secrets, screen.terminal);
  CHECK_FALSE(lines.print(set_of("", {change(Kind::added, "x/1", 0, 1)}), Epoch(1)));
  CHECK_FALSE(lines.print(set_of("alice", {change(Kind::added, "y", 0, 1)}), Epoch(1)));
  CHECK(lines.print(set_of("alice", {change(Kind::added, "y", 0, 1), change(Kind::added, "x/2", 0, 1)}),
                    Epoch(1)));
  CHECK(screen.out.str() == "+ x/2  1   rev 9 by alice\n");
}

TEST_CASE("--json prints one object a line in the shape of the WebSocket messages") {
  Screen screen;
  WatchLines lines({true, false, false, {}}, screen.secrets, screen.terminal);
  lines.print(set_of("", {change(Kind::added, "k", 0, 1)}), Epoch(0xab));
  lines.print(set_of("alice", {change(Kind::deleted, "k", 1, 0)}), Epoch(0xab));
  CHECK(
      screen.out.str() ==
      R"({"type":"snapshot","ns":"a.b","epoch":"00000000000000ab","rev":9,"seq":4,"entries":[{"ns":"a.b","key":"k","value":1,"rev":9,"version":2,"time":0}]})"
      "\n"
      R"({"type":"change","ns":"a.b","epoch":"00000000000000ab","rev":9,"seq":4,"time":0,"by":"alice","changes":[{"op":"delete","key":"k"}]})"
      "\n");
}

TEST_CASE("going stale and coming back is told once for all namespaces") {
  Screen screen;
  WatchLines lines({}, screen.secrets, screen.terminal);
  lines.print(WatchedState{"a", NamespaceState::live, ""});
  lines.print(WatchedState{"a", NamespaceState::stale, "the broker is silent"});
  lines.print(WatchedState{"b", NamespaceState::stale, "the broker is silent"});
  lines.print(WatchedState{"a", NamespaceState::live, ""});
  lines.print(WatchedState{"b", NamespaceState::live, ""});
  CHECK(screen.err.str() ==
        "prismbus: watch: the broker is silent; changes come when it is back\nprismbus: watch: live again\n");
}

TEST_CASE("on a terminal long values are cut so that both of them and the revision are seen") {
  Screen screen;
  screen.terminal.width = 60;
  WatchLines lines({}, screen.secrets, screen.terminal);
  WatchedChange c = change(Kind::changed, "k", 1, 2);
  c.before = to_message_pack(Value::text(std::string(100, 'a')));
  c.after = to_message_pack(Value::text(std::string(100, 'b')));
  WatchedChange shorter = c;
  shorter.before = to_message_pack(Value::integer(7));
  CHECK(lines.print(set_of("alice", {c, shorter}), Epoch(1)));
  CHECK(screen.out.str() ==
        "~ k  \"aaaaaaaaaaaaaaa… -> \"bbbbbbbbbbbbbbb…   rev 9 by alice\n"
        "~ k  7 -> \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…   rev 9 by alice\n");
  screen.out.str("");
  screen.terminal.width = 0;
  CHECK(lines.print(set_of("alice", {c}), Epoch(1)));
  CHECK(screen.out.str().size() > 200);
}

TEST_CASE("values of a secret namespace are masks, in lines and in JSON") {
  Screen screen;
  const auto rows = [](const std::string& under) {
    NamespaceRow row;
    row.ns = under;
    row.secret = true;
    return SecretValues::Rows({row});
  };
  screen.secrets = SecretValues(rows, {"watch", "a.b", false}, screen.terminal);
  WatchLines lines({}, screen.secrets, screen.terminal);
  CHECK_FALSE(lines.print(set_of("", {change(Kind::added, "k", 0, 1)}), Epoch(1)));
  CHECK(lines.print(set_of("alice", {change(Kind::changed, "k", 1, 3), change(Kind::deleted, "m", 4, 0)}),
                    Epoch(1)));
  CHECK(screen.out.str() ==
        ". k  ********\n"
        "~ k  ******** -> ********   rev 9 by alice\n"
        "- m  ********   rev 9 by alice\n");
  screen.out.str("");
  WatchLines json({true, false, false, {}}, screen.secrets, screen.terminal);
  json.print(set_of("alice", {change(Kind::changed, "k", 1, 3)}), Epoch(0xab));
  CHECK(screen.out.str().find(R"("value":"********","masked":true,"version":2)") != std::string::npos);
}
