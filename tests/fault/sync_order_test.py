# I2, seen from below: no acknowledgement and no change set leaves the broker before the sync that covers it.
# sync_log.c is preloaded into a broker under load and its log is judged; a build with MDB_NOSYNC must be caught.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import threading

import zmq

from broker_process import Broker
from prismbus_client import Client
from prismbus_stream import Lane
from sync_log import REPLY_ID_BASE, SyncLog, mark

PRELOAD = os.environ["PRISMBUS_SYNC_LOG_LIBRARY"]
CONNECTIONS, WRITES = 4, 600  # each connection pipelines that many


class Load(threading.Thread):
    """One connection's writes: single puts, values of a page and more, transactions over two namespaces."""

    def __init__(self, endpoint, number):
        super().__init__(daemon=True)
        self.endpoint, self.first, self.acknowledged, self.failed = endpoint, 1 + number * WRITES, [], []

    def run(self):
        client = Client(self.endpoint, zmq.Context.instance())
        waiting = []
        for n in range(self.first, self.first + WRITES):
            waiting.append((n, self.send(client, n)))
            if len(waiting) >= 64 or n % 50 == 0:  # a full window, and now and then one write alone
                self.settle(client, waiting)
        self.settle(client, waiting)
        client.close()

    def send(self, client, n):
        value = mark(n) + "x" * (6000 if n % 40 == 0 else n % 300)
        if n % 10 == 0:
            do = [{"op": "put", "ns": ns, "key": f"t{n % 30}", "value": value} for ns in ("sync.a", "sync.b")]
            return client.send("txn", id=REPLY_ID_BASE + n, do=do)
        return client.send("put", id=REPLY_ID_BASE + n, ns="sync.a", key=f"k{n % 97}", value=value)

    def settle(self, client, waiting):
        while waiting:
            n, request_id = waiting.pop(0)
            reply = client.wait(request_id, 60)
            (self.acknowledged if reply["ok"] else self.failed).append(n)


def judge(program):
    """Runs the load against that program; (log, inode of the journal, acknowledged writes)."""
    with Broker(program=program) as broker:
        path = os.path.join(broker.scratch, "sync.log")
        broker.env = {"LD_PRELOAD": PRELOAD, "PRISMBUS_SYNC_LOG": path}
        broker.start()
        lane = Lane(broker.changes)
        lane.follow(["sync.a", "sync.b"])
        lane.ask_barrier()
        while True:
            frame = lane.receive(1)
            if frame is None:
                lane.ask_barrier()
            elif lane.is_barrier(*frame):
                break
        loads = [Load(broker.requests, number) for number in range(CONNECTIONS)]
        for load in loads:
            load.start()
        for load in loads:
            load.join(120)
        journal = os.stat(os.path.join(broker.data_dir, "journal", "data.mdb")).st_ino
        assert broker.stop() == 0, broker.log()
        lane.close()
        assert not any(load.failed for load in loads), "every write was expected to be acknowledged"
        return SyncLog().read(path), journal, [n for load in loads for n in load.acknowledged]


class SyncOrder(unittest.TestCase):
    def test_I2_no_reply_and_no_change_set_leaves_before_its_write_is_durable(self):
        log, journal, acknowledged = judge("prismbusd")
        self.assertEqual(len(acknowledged), CONNECTIONS * WRITES)
        self.assertEqual([n for n in acknowledged if n not in log.replies], [], "the log saw every reply")
        self.assertGreater(len(log.pushes), CONNECTIONS * WRITES * 0.9, "the log saw the stream")
        self.assertEqual([n for n in acknowledged if n not in log.marks_written[journal]], [], "and every write")
        self.assertEqual(log.violations(journal, acknowledged)[:10], [])
        print(f"0 violations in {len(acknowledged)} acknowledged writes, {len(log.synced[journal])} journal syncs")

    def test_a_broker_that_does_not_sync_is_caught(self):
        log, journal, acknowledged = judge("prismbusd_nosync")
        found = log.violations(journal, acknowledged)
        self.assertGreater(len(found), len(acknowledged) // 2)
        print(f"the build with MDB_NOSYNC: {len(found)} violations, the first: {found[0]}")


class Checker(unittest.TestCase):
    """The judge itself, on logs written by hand: file 7, write 1."""

    def judge(self, *lines):
        log = SyncLog()
        for line in lines:
            kind, *fields = line.split()
            getattr(log, "take_" + kind)(*fields)
        return len(log.violations(7, [1]))

    def test_written_synced_meta_then_sent_is_right(self):
        self.assertEqual(self.judge("W 1 2 7 0 4096 1", "S 3 4 7 0", "W 5 6 7 1 120 -", "N 7 8 20 64 1 -"), 0)

    def test_each_step_left_out_is_seen(self):
        self.assertEqual(self.judge("W 1 2 7 0 4096 1", "W 5 6 7 1 120 -", "N 7 8 20 64 1 -"), 1)
        self.assertEqual(self.judge("W 1 2 7 0 4096 1", "S 3 4 7 0", "N 7 8 20 64 1 -"), 1)
        self.assertEqual(self.judge("W 1 2 7 0 4096 1", "S 3 4 7 0", "W 5 6 7 0 120 -", "N 7 8 20 64 1 -"), 1)
        self.assertEqual(self.judge("S 3 4 7 0", "W 5 6 7 1 120 -", "N 7 8 20 64 1 -"), 1)

    def test_a_sync_that_failed_or_was_of_another_file_or_came_too_early_does_not_count(self):
        self.assertEqual(self.judge("W 1 2 7 0 4096 1", "S 3 4 7 -1", "W 5 6 7 1 120 -", "N 7 8 20 64 1 -"), 1)
        self.assertEqual(self.judge("W 1 2 7 0 4096 1", "S 3 4 9 0", "W 5 6 7 1 120 -", "N 7 8 20 64 1 -"), 1)
        self.assertEqual(self.judge("S 1 3 7 0", "W 2 4 7 0 4096 1", "W 5 6 7 1 120 -", "N 7 8 20 64 1 -"), 1)

    def test_a_send_that_begins_before_the_meta_write_returned_is_too_early(self):
        self.assertEqual(self.judge("W 1 2 7 0 4096 1", "S 3 4 7 0", "W 5 8 7 1 120 -", "N 7 9 20 64 1 -"), 1)
        self.assertEqual(self.judge("W 1 2 7 0 4096 1", "S 3 4 7 0", "W 5 8 7 1 120 -", "N 7 9 21 64 - 1"), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
