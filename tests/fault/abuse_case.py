# The base of the tests of hostile peers: a broker, raw peers against both its sockets, and a witness on a connection of
# its own who is served all the while and remembers how long each round took.
import os
import random
import resource
import threading
import time
import unittest

import zmq

from broker_process import Broker
from prismbus_client import Client
from waiting import eventually

SEED = int(os.environ.get("PRISMBUS_SEED", "20240607"))
WITNESS_WORST_SECONDS = float(os.environ.get("PRISMBUS_TIME_SLACK", "1")) * 2.0
# A sanitizer keeps what is freed for a while, to catch its use: there memory says nothing of the broker.
MEMORY_JUDGED = os.environ.get("PRISMBUS_MEMORY_JUDGED", "1") == "1"
MIB = 1 << 20


class Witness(threading.Thread):
    """Puts and gets on a connection of its own until stopped; remembers how long each round took and every failure."""

    def __init__(self, connect):
        super().__init__(daemon=True)
        self.connect, self.stopping = connect, threading.Event()
        self.answers, self.failures, self.took = 0, [], []

    @property
    def worst(self):
        return max(self.took, default=0.0)

    def run(self):
        client = self.connect()
        while not self.stopping.wait(0.001):
            start = time.monotonic()
            try:
                rev = client.put("witness", "k", self.answers, seconds=30)["rev"]
                if client.get("witness", "k", seconds=30)["rev"] < rev:
                    self.failures.append("an older revision")
            except Exception as error:  # pylint: disable=broad-except; the test reports it
                self.failures.append(repr(error))
                break
            self.took.append(time.monotonic() - start)
            self.answers += 1
        client.close()

    def p99_ms(self, first, last=None):
        """Of the rounds from number `first` on."""
        rounds = sorted(self.took[first:last])
        return rounds[len(rounds) * 99 // 100] * 1000 if rounds else float("nan")


class AbuseCase(unittest.TestCase):
    nofile = None
    args = ()

    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.rng = random.Random(SEED)
        self.broker = self.make_broker().start()
        self.addCleanup(self.broker.remove)
        self.witness = Witness(self.witness_client)
        self.witness.start()
        eventually(lambda: self.witness.answers, what="the witness's first answer")

    def make_broker(self):
        return Broker(nofile=self.nofile, args=self.args)

    def witness_client(self):
        return Client(self.broker.requests, zmq.Context.instance())

    @staticmethod
    def judge_memory(holds, what):
        if MEMORY_JUDGED:
            eventually(holds, 20, what)
        else:
            print(f"{what}: not judged under a sanitizer, which keeps what is freed", flush=True)

    def tearDown(self):
        before = self.witness.answers
        eventually(lambda: self.witness.answers > before or self.witness.failures, 30, "an answer to the witness")
        self.witness.stopping.set()
        self.witness.join(40)
        self.assertTrue(self.broker.alive(), self.broker.log())
        self.assertEqual(self.witness.failures, [])
        print(f"witness: {self.witness.answers} rounds, the longest {self.witness.worst * 1000:.0f} ms; "
              f"broker {self.broker.rss_kib() >> 10} MiB", flush=True)
        self.assertLess(self.witness.worst, WITNESS_WORST_SECONDS)
        self.assertEqual(self.broker.stop(), 0, self.broker.log())

    def both(self):
        return (self.broker.requests, self.broker.changes)
