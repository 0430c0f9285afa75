# The C++ of the README and of the pages beside it, as a reader would paste it: every block compiles, with warnings as
# errors, in a function that has what the text around it speaks of. Examples that run are in the examples' folders.
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import ROOT, scratch_dir

PAGES = ("README.md", "publisher/README.md", "subscriber/README.md")
PRELUDE = """
#include <broker/testing/broker.hpp>
#include <publisher/publisher.hpp>
#include <subscriber/replay.hpp>
#include <subscriber/subscriber.hpp>
#include <proto/client/value_of.hpp>
#include <cstdio>

void reprice(std::string_view ns, std::string_view key, const std::optional<prismbus::ValueView>& value);
"""
FUNCTION = """
void block_{number}([[maybe_unused]] prismbus::Publisher* publisher, [[maybe_unused]] prismbus::Subscriber* subscriber,
    [[maybe_unused]] prismbus::SubscriberOptions options, [[maybe_unused]] prismbus::Wall an_hour_ago,
    [[maybe_unused]] prismbus::Result<prismbus::WriteOutcome> outcome) {{
  {{
#line {line} "{page}"
{code}
  }}
}}
"""


def blocks(page):
    """(line, code) of each block of C++."""
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        text = file.read()
    return [(text[:found.start(1)].count("\n") + 1, found.group(1))
            for found in re.finditer(r"^```cpp\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


class ReadmeCode(unittest.TestCase):
    def test_every_block_compiles_without_a_warning(self):
        found = [(page, *block) for page in PAGES for block in blocks(page)]
        self.assertGreater(len(found), 15)
        path = os.path.join(scratch_dir(), "readme.cpp")
        with open(path, "w", encoding="utf-8") as file:
            file.write(PRELUDE)
            for number, (page, line, code) in enumerate(found):
                file.write(FUNCTION.format(number=number, page=page, line=line, code=code))
        done = subprocess.run(["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable",
                               "-Wno-unused-but-set-variable", "-DMSGPACK_NO_BOOST_PLACEHOLDER", f"-I{ROOT}", path],
                              capture_output=True, text=True, timeout=280, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
