# The history of leverage tiers, each line one transaction, replayed into a broker while one follower joins in the
# middle and another process is stopped for a while: both end equal to a recomputation from the file (I5, I6).
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import json
import signal
import subprocess

from broker_case import BrokerCase
from broker_process import scratch_dir
from prismbus_follower import Follower, heads_of
from sample_data import as_do, leverage_tiers, leverage_tiers_path, recompute

NS = "exchange.binance.leverage"
PATIENT_SECONDS = 60


def follow_until(endpoint, ns, seq, report):
    """The child: follows from the start, says that it joined, and writes what it ends with."""
    follower = Follower(endpoint, ns=[ns])
    follower.join()
    print("joined", flush=True)
    follower.run_until(lambda f: f.replica.at(ns).seq >= seq, 2 * PATIENT_SECONDS, f"seq {seq}")
    space = follower.replica.at(ns)
    with open(report + ".new", "w", encoding="utf-8") as file:
        json.dump({"values": space.values(), "hash": space.hash(), "seq": space.seq, "events": follower.events}, file)
    os.rename(report + ".new", report)


class Replay(BrokerCase):
    def replay(self, transactions):
        for changes in transactions:
            self.client.txn(as_do(changes, NS))

    def test_followers_joined_midway_and_stopped_for_a_while_equal_the_file(self):
        lines = leverage_tiers()
        print(f"{len(lines)} transactions of {os.path.basename(leverage_tiers_path())}")
        truth = recompute(lines)
        third = len(lines) // 3

        report = os.path.join(scratch_dir(), "report.json")
        child = subprocess.Popen([sys.executable, os.path.abspath(__file__), "follow", self.broker.requests, NS,
                                  str(len(lines)), report], stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdout.close)
        self.assertEqual(child.stdout.readline(), "joined\n")

        self.replay(lines[:third])
        child.send_signal(signal.SIGSTOP)
        midway = Follower(self.broker.requests, ns=[NS], context=self.context)
        self.addCleanup(midway.close)
        midway.join()
        self.assertEqual(midway.replica.at(NS).seq, third)
        self.replay(lines[third:2 * third])
        child.send_signal(signal.SIGCONT)
        self.replay(lines[2 * third:])

        heads = heads_of(self.client, NS)
        self.assertEqual(heads[NS]["seq"], len(lines))
        midway.run_until(lambda f: f.reached(heads), PATIENT_SECONDS)
        self.assertEqual(midway.replica.at(NS).values(), truth)
        self.assertEqual(midway.replica.differences(heads), [])

        self.assertEqual(child.wait(2 * PATIENT_SECONDS), 0)
        with open(report, encoding="utf-8") as file:
            ended = json.load(file)
        self.assertEqual((ended["values"], ended["hash"], ended["seq"]), (truth, heads[NS]["hash"], len(lines)))
        self.assertEqual({entry["key"]: entry["value"] for entry in self.client.list(NS)}, truth)


if __name__ == "__main__":
    if sys.argv[1:2] == ["follow"]:
        follow_until(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        unittest.main(verbosity=2)
