# Every header compiles alone, with the flags the project is compiled with: whoever includes it needs nothing before it.
# A header that is the first include of a compiled source was shown to by the build itself; the others are compiled here,
# -fsyntax-only, two at a time. Flags and sources: compile_commands.json of the build (PRISMBUS_BUILD).
import json
import os
import re
import shlex
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ["PRISMBUS_BUILD"]
FOLDERS = ("proto", "broker", "publisher", "subscriber", "tests", "perf")
AT_ONCE = 2
FIRST_INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


def headers():
    return sorted(os.path.relpath(os.path.join(folder, name), ROOT) for top in FOLDERS
                  for folder, _, names in os.walk(os.path.join(ROOT, top)) for name in names if name.endswith(".hpp"))


def commands():
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        return json.load(file)


def shown_by_the_build():
    """Headers that some compiled source includes before anything else."""
    found = set()
    for entry in commands():
        with open(entry["file"], encoding="utf-8") as source:
            first = FIRST_INCLUDE.search(source.read())
        if first:
            found.add(first[1])
    return found


def flags_by_folder():
    """{folder: compiler and flags} of any one source of each folder; includes and definitions differ by room."""
    found = {}
    for entry in commands():
        words = shlex.split(entry["command"])
        if os.path.basename(words[0]) == "ccache":
            words = words[1:]
        kept, skip = [], False
        for word in words:
            if skip or word in ("-c", "-o"):
                skip = word == "-o" and not skip
                continue
            if not word.endswith((".cpp", ".c", ".o")):
                kept.append(word)
        if entry["file"].endswith(".cpp"):
            found.setdefault(os.path.dirname(os.path.relpath(entry["file"], ROOT)), kept)
    return found


class Headers(unittest.TestCase):
    def test_every_header_is_self_contained(self):
        flags = flags_by_folder()

        def compile_alone(header):
            folder = os.path.dirname(header)
            while folder and folder not in flags:
                folder = os.path.dirname(folder)
            words = flags.get(folder) or next(iter(flags.values()))
            done = subprocess.run([*words, "-fsyntax-only", "-x", "c++", "-include", header, os.devnull], cwd=ROOT,
                                  capture_output=True, text=True, check=False)
            return None if done.returncode == 0 else f"{header}: {done.stderr.strip()[:600]}"

        shown = shown_by_the_build()
        names = [name for name in headers() if name not in shown]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            failures = [text for text in pool.map(compile_alone, names) if text]
        print(f"{len(names)} headers compiled alone, {len(shown)} shown by the build")
        self.assertEqual(failures, [], "\n".join(failures))


if __name__ == "__main__":
    unittest.main(verbosity=2)
