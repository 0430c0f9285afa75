#include "publisher/command/terminal.hpp"

#include <catch2/catch.hpp>

#include <sstream>

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
