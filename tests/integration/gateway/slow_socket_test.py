# Sockets that do not keep up (I8): what is queued for one is bounded; slow is told as a gap after which `since` brings all
# that is missing (I5), not reading at all ends the connection with 4408, and nobody else notices.
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from gateway_case import GatewayCase
from web_socket import WebSocket

BIG = "x" * 100_000
BIGS = 300  # 30 MB: more than the kernel's buffers and the broker's 4 MiB take


class SlowSockets(GatewayCase):
    def open(self):
        socket = WebSocket(self.address, seconds=40)
        self.addCleanup(socket.close)
        return socket

    def memory_mib(self):
        with open(f"/proc/{self.broker.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) >> 10

    def test_slow_is_a_gap_and_since_brings_the_rest(self):
        slow, quick = self.open(), self.open()
        for socket in (slow, quick):
            socket.subscribe(1, ns=self.ns, snapshot=False)
        for n in range(BIGS):
            self.assertEqual(self.http.put(self.ns, f"k{n % 7}", BIG).status // 100, 2)
            self.assertEqual(quick.receive()["seq"], n + 1)
        told = 0
        while (message := slow.receive())["type"] == "change":
            self.assertEqual(message["seq"], told + 1)
            told += 1
        self.assertEqual(message, {"type": "gap", "id": 1, "ns": self.ns, "seq": told})
        self.assertLess(told, BIGS)
        _, subscribed, changes = slow.subscribe(1, ns=self.ns, since=told)
        self.assertEqual([change["seq"] for change in changes], list(range(told + 1, BIGS + 1)))
        self.assertEqual(subscribed["heads"][self.ns]["seq"], BIGS)

    def test_who_does_not_read_is_cut_with_4408(self):
        silent = self.open()
        silent.subscribe(1, ns=self.ns, snapshot=False)
        for n in range(BIGS):
            self.http.put(self.ns, f"k{n % 7}", BIG)
        begun = time.monotonic()
        with WebSocket(self.address, seconds=40) as witness:
            witness.subscribe(1, ns=f"{self.ns}.w")
            n = 0
            while time.monotonic() - begun < 13:  # ten seconds without a move, and a look every second
                n += 1
                self.http.put(f"{self.ns}.w", "k", n)
                self.assertEqual(witness.receive()["seq"], n)
        self.assertEqual(silent.close_code()[0], 4408)

    def test_a_snapshot_is_read_at_its_readers_pace(self):
        for n in range(BIGS):
            self.http.put(self.ns, f"k{n}", BIG)
        before = self.memory_mib()
        sockets = [self.open() for _ in range(20)]
        for socket in sockets:
            socket.send(type="subscribe", id=1, ns=self.ns)
        self.http.put(f"{self.ns}.w", "k", 1)
        # 600 MB of entries in all, of which each reader has a page or two on its way; all read on, so none is too slow.
        keys = {socket: 0 for socket in sockets}
        while keys:
            for socket in list(keys):
                message = socket.receive()
                if message["type"] == "snapshot":
                    keys[socket] += len(message["entries"])
                else:
                    self.assertEqual((message["type"], keys.pop(socket)), ("subscribed", BIGS))
        if os.environ.get("PRISMBUS_MEMORY_JUDGED", "1") == "1":
            self.assertLess(self.memory_mib() - before, 300)


if __name__ == "__main__":
    unittest.main(verbosity=2)
