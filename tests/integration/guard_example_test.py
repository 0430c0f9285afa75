# The example with a validator, as it is printed in its folder, against a broker: a refused change is not shown, a
# transaction stays whole (I11), and who wrote it learns why.
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_case import BrokerCase

BIN = os.environ.get("PRISMBUS_BIN", "build/release/bin")
NS = "example.fees"
SECONDS = 30
NOT_APPLIED = 15


class GuardExample(BrokerCase):
    def prismbus(self, *arguments):
        return subprocess.run([os.path.join(BIN, "prismbus"), "--broker", self.broker.requests, *arguments],
                              capture_output=True, text=True, timeout=SECONDS, check=False)

    def test_I11_a_refused_change_is_not_shown_and_its_writer_learns_why(self):
        self.client.txn([{"op": "put", "ns": NS, "key": "maker_bps", "value": 1.0},
                         {"op": "put", "ns": NS, "key": "taker_bps", "value": 2.0}])
        process = subprocess.Popen([os.path.join(BIN, "prismbus_example_guard"), self.broker.requests],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, SECONDS)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "seq 1: 2 changes shown\n")
        self.client.txn([{"op": "put", "ns": NS, "key": "maker_bps", "value": 1.5},
                         {"op": "put", "ns": NS, "key": "taker_bps", "value": 99}])
        self.assertEqual(process.stdout.readline(), "seq 2: 0 changes shown\n")
        ran = self.prismbus("put", NS, "maker_bps", "cheap", "--wait-applied", "all", "--timeout", "20s")
        self.assertEqual(ran.returncode, NOT_APPLIED, ran.stderr)
        self.assertIn("1 rejected (guard-1: maker_bps: a fee is a number)", ran.stderr)
        row = self.client.call("subscribers", ns=NS)["subscribers"][0]
        self.assertEqual([(r["seq"], r["key"], r["reason"]) for r in row["rejected"]],
                         [(2, "taker_bps", "a fee lies between -5 and 50 bps"), (3, "maker_bps", "a fee is a number")])
        self.assertIn("a fee is a number", self.prismbus("subscribers", NS).stdout)
        self.client.put(NS, "trading", False)
        out = [line for line in process.stdout.read().splitlines() if not line.startswith("seq 4:")]
        self.assertEqual(process.wait(SECONDS), 0)
        self.assertEqual(out, ["seq 3: 0 changes shown", "refused: taker_bps of seq 2: a fee lies between -5 and 50 bps",
                               "refused: maker_bps of seq 3: a fee is a number", "fees: maker 1 bps, taker 2 bps"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
