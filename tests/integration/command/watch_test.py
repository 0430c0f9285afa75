# prismbus watch: the state at the start, every change in order, the broker's death and return, a clean end on signals.
import json
import os
import queue
import signal
import subprocess
import threading
import unittest

from command_case import PRISMBUS, CommandCase

SECONDS = 30


class Watching:
    """A running `prismbus watch --json`, read line by line."""

    def __init__(self, case, *arguments):
        self.process = subprocess.Popen([PRISMBUS, "--timeout", "30", "watch", *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=case.environment(), text=True)
        case.addCleanup(self.end)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def next(self):
        return json.loads(self.lines.get(timeout=SECONDS))

    def until(self, kind):
        while True:
            line = self.next()
            if line["type"] == kind:
                return line

    def stop(self, number):
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


class Watch(CommandCase):
    def test_the_state_at_the_start_and_then_every_change(self):
        self.done("put", self.ns, "a", "1")
        watching = Watching(self, self.ns, "--json")
        snapshot = watching.next()
        self.assertEqual(snapshot["type"], "snapshot")
        self.assertEqual([(e["key"], e["value"]) for e in snapshot["entries"]], [("a", 1)])
        subscribed = watching.next()
        self.assertEqual((subscribed["type"], subscribed["heads"][self.ns]["seq"]), ("subscribed", 1))
        put = self.done("put", self.ns, "a", "2.0", "--note", "why", "--json").json
        self.done("txn", "put", self.ns, "b", "1", "delete", self.ns, "a")
        change = watching.next()
        self.assertEqual((change["type"], change["ns"], change["rev"], change["note"]), ("change", self.ns, put["rev"], "why"))
        self.assertEqual(change["changes"], [{"op": "put", "key": "a", "value": 2.0, "version": 2}])
        both = watching.next()
        self.assertEqual(sorted((c["op"], c["key"]) for c in both["changes"]), [("delete", "a"), ("put", "b")])
        self.assertEqual(both["seq"], 3)
        self.assertEqual(watching.stop(signal.SIGTERM), 0)

    def test_a_subtree_and_only_changes(self):
        self.done("put", self.ns + ".a", "k", "1")
        watching = Watching(self, self.ns, "--subtree", "--changes-only", "--json", "--glob", "k*")
        watching.until("subscribed")
        self.done("put", self.ns + ".b", "other", "1")
        self.done("put", self.ns + ".b", "k", "2")
        change = watching.next()
        self.assertEqual((change["ns"], change["changes"][0]["value"], change["by"]), (self.ns + ".b", 2, "anonymous"))
        self.assertEqual(watching.stop(signal.SIGINT), 0)

    def test_count_ends_it(self):
        watching = Watching(self, self.ns, "--json", "--count", "2")
        watching.until("subscribed")
        for n in range(2):
            self.done("put", self.ns, "k", str(n))
        self.assertEqual(watching.process.wait(SECONDS), 0)

    def test_it_survives_the_broker_and_says_so(self):
        self.done("put", self.ns, "a", "1")
        watching = Watching(self, self.ns, "--json")
        watching.until("subscribed")
        self.broker.kill()
        self.assertEqual(watching.until("state")["state"], "stale")
        self.broker.restart_on_its_ports()
        self.assertEqual(watching.until("state")["state"], "live")
        self.done("put", self.ns, "a", "2")
        change = watching.until("change")
        self.assertEqual(change["changes"][0]["value"], 2)
        self.assertEqual(change["seq"], 2)
        self.assertEqual(watching.stop(signal.SIGTERM), 0)

    def test_lines_for_a_person(self):
        self.done("put", self.ns, "a", "1")
        watching = Watching(self, self.ns, "--count", "1")
        self.assertEqual(watching.lines.get(timeout=SECONDS), ". a  1\n")
        self.assertIn("has 1 key at seq 1; watching", watching.process.stderr.readline())
        rev = self.done("put", self.ns, "a", "2", "--json").json["rev"]
        self.assertEqual(watching.lines.get(timeout=SECONDS), f"~ a  1 -> 2   rev {rev} by anonymous\n")
        self.assertEqual(watching.process.wait(SECONDS), 0)

    def test_a_namespace_that_may_not_be_followed_is_refused(self):
        self.refused(2, "watch", "no good", says="field NS")


if __name__ == "__main__":
    unittest.main()
