# A crowd that sends its header, or its first message of TLS, a byte a second (slowloris), from one address: the gateway
# serves everybody else all the while, on connections they have and on new ones, and each of the crowd ends at the deadline
# of its stage, ten seconds (I8).
#   PRISMBUS_FULL=1   5,000 connections instead of 500
#   --strict          the witness's p99 is at most twice of what it is beside a process that only spins, as of hostile_test.py
import os
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import slow_senders
from abuse_case import MIB
from broker_process import Broker
from gateway_client import HttpClient
from hostile_test import FULL, STRICT, HostileCase
from tls_files import TlsFiles
from waiting import eventually

CROWD = 5000 if FULL else 500
DEADLINE_MS = 10_000
SLACK = float(os.environ.get("PRISMBUS_TIME_SLACK", "1"))
KEPT = 10  # rounds on one connection, then on a new one
# What one connection may cost that has not said what it wants: its stream, its buffers and the coroutine that reads.
CONNECTION_COST = 32 << 10


class HttpWitness:
    """Puts and gets through the gateway, each ten rounds on a new connection."""

    def __init__(self, address, tls):
        self.address, self.tls, self.rounds, self.http = address, tls, 0, None

    def put(self, ns, key, value, seconds):
        if self.rounds % KEPT == 0:
            self.close()
            self.http = HttpClient(self.address, seconds=seconds, tls=self.tls)
        self.rounds += 1
        answer = self.http.put(ns, key, value)
        assert answer.status in (200, 201), answer
        return answer.json

    def get(self, ns, key, seconds):
        del seconds
        answer = self.http.entry(ns, key)
        assert answer.status == 200, answer
        return answer.json

    def close(self):
        if self.http is not None:
            self.http.close()


class Slowloris(HostileCase):
    kind, gateway_args, tls = b"HTTP", ("--gateway", "http://127.0.0.1:0"), None

    def make_broker(self):
        return Broker(args=self.gateway_args)

    def witness_client(self):
        return HttpWitness(self.broker.ready["gateway"][0], self.tls)

    def target(self):
        split = urllib.parse.urlsplit(self.broker.ready["gateway"][0])
        return slow_senders.Gateway(split.hostname, split.port)

    def test_a_crowd_that_sends_a_byte_a_second(self):
        seen = {}

        def enough(tally):
            seen["most"] = max(seen.get("most", 0), tally.frames.value)
            seen["times"] = (tally.shortest_ms.value, tally.longest_ms.value)
            return tally.done.value >= CROWD
        grown = self.survives(slow_senders.slow_senders, self.kind, CROWD, enough, seconds=120)
        print(f"{seen['most']} connections at once, ended after {seen['times'][0]} to {seen['times'][1]} ms; "
              f"{grown / CROWD / 1024:.1f} KiB each", flush=True)
        self.assertGreaterEqual(seen["most"], CROWD * 9 // 10)
        self.assertGreaterEqual(seen["times"][0], DEADLINE_MS - 100)
        self.assertLessEqual(seen["times"][1], DEADLINE_MS + 5_000 * SLACK)
        self.assert_memory(grown, CROWD * CONNECTION_COST + 16 * MIB)
        eventually(self.alone, 30, "the end of the last of them")

    def alone(self):
        """The crowd is gone, and its descriptors with it."""
        return len(os.listdir(f"/proc/{self.broker.pid}/fd")) < 200


class SlowTls(Slowloris):
    kind = b"TLS"

    def make_broker(self):
        files = TlsFiles()
        self.tls = files.client()
        return Broker(args=files.args())


if __name__ == "__main__":
    if STRICT:
        sys.argv.remove("--strict")
    unittest.main(verbosity=2)
