# The C++ publisher and subscriber, through the command that links them: the history of leverage tiers replayed as
# transactions while one watcher joins in the middle and another is stopped for a while. Both end equal to a
# recomputation from the file (I5, I6, I11).
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import json
import signal

from broker_case import BrokerCase
from command_process import Watch, run_command
from prismbus_follower import heads_of
from sample_data import as_do, leverage_tiers, recompute

NS = "exchange.binance.leverage"
CHURN = 1500  # writes of 3 KB past a stopped watcher: more than its queue at the broker and the sockets hold


class Clients(BrokerCase):
    broker_args = ("--subscriber-frames-max", "100")

    def replay(self, transactions):
        for changes in transactions:
            code, out, err = run_command(self.broker.requests, "txn", "--file", "-",
                                         text=json.dumps({"do": as_do(changes, NS)}))
            self.assertEqual(code, 0, out + err)

    def watch(self):
        watch = Watch(self.broker.requests, NS)
        self.addCleanup(watch.remove)
        watch.await_subscribed()
        return watch

    def test_I5_I6_watchers_joined_midway_and_stopped_for_a_while_equal_the_file(self):
        lines = leverage_tiers()
        truth = {(NS, key): value for key, value in recompute(lines).items()}
        third = len(lines) // 3

        stopped = self.watch()
        self.replay(lines[:third])
        stopped.await_seq(NS, third)
        stopped.process.send_signal(signal.SIGSTOP)
        midway = self.watch()
        self.assertEqual(midway.values, {(NS, k): v for k, v in recompute(lines[:third]).items()})
        self.replay(lines[third:2 * third])
        self.client.call_all("put", ({"ns": NS, "key": "churn", "value": "x" * 3000} for _ in range(CHURN)), window=200)
        self.client.delete(NS, "churn")
        stopped.process.send_signal(signal.SIGCONT)
        self.replay(lines[2 * third:])

        heads = heads_of(self.client, NS)
        for watch in (midway, stopped):
            watch.await_seq(NS, heads[NS]["seq"], 120)
            self.assertEqual(watch.values, truth, watch.types[-5:])
            self.assertNotIn("gap", watch.types)
            self.assertEqual(watch.stop(), 0)
        listed = {(NS, entry["key"]): entry["value"] for entry in self.client.list(NS)}
        self.assertEqual(listed, truth)


if __name__ == "__main__":
    unittest.main(verbosity=2)
