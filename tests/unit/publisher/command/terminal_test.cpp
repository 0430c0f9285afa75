#include "publisher/command/terminal/terminal.hpp"

#include <catch2/catch.hpp>

#include <sstream>

using namespace prismbus;
using namespace prismbus::command;

TEST_CASE("a table aligns its columns, wide characters counted as two") {
  std::istringstream in;
  std::ostringstream out, err;
  const Terminal terminal{in, out, err};
  Table table({"KEY", "REV", "VALUE"});
  table.align_right(1);
  table.row({"a", "7", "1"});
  table.row({"配置", "12", "\"x\""});
  table.print(terminal);
  CHECK(out.str() == "KEY   REV  VALUE\na       7  1\n配置   12  \"x\"\n");
}

TEST_CASE("lines are cut to the terminal and never when there is none") {
  CHECK(shortened("abcdef", 4) == "abc…");
  CHECK(shortened("abcd", 4) == "abcd");
  CHECK(shortened("配置配置", 4) == "配…");
  CHECK(shortened("abcdef", 0) == "abcdef");
}

TEST_CASE("colour appears only where it may") {
  std::istringstream in;
  std::ostringstream out, err;
  Terminal terminal{in, out, err};
  CHECK(terminal.painted("x", Colour::added) == "x");
  terminal.colour = true;
  CHECK(terminal.painted("x", Colour::added) == "\x1b[32mx\x1b[0m");
}

TEST_CASE("what would steer a terminal is escaped") {
  CHECK(printable("a\x1b[31m\xc2\x9b\n") == "a\\u001b[31m\\u009b\\u000a");
  CHECK(printable("配置 é") == "配置 é");
}

TEST_CASE("on a narrow terminal columns shrink and go as they were told to, and nothing does without one") {
  std::istringstream in;
  std::ostringstream out, err;
  Terminal terminal{in, out, err};
  Table table({"NAME", "REV", "SEEN", "WHY"});
  table.align_right(1);
  table.may_shrink(0, 5);
  table.may_shrink(3, 6);
  table.may_go(2);
  table.row({"collector", "7", "yesterday", "too large by far"});
  const auto printed = [&](std::size_t width) {
    out.str("");
    terminal.width = width;
    table.print(terminal);
    return out.str();
  };
  const std::string whole = "NAME       REV  SEEN       WHY\ncollector    7  yesterday  too large by far\n";
  CHECK(printed(0) == whole);
  CHECK(printed(43) == whole);
  CHECK(printed(36) == "NAME       REV  SEEN       WHY\ncollector    7  yesterday  too larg…\n");
  CHECK(printed(28) == "NAME       REV  WHY\ncollector    7  too large b…\n");
  CHECK(printed(18) == "NAME   REV  WHY\ncoll…    7  too l…\n");
  CHECK(printed(12) == "NAME   REV …\ncoll…    7 …\n");
}
