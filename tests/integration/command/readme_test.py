# The tour of the README, run as it stands: every `$` line of "Five minutes" by bash, in order, in a folder that looks
# like the checkout; what is printed must be what the README shows, but for times, sizes, sums and paths. A watch stays
# in the background, as in its reader's second terminal; blocks without a `$` are what it has said meanwhile. What the
# operators' page shows of security is run the same way, but for the lines that need a name only the reader knows.
import os
import re
import subprocess
import threading
import unittest

from command_case import ROOT

from broker_process import BIN, scratch_dir
from waiting import eventually

SECONDS = 60
CHANGING = ((r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"), (r"\b\d+ bytes\b", "N bytes"), (r"\b[0-9a-f]{64}\b", "SUM"),
            (r"\b[0-9a-f]{16}\b", "HEX"), (r"[^\s:]*/backups/", "backups/"), (r"(?<=SERVER_KEY=)\S.*", "KEY"),
            (r"(?<=by key )[\w-]+", "KID"), (r"\b\d+s ago", "now"), (r"\bin (30|29)d.*", "in 30d"), (r"[ ]{2,}", "  "))


def alike(text):
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    return [line.rstrip() for line in text.splitlines()]


def blocks(page, heading):
    """[[(command or None, lines that follow it)]] of the section."""
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        section = file.read().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        if language:
            continue
        steps = [(None, [])]
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            else:
                steps[-1][1].append(line)
        found.append([step for step in steps if step[0] is not None or step[1]])
    return found


class Background:
    def __init__(self, line, environment, folder):
        self.process = subprocess.Popen(["bash", "-c", "exec " + line], cwd=folder, env=environment, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class InAFolder(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = scratch_dir("prismbus-tour-")
        os.makedirs(os.path.join(self.folder, "build", "release"))
        os.symlink(BIN, os.path.join(self.folder, "build", "release", "bin"))
        os.symlink(os.path.join(ROOT, "broker"), os.path.join(self.folder, "broker"))
        requests, changes, express = (f"ipc://{self.folder}/{name}" for name in ("requests", "changes", "express"))
        self.environment = {**os.environ, "PATH": BIN + os.pathsep + os.environ["PATH"], "PRISMBUS_BROKER": requests,
                            "PRISMBUS_REQUESTS": requests, "PRISMBUS_CHANGES": changes, "PRISMBUS_EXPRESS": express,
                            "PRISMBUS_MAP_BYTES": str(1 << 30)}
        self.watcher = None

    def run_line(self, line):
        return subprocess.run(["bash", "-c", line], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False).stdout

    def run_and_compare(self, line, wanted):
        printed = self.run_line(line)
        if wanted:  # else the page does not say what is printed
            self.assertEqual(alike(printed), alike("\n".join(wanted)), line)
        else:
            self.assertNotIn("prismbus: ", printed, line)


class Tour(InAFolder):
    def background(self, line):
        process = Background(line, self.environment, self.folder)
        self.addCleanup(process.end)
        return process

    def said_by_the_watcher(self, wanted):
        wanted = alike("\n".join(wanted))
        eventually(lambda: len(self.watcher.lines) >= len(wanted), SECONDS, f"{wanted} of {self.watcher.lines}")
        self.assertEqual(sorted(alike("".join(self.watcher.lines))), sorted(wanted))
        self.watcher.lines.clear()

    def step(self, line, wanted):
        if line is None:
            self.said_by_the_watcher(wanted)
        elif line.startswith("prismbusd "):
            self.background(line.rstrip(" &"))
            eventually(lambda: "epoch" in self.run_line("prismbus status --timeout 1"), SECONDS, "the broker")
        elif line.startswith("prismbus watch ") and not re.search("--(once|count|until)", line):
            if self.watcher is not None:
                self.watcher.end()
            self.watcher = self.background(line)
            if wanted:
                self.said_by_the_watcher(wanted)
        else:
            self.run_and_compare(line, wanted)

    def test_what_is_shown_is_what_happens(self):
        steps = [step for block in blocks("README.md", "Five minutes") for step in block]
        self.assertGreater(len(steps), 10)
        for line, wanted in steps:
            self.step(line, wanted)


class Security(InAFolder):
    def test_what_is_shown_is_what_happens(self):
        steps = [step for block in blocks("broker/README.md", "Security") for step in block if "KID" not in step[0]]
        self.assertGreater(len(steps), 3)
        for line, wanted in steps:
            self.run_and_compare(line, wanted)


if __name__ == "__main__":
    unittest.main()
