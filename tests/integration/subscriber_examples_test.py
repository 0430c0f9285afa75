# The programs of subscriber/examples that follow, sync and replay, run as their first lines say, and the publisher's that waits
# until a follower has applied its write.
import os
import subprocess
import sys
import unittest

import zmq

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import BIN, Broker
from prismbus_client import Client

NS = "example.fees"
SECONDS = 30


class SubscriberExamples(unittest.TestCase):
    def setUp(self):
        self.broker = Broker().start()
        self.addCleanup(self.broker.remove)
        context = zmq.Context()
        self.addCleanup(context.destroy, linger=0)
        self.client = Client(self.broker.requests, context)

    def follow(self, *arguments):
        return self.start("prismbus_example_subscriber", self.broker.requests, *arguments)

    def start(self, program, *arguments):
        """Its standard output is a terminal, which shows each line at once."""
        terminal, end = os.openpty()
        process = subprocess.Popen([os.path.join(BIN, program), *arguments], stdout=end)
        os.close(end)
        process.terminal = os.fdopen(terminal, encoding="utf-8")
        self.addCleanup(process.terminal.close)
        self.addCleanup(process.wait, SECONDS)
        self.addCleanup(process.kill)
        return process

    def lines(self, process):
        try:
            while line := process.terminal.readline():
                yield line.strip()
        except OSError:  # how a terminal says that nobody writes to it any more
            return

    def read_until(self, process, wanted):
        if wanted not in self.lines(process):
            self.fail(f"the example ended before it said: {wanted}")

    def run_example(self, program, *arguments):
        return subprocess.run([os.path.join(BIN, program), self.broker.requests, *arguments], capture_output=True,
                              text=True, timeout=SECONDS, check=False)

    def test_a_follower_tells_each_change_and_where_it_stands(self):
        self.client.put(NS, "maker_bps", 1.0)
        process = self.follow("2")
        self.read_until(process, "fees: maker 1 bps, taker 5 bps")
        written = self.client.put(NS, "maker_bps", 1.5)
        self.read_until(process, f"{NS} maker_bps: 1 -> 1.5")
        self.read_until(process, f"{NS}: live at seq {written['seq']}, 1 keys, 0 resyncs")
        self.assertEqual(process.wait(SECONDS), 0)

    def test_a_follower_of_several_brokers_catches_up_by_seq_with_the_one_that_answers(self):
        self.client.put(NS, "maker_bps", 1.0)
        process = self.start("prismbus_example_reconnect", "tcp://127.0.0.1:1", self.broker.requests)
        self.read_until(process, f"at seq 1 of {self.broker.requests}")
        requests, changes = self.broker.requests, self.broker.changes
        self.broker.kill()
        self.broker.want_requests, self.broker.want_changes = (requests,), (changes,)
        self.broker.start()
        self.client.put(NS, "maker_bps", 1.5)
        self.client.put(NS, "taker_bps", 4.0)
        said = "\n".join(self.lines(process))
        self.assertEqual(process.wait(SECONDS), 0)
        self.assertRegex(said, r"(?m)^caught up from seq 1 to [123] with 0 snapshots$")

    def test_a_writer_learns_who_applied_its_write(self):
        self.client.put(NS, "maker_bps", 1.0)
        process = self.follow("60")
        self.read_until(process, "fees: maker 1 bps, taker 5 bps")
        done = self.run_example("prismbus_example_wait_applied")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^seq \d+: 1 applied, 0 rejected, 0 silent\n$")

    def test_a_replay_tells_every_change_since_its_picture(self):
        self.client.put(NS, "maker_bps", 1.0)
        self.client.txn([{"op": "put", "ns": NS, "key": "maker_bps", "value": 2.0},
                         {"op": "put", "ns": NS, "key": "taker_bps", "value": 4.0}])
        done = self.run_example("prismbus_example_replay", NS)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertTrue(lines[0].startswith("0 keys at revision "), lines)
        self.assertEqual([line.split(": ")[1] for line in lines[1:-1]], ["1 changes", "2 changes"], lines)
        self.assertTrue(lines[-1].startswith("2 keys at revision "), lines)

    def test_each_sync_on_demand_tells_how_it_went(self):
        self.client.put(NS, "maker_bps", 1.0)
        self.client.put(NS, "maker_bps", 1.5)
        done = self.run_example("prismbus_example_sync")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines(),
                         [f"incremental: {NS} by nothing, seq 2 -> 2, 0 events, 0 bytes",
                          "selective: 'example.fees.old' is not followed by this subscriber",
                          f"full: {NS} by snapshot, seq 2 -> 2, 0 events, 18 bytes",
                          "full: full_sync was called a moment ago (again later)",
                          f"history: {NS} join: snapshot", f"history: {NS} incremental_sync: nothing",
                          f"history: {NS} full_sync: snapshot"])

    def test_a_subscriber_reads_from_the_broker_what_it_does_not_hold(self):
        self.client.put(NS, "maker_bps", 1.0)
        self.client.txn([{"op": "put", "ns": NS, "key": "maker_bps", "value": 2.0},
                         {"op": "put", "ns": NS, "key": "taker_bps", "value": 4.0}])
        done = self.run_example("prismbus_example_reads")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines(),
                         ["max_order 1000", "maker_bps version 2", "taker_bps version 1", "2 keys match",
                          "maker_bps has 2 versions, began at 1", "view 2, broker 2"])
        self.client.put("example.limits", "max_order", 50)
        self.assertIn("max_order 50", self.run_example("prismbus_example_reads").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
