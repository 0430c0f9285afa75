# The rules of how code reads here, as a test: who may include whom, no cycles, short files, banned names, an opening
# comment, no sleeps in tests, nothing at the top level that is not on the list, no paths of one machine.
# Reads the files that git tracks (all files when there is no git); builds nothing.
import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES_MAX = 400
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md", "LICENSE", "proto", "broker",
             "publisher", "subscriber", "tests", "perf"}
BANNED_NAMES = re.compile(r"(^|[_/.])(utils?|helpers?|managers?|common|misc)([_/.]|$)")
SLEEPS = re.compile(r"sleep_for|sleep_until|usleep\(|nanosleep\(|time\.sleep\(|\bsleep\([0-9]")
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:work|farm|home|root)/[a-z.]")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
TYPE = re.compile(r"(?:struct|class|enum class) (\w+)(?: final)?(?: : [^;]*)? \{")

# room -> rooms it may use besides itself. The longest matching room of a path is its room.
MAY_USE = {
    "proto/base": set(),
    "proto/wire": {"proto/base"},
    "proto/seal": {"proto/base"},
    "proto/token": {"proto/wire", "proto/base"},
    "proto/audit": {"proto/token", "proto/wire", "proto/base"},
    "proto/transport": {"proto/wire", "proto/base"},
    "proto/client": {"proto/transport", "proto/wire", "proto/base"},
    "proto/toml": set(),
    "proto/json": {"proto/wire", "proto/base"},
    "broker/store": {"proto/seal", "proto/wire", "proto/base"},
    "broker/core": {"broker/store", "proto/audit", "proto/seal", "proto/token", "proto/wire", "proto/base"},
    "broker/security": {"broker/core", "broker/store", "proto/audit", "proto/seal", "proto/token", "proto/transport",
                        "proto/wire", "proto/base"},
    "broker/sequencer": {"broker/core", "broker/store", "proto/wire", "proto/base"},
    "broker/net": {"broker/core", "broker/store", "proto/transport", "proto/wire", "proto/base"},
    "broker/gateway": {"broker/gateway/http", "broker/gateway/live", "broker/core", "proto/json", "proto/wire",
                       "proto/base"},
    "broker/gateway/http": {"broker/core", "proto/json", "proto/wire", "proto/base"},
    "broker/gateway/live": {"broker/gateway/http", "broker/core", "broker/store", "proto/json", "proto/wire",
                            "proto/base"},
    "broker/daemon": {"broker/core", "broker/gateway", "broker/net", "broker/security", "broker/sequencer", "broker/store", "proto/toml",
                      "proto/token", "proto/transport", "proto/wire", "proto/base"},
    "broker/testing": {"broker/daemon", "proto/wire", "proto/base"},
    "publisher": {"publisher/outbox", "proto/client", "proto/transport", "proto/wire", "proto/base"},
    "publisher/outbox": {"proto/client", "proto/transport", "proto/wire", "proto/base"},
    "subscriber": {"subscriber/cache", "subscriber/delivery", "subscriber/stream", "subscriber/sync", "subscriber/view",
                   "proto/client", "proto/transport", "proto/wire", "proto/base"},
    "subscriber/cache": {"subscriber/sync", "subscriber/view", "proto/seal", "proto/wire", "proto/base"},
    "subscriber/delivery": {"subscriber/sync", "subscriber/view", "proto/wire", "proto/base"},
    "subscriber/stream": {"subscriber/sync", "proto/seal", "proto/transport", "proto/wire", "proto/base"},
    "subscriber/sync": {"subscriber/view", "proto/transport", "proto/wire", "proto/base"},
    "subscriber/view": {"proto/wire", "proto/base"},
    "publisher/command": {"publisher", "publisher/command/documents", "publisher/command/terminal", "publisher/outbox",
                          "subscriber", "subscriber/cache", "subscriber/sync", "subscriber/view", "proto/audit",
                          "proto/client", "proto/json", "proto/token", "proto/toml", "proto/transport", "proto/wire",
                          "proto/base"},
    "publisher/command/documents": {"proto/json", "proto/toml", "proto/wire", "proto/base"},
    "publisher/command/terminal": {"proto/json", "proto/wire", "proto/base"},
}
# Third-party headers that only some rooms, or files, may name.
ONLY_IN = {
    "zmq.h": {"proto/transport", "broker/net"},
    "lmdb.h": {"proto/base", "broker/store"},
    "msgpack": {"proto/wire"},
    "sodium": {"proto/seal", "subscriber/cache"},
    "openssl": {"broker/gateway", "broker/security", "broker/store", "proto/token"},
    "CLI": {"broker/daemon", "publisher/command/command_line.cpp"},
    "toml++": {"proto/toml"},
    "yaml-cpp": {"publisher/command/documents"},
    "boost": {"broker/gateway"},
    "zlib.h": {"broker/gateway/http"},
    "prometheus": {"broker/gateway/http"},
    "nlohmann": {"broker/daemon", "proto/json"},
}


def tracked_files():
    done = subprocess.run(["git", "-c", "safe.directory=*", "ls-files"], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    if done.returncode == 0:
        return sorted(name for name in done.stdout.splitlines() if os.path.exists(os.path.join(ROOT, name)))
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in ("build", ".git", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(found)


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def room_of(path):
    rooms = [room for room in MAY_USE if path.startswith(room + "/")]
    return max(rooms, key=len, default=None)


FILES = tracked_files()
CPP = [name for name in FILES if name.endswith((".cpp", ".hpp", ".h", ".c"))]
CODE = CPP + [name for name in FILES if name.endswith((".py", ".sh", ".cmake", ".mjs", ".js"))]


class Rooms(unittest.TestCase):
    maxDiff = None

    def own_includes(self, name):
        return [path for mark, path in INCLUDE.findall(read(name)) if mark == '"']

    def test_no_two_types_have_one_name(self):
        """A program that is linked of both rooms would take the one's code for the other's objects."""
        found = {}
        for name in CPP:
            if not name.endswith(".hpp") or not name.startswith(("broker/", "proto/", "publisher/", "subscriber/")):
                continue
            spaces, before = [], ""
            for line in read(name).splitlines():
                if opened := re.match(r"namespace ([\w:]+) \{", line):
                    spaces.append(opened[1])
                elif line.startswith("}  // namespace"):
                    spaces.pop()
                elif (defined := TYPE.match(line)) and not before.startswith("template"):  # those have their arguments
                    found.setdefault("::".join([*spaces, defined[1]]), []).append(name)
                before = line
        self.assertEqual({name: files for name, files in found.items() if len(files) > 1}, {})

    def test_rooms_include_only_the_rooms_they_may(self):
        wrong = []
        for name in CPP:
            room = room_of(name)
            if room is None:
                continue
            for path in self.own_includes(name):
                other = room_of(path)
                if other is not None and other != room and other not in MAY_USE[room]:
                    wrong.append(f"{name} includes {path}")
                if path.startswith(("tests/", "perf/")):
                    wrong.append(f"{name} includes {path}")
        self.assertEqual(wrong, [])

    def test_rooms_form_no_circle(self):
        finished, path = set(), []

        def visit(room):
            self.assertNotIn(room, path, " -> ".join([*path, room]))
            if room in finished:
                return
            path.append(room)
            for other in sorted(MAY_USE[room]):
                visit(other)
            path.pop()
            finished.add(room)
        for room in MAY_USE:
            visit(room)

    def test_includes_are_written_from_the_repository_root(self):
        wrong = [f"{name} includes {path}" for name in CPP for path in self.own_includes(name)
                 if not os.path.exists(os.path.join(ROOT, path))]
        self.assertEqual(wrong, [])

    def test_every_source_folder_is_a_room_of_the_table(self):
        lost = sorted(name for name in CPP if room_of(name) is None
                      and not name.startswith(("tests/", "perf/")) and "/example" not in name)
        self.assertEqual(lost, [])

    def test_no_file_includes_itself_over_others(self):
        graph = {name: [path for path in self.own_includes(name) if path in CPP] for name in CPP}
        finished, path = set(), []

        def visit(name):
            if name in path:
                self.fail("a cycle: " + " -> ".join(path[path.index(name):] + [name]))
            if name in finished:
                return
            path.append(name)
            for other in graph[name]:
                visit(other)
            path.pop()
            finished.add(name)

        for name in graph:
            visit(name)

    def test_third_party_libraries_stay_in_the_rooms_that_own_them(self):
        wrong = []
        for name in CPP:
            room = room_of(name)
            for mark, path in INCLUDE.findall(read(name)):
                owners = ONLY_IN.get(path) or ONLY_IN.get(re.split(r"[/.]", path)[0])
                if mark == "<" and room is not None and owners is not None and not owners & {room, name}:
                    wrong.append(f"{name} includes <{path}>")
        self.assertEqual(wrong, [])


class Files(unittest.TestCase):
    maxDiff = None

    def test_no_file_is_longer_than_400_lines(self):
        long = [f"{name}: {read(name).count(chr(10))}" for name in CODE if read(name).count("\n") > LINES_MAX]
        self.assertEqual(long, [])

    def test_no_file_is_named_for_what_it_is_not(self):
        self.assertEqual([name for name in CODE if BANNED_NAMES.search(name)], [])

    def test_files_and_folders_are_snake_case(self):
        wrong = [name for name in CPP if not re.fullmatch(r"[a-z0-9_/]+\.[a-z]+", name)]
        self.assertEqual(wrong, [])

    def test_every_file_opens_with_a_comment(self):
        """A .cpp whose .hpp stands beside it is spoken for by that, a unit test by its name and its cases."""
        wrong = []
        for name in CODE:
            if name.removesuffix("cpp") + "hpp" in FILES or re.fullmatch(r"tests/unit/.*_test\.cpp", name):
                continue
            start = read(name).removeprefix("#!/usr/bin/env bash\n").removeprefix("#!/usr/bin/python3\n").lstrip()
            if not start.startswith(("//", "#")) or start.startswith(("#include", "#pragma", "#define")):
                wrong.append(name)
        self.assertEqual(wrong, [])

    def test_headers_are_guarded_by_pragma_once(self):
        self.assertEqual([name for name in CPP if name.endswith(".hpp") and "#pragma once" not in read(name)], [])

    def test_nothing_stands_at_the_top_level_that_is_not_on_the_list(self):
        top = {name.split("/")[0] for name in FILES}
        self.assertEqual(sorted(name for name in top - TOP_LEVEL if not name.startswith(".")), [])

    def test_no_file_names_a_path_of_one_machine(self):
        here = os.path.relpath(os.path.abspath(__file__), ROOT)
        text = [name for name in FILES if name != here and not name.endswith((".bin", ".gz", ".mdb"))]
        wrong = [f"{name}: {line.strip()[:100]}" for name in text for line in read(name).splitlines()
                 if MACHINE_PATHS.search(line)]
        self.assertEqual(wrong, [])

    def test_no_test_sleeps(self):
        here = os.path.relpath(os.path.abspath(__file__), ROOT)
        wrong = [f"{name}: {line.strip()}" for name in CODE if name.startswith("tests/") and name != here
                 for line in read(name).splitlines() if SLEEPS.search(line)]
        self.assertEqual(wrong, [])

    def test_code_promises_nothing_instead_of_doing_it(self):
        promise = re.compile(r"\b(TODO|FIXME|XXX)\b")
        here = os.path.relpath(os.path.abspath(__file__), ROOT)
        wrong = [f"{name}: {line.strip()[:100]}" for name in CODE if name != here for line in read(name).splitlines()
                 if promise.search(line)]
        self.assertEqual(wrong, [])


class Scripts(unittest.TestCase):
    def test_the_scripts_the_readme_stands_on_can_be_run(self):
        for name in ("broker/run.sh", "tests/run.sh", ".ci/run"):
            self.assertTrue(os.access(os.path.join(ROOT, name), os.X_OK), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
