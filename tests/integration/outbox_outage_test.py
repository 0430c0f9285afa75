# A writer with an outbox when its broker is killed under it, and when the broker comes back with another history, begun
# anew or restored from a backup. What was sent and not answered goes into the outbox with its request id; nothing is
# applied twice, nothing told is lost.
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

from broker_process import BIN, Broker, run_broker, scratch_dir  # noqa: E402
from waiting import eventually  # noqa: E402

SECONDS = 60
KEYS = ("k0", "k1", "k2")


def prismbus(*arguments):
    done = subprocess.run([os.path.join(BIN, "prismbus"), *arguments, "--json"], capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    return json.loads(done.stdout)


class Writer:
    def __init__(self, broker, directory, first):
        self.process = subprocess.Popen([os.path.join(BIN, "outbox_writer"), broker, directory, str(first)],
                                        stdout=subprocess.PIPE, text=True)
        self.told = {}

    def read_until(self, word, count):
        """Until `count` more writes were answered with that word."""
        while count > 0:
            number, answer = self.process.stdout.readline().split()
            self.told[int(number)] = answer
            count -= answer == word

    def kill(self):
        self.process.kill()
        for line in self.process.stdout:
            if line.endswith("\n"):
                number, answer = line.split()
                self.told[int(number)] = answer
        self.process.stdout.close()
        self.process.wait()


class OutboxOutage(unittest.TestCase):
    def setUp(self):
        self.broker = Broker()
        self.addCleanup(self.broker.remove)
        self.backups = os.path.join(self.broker.scratch, "backups")
        self.broker.args += ["--backup-dir", self.backups]
        self.broker.start()
        self.outbox = os.path.join(scratch_dir("prismbus-outbox-"), "outbox")

    def numbers(self, key):
        versions = prismbus("history", "spool.test", key, "--broker", self.broker.requests)["versions"]
        return [version["value"] for version in reversed(versions)]

    def drain(self, first):
        """A next process takes the outbox over until nothing of before is pending; its own numbers begin at `first`."""
        last = max((write["id"] for write in prismbus("outbox", self.outbox, "--reveal")["pending"]), default=0)
        writer = Writer(self.broker.requests, self.outbox, first)
        try:
            eventually(lambda: all(write["id"] > last for write in prismbus("outbox", self.outbox, "--reveal")["pending"]), SECONDS,
                       "the outbox to drain")
        finally:
            writer.kill()
        return writer.told

    def test_writes_in_flight_when_the_broker_is_killed_are_applied_exactly_once(self):
        writer = Writer(self.broker.requests, self.outbox, 0)
        writer.read_until("applied", 50)
        self.broker.kill()
        writer.read_until("queued", 10)
        writer.kill()
        pending = prismbus("outbox", self.outbox, "--reveal")["pending"]
        self.assertTrue(pending[0]["attempted"])
        self.assertFalse(pending[1]["attempted"])
        self.broker.start()
        self.drain(1_000_000)
        outcomes = [one for one in prismbus("outbox", self.outbox, "--reveal")["outcomes"] if one["id"] <= pending[-1]["id"]]
        self.assertEqual({one["outcome"] for one in outcomes}, {"applied"})
        seen = [number for key in KEYS for number in self.numbers(key)]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(set(writer.told) - set(seen), set())
        for key in KEYS:
            self.assertEqual(self.numbers(key), sorted(self.numbers(key)))

    def test_in_a_history_that_began_anew_a_base_revision_is_a_conflict_and_it_is_said(self):
        writer = Writer(self.broker.requests, self.outbox, 0)
        writer.read_until("applied", 50)
        self.broker.kill()
        writer.read_until("queued", 6)
        writer.kill()
        pending = prismbus("outbox", self.outbox, "--reveal")["pending"]
        shutil.rmtree(self.broker.data_dir)
        self.broker.start()
        self.drain(1_000_000)
        self.assert_superseded(pending)

    def assert_superseded(self, pending):
        """Each with the value that was not applied, and said to be of another history."""
        mine = {one["id"]: one for one in prismbus("outbox", self.outbox, "--reveal")["outcomes"]}
        for write in pending:
            outcome = mine[write["id"]]
            self.assertEqual(outcome["outcome"], "superseded")
            self.assertTrue(outcome["other_history"])
            self.assertEqual(outcome["changes"][0]["value"], write["changes"][0]["value"])

    def test_after_a_restore_the_backup_stands_and_what_waited_is_reported_with_its_values(self):
        writer = Writer(self.broker.requests, self.outbox, 0)
        writer.read_until("applied", 30)
        path = prismbus("backup", "before", "--broker", self.broker.requests)["path"]
        writer.read_until("applied", 30)
        self.broker.kill()
        writer.read_until("queued", 6)
        writer.kill()
        pending = prismbus("outbox", self.outbox, "--reveal")["pending"]
        status, out, err = run_broker("restore", path, "--data-dir", self.broker.data_dir, "--replace")
        self.assertEqual((status, err), (0, ""), out)
        self.broker.start()
        saved = {key: self.numbers(key) for key in KEYS}
        self.drain(1_000_000)
        self.assert_superseded(pending)
        waited = {write["changes"][0]["value"] for write in pending}
        for key in KEYS:
            after = self.numbers(key)
            self.assertEqual(after[:len(saved[key])], saved[key], "the backup stands, in its order")
            self.assertEqual(waited & set(after), set())
            self.assertEqual([n for n in after[len(saved[key]):] if n < 1_000_000], [], "only what was written since")


if __name__ == "__main__":
    unittest.main()
