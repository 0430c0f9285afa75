// Help at 80 columns: prose that was broken for its length is filled up again, rows hang below their text,
// and what is to be copied stays as it is.
#include "proto/base/help_text.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

TEST_CASE("prose that was broken for its length is one paragraph again, and short lines are lines") {
  const std::string long_line(91, 'a');
  CHECK(fold_help("one two three four\n", 9) == "one two\nthree\nfour\n");
  CHECK(fold_help("one\ntwo\n", 9) == "one\ntwo\n");
  CHECK(fold_help(long_line + "\nand more\n\nother\n", 97) == long_line + " and\nmore\n\nother\n");
}

TEST_CASE("a row goes on below its text, and a row without a gap below its beginning") {
  CHECK(fold_help("  --note TEXT   up to one KiB of text, kept\n", 36) ==
        "  --note TEXT   up to one KiB of\n"
        "                text, kept\n");
  CHECK(fold_help("    a row that is long\n", 14) == "    a row that\n    is long\n");
  CHECK(fold_help("  --a-name-without-any-space   x y\n", 12) ==
        "  --a-name-without-any-space\n"
        "  x y\n");
}

TEST_CASE("examples are copied, so they stay as they are; what comes behind an empty line is folded again") {
  CHECK(fold_help("Examples:\n  a command that is long\n\na b c d e f g\n", 9) ==
        "Examples:\n  a command that is long\n\na b c d e\nf g\n");
}

TEST_CASE("what no space allows to break stays, and nothing but spaces changes") {
  const std::string text =
      "averyveryverylongword and\n  x  yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n\n   tail   \nend";
  std::string before, after;
  for (const char c : text)
    if (c != ' ' && c != '\n') before += c;
  for (const char c : fold_help(text, 8))
    if (c != ' ' && c != '\n') after += c;
  CHECK(after == before);
  CHECK(fold_help("averyveryverylongword and\n", 8) == "averyveryverylongword\nand\n");
}
