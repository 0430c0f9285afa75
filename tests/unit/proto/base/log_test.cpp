#include "proto/base/log.hpp"

#include <catch2/catch.hpp>

namespace prismbus {

TEST_CASE("a log line is key=value words") {
  CHECK(LogLine("started").with("port", 7400).with("dir", "data").text() ==
        "event=started port=7400 dir=data");
}

TEST_CASE("one event is always one line: what could end a line or a word is quoted and escaped") {
  CHECK(LogLine("e").with("k", "two words").text() == "event=e k=\"two words\"");
  CHECK(LogLine("e").with("k", "a\nevent=forged").text() == "event=e k=\"a\\x0aevent=forged\"");
  CHECK(LogLine("e").with("k", "say \"hi\" \\").text() == "event=e k=\"say \\\"hi\\\" \\\\\"");
  CHECK(LogLine("e").with("k", "").text() == "event=e k=\"\"");
  CHECK(LogLine("e").with("k", "a=b").text() == "event=e k=\"a=b\"");
  CHECK(LogLine("e").with("k", "\x1b[31m\x7f").text() == "event=e k=\"\\x1b[31m\\x7f\"");
}

TEST_CASE("bytes above ASCII pass a log line as they are") {
  CHECK(LogLine("e").with("k", "größe").text() == "event=e k=größe");
}

}  // namespace prismbus
