# prismbus watch --exec, --since, --once, --until: what runs, in which order, how it ends, and that nothing is missed
# between the past and the present.
import json
import os
import signal
import unittest

from command_case import CommandCase
from watch_test import SECONDS, Watching

from waiting import eventually


class WatchProgram(CommandCase):
    def run_lines(self):
        path = os.path.join(self.scratch, "ran")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()

    def setUp(self):
        super().setUp()
        path = os.path.join(self.scratch, "ran")
        if os.path.exists(path):
            os.unlink(path)

    def started(self, *arguments):
        """A watch whose `watching` line has come: it sees every change from now on."""
        watching = Watching(self, self.ns, *arguments)
        while "watching" not in watching.process.stderr.readline():
            self.assertIsNone(watching.process.poll())
        return watching

    def test_the_program_gets_the_change_on_its_input_and_in_its_environment(self):
        self.done("put", self.ns, "a", "1")
        program = (f'(cat; echo "$PRISMBUS_NS $PRISMBUS_KEY $PRISMBUS_OP $PRISMBUS_VALUE $PRISMBUS_VERSION $PRISMBUS_REV '
                   f'$PRISMBUS_SEQ $PRISMBUS_BY $PRISMBUS_NOTE") >> {self.scratch}/ran')
        watching = self.started("--exec", program, "--count", "2")
        rev = self.done("put", self.ns, "a", '{"x": [1.0]}', "--note", "why not", "--json").json["rev"]
        self.done("delete", self.ns, "a")
        self.assertEqual(watching.process.wait(SECONDS), 0)
        lines = self.run_lines()
        put, words = json.loads(lines[0]), lines[1]
        self.assertEqual((put["op"], put["key"], put["value"], put["before"], put["rev"], put["note"]),
                         ("put", "a", {"x": [1.0]}, 1, rev, "why not"))
        self.assertEqual(words, f'{self.ns} a put {{"x":[1.0]}} 2 {rev} 2 anonymous why not')
        deleted = json.loads(lines[2])
        self.assertEqual((deleted["op"], "value" in deleted), ("delete", False))
        self.assertEqual(lines[3], f"{self.ns} a delete   {rev + 1} 3 anonymous ")
        self.assertTrue(watching.lines.empty())  # of the changes nothing is printed

    def test_it_runs_once_for_every_key_in_the_order_of_the_changes(self):
        watching = self.started("--exec", f"echo $PRISMBUS_KEY $PRISMBUS_SEQ >> {self.scratch}/ran", "--count", "20")
        for n in range(20):
            self.done("txn", "put", self.ns, f"a{n}", "1", "put", self.ns, f"b{n}", "1")
        self.assertEqual(watching.process.wait(SECONDS), 0)
        wanted = [f"{letter}{n} {n + 1}" for n in range(20) for letter in "ab"]
        self.assertEqual(sorted(self.run_lines()), sorted(wanted))
        self.assertEqual([line.split()[1] for line in self.run_lines()], [line.split()[1] for line in wanted])

    def test_a_program_that_fails_is_told_or_ends_the_watch(self):
        watching = self.started("--exec", "exit 7", "--count", "1")
        self.done("put", self.ns, "a", "1")
        self.assertEqual(watching.process.wait(SECONDS), 0)
        self.assertIn("the program ended with 7 for " + self.ns + " a", watching.process.stderr.read())
        watching = self.started("--exec", "exit 7", "--exec-fail", "stop")
        self.done("put", self.ns, "a", "2")
        self.assertEqual(watching.process.wait(SECONDS), 14)
        self.refused(2, "watch", self.ns, "--exec", "true", "--exec-fail", "perhaps", says="--exec-fail")
        self.refused(2, "watch", self.ns, "--exec-fail", "stop", says="--exec-fail")

    def test_a_signal_ends_it_while_the_program_runs(self):
        watching = self.started("--exec", f"echo began >> {self.scratch}/ran; exec tail -f /dev/null")
        self.done("put", self.ns, "a", "1")
        eventually(lambda: self.run_lines() == ["began"], SECONDS, "the program")
        self.assertEqual(watching.stop(signal.SIGTERM), 0)

    def test_once_and_until(self):
        watching = self.started("--once")
        self.done("put", self.ns, "primary", "false")
        self.assertEqual(watching.process.wait(SECONDS), 0)
        watching = self.started("--until", "primary=true")
        self.done("put", self.ns, "other", "true")
        self.assertIsNone(watching.process.poll())
        self.done("put", self.ns, "primary", "true")
        self.assertEqual(watching.process.wait(SECONDS), 0)
        self.assertEqual(self.run_command("watch", self.ns, "--until", "primary=true").code, 0)  # holds already
        self.refused(2, "watch", self.ns, "--until", "primary", says="KEY=VALUE")
        self.refused(2, "watch", self.ns, "--until", "primary=1.2.3", says="VALUE")
        self.refused(2, "watch", self.ns, "--once", "--count", "2", says="--once")

    def test_since_begins_with_what_was_missed_and_goes_on_without_a_gap(self):
        revs = [self.done("put", self.ns, "a", str(n), "--json").json["rev"] for n in range(5)]
        for since in (str(revs[1]), "seq:2"):
            with self.subTest(since):
                watching = Watching(self, self.ns, "--json", "--since", since)
                seqs = [watching.next()["seq"] for _ in range(3)]
                self.assertEqual(seqs, [3, 4, 5])
                self.assertEqual(watching.next()["type"], "subscribed")
                self.assertEqual(watching.stop(signal.SIGTERM), 0)
        watching = Watching(self, self.ns, "--json", "--since", "0", "--count", "8")
        for n in range(3):
            self.done("put", self.ns, "a", str(10 + n))
        self.assertEqual(watching.process.wait(SECONDS), 0)
        watching.reader.join(SECONDS)
        changes = [line for line in map(json.loads, list(watching.lines.queue)) if line["type"] == "change"]
        self.assertEqual([line["seq"] for line in changes], list(range(1, 9)))
        self.refused(2, "watch", self.ns, "--since", "yesterday", says="--since")
        self.refused(2, "watch", self.ns, "--subtree", "--since", "seq:1", says="--since")


if __name__ == "__main__":
    unittest.main()
