# Peers that do not speak ZeroMQ as a library would: garbage handshakes, half-open connections, PING floods that end in
# a reset, forged routing ids, endless messages, subscriptions by the hundred thousand, more connections than
# descriptors. The broker never stops, and a witness on another connection is served all the while (I8).
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import zmtp
from abuse_case import MIB, SEED, WITNESS_WORST_SECONDS, AbuseCase
from prismbus_client import Client, Refused
from prismbus_stream import Lane
from prismbus_wire import encode
from waiting import eventually

HELLO = encode({"op": "hello", "id": 3})


class Handshakes(AbuseCase):
    def test_garbage_instead_of_a_handshake(self):
        starts = [b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\xff" * 64,
                  b"\0" * 64, zmtp.SIGNATURE, zmtp.SIGNATURE + b"\x01\x05", zmtp.SIGNATURE + b"\x63" * 54,
                  zmtp.GREETING.replace(b"NULL\0", b"PLAIN"), zmtp.GREETING.replace(b"NULL\0", b"CURVE"),
                  zmtp.GREETING.replace(b"NULL", b"XXXX"), zmtp.GREETING, b"\x01\x00",
                  b"\xff\0\0\0\0\0\0\0\x01\x7f\x00"]
        for round_number in range(400):
            start = starts[round_number % len(starts)]
            tail = self.rng.randbytes(self.rng.choice([0, 1, 7, 64, 1000, 20_000]))
            peer = zmtp.Peer(self.both()[round_number % 2], seconds=1)
            peer.send(start + tail)
            (peer.reset if round_number % 3 else peer.close)()

    def test_broken_commands_after_the_greeting(self):
        bodies = [b"\x04\x00", b"\x04\x01\x05", zmtp.command(b"READY", b"\xff"), zmtp.command(b"READY", b"\x05abc"),
                  zmtp.command(b"READY", zmtp.properties(**{"Socket-Type": b"NONSENSE"})),
                  zmtp.command(b"ERROR", b"\x03abc"),
                  zmtp.command(b"READY", b"\x01a\xff\xff\xff\xff"), zmtp.command(b"HELLO", b"x" * 200),
                  zmtp.ready(identity=b"x" * 256), zmtp.ready() + zmtp.ready(), zmtp.ready() + b"\xff" * 40,
                  zmtp.ready() + b"\x02" + b"\xff" * 8, zmtp.ready() + b"\x02" + b"\x7f" + b"\xff" * 7,
                  zmtp.ready() + zmtp.command(b"SUBSCRIBE", b"a/"), zmtp.ready() + zmtp.command(b"PING"),
                  zmtp.ready() + zmtp.command(b"PING", b"\x00"), zmtp.ready() + zmtp.ping(b"c" * 200),
                  zmtp.ready() + zmtp.command(b"PONG", b"x" * 17), zmtp.ready() + b"\x06" + b"\0" * 8,
                  zmtp.ready(b"SUB") + zmtp.command(b"CANCEL", b"never"), zmtp.ready(b"PUB") + zmtp.frame(b"\x01a")]
        for endpoint in self.both():
            for body in bodies:
                for end in (zmtp.Peer.close, zmtp.Peer.reset):
                    peer = zmtp.Peer(endpoint, seconds=1)
                    peer.send(zmtp.GREETING + body)
                    end(peer)

    def test_half_open_connections_that_never_go_on(self):
        pieces = [b"", zmtp.SIGNATURE[:5], zmtp.SIGNATURE, zmtp.GREETING[:40], zmtp.GREETING,
                  zmtp.GREETING + b"\x04\x20"]
        peers = []
        for number in range(600):
            peer = zmtp.Peer(self.both()[number % 2])
            peer.send(pieces[number % len(pieces)])
            peers.append(peer)
        with Client(self.broker.requests) as client:
            self.assertTrue(client.hello()["ok"])
        for peer in peers:
            peer.reset()


class Floods(AbuseCase):
    def test_ping_floods_that_end_in_a_reset(self):
        for number in range(30):
            for endpoint, kind in zip(self.both(), (b"DEALER", b"SUB")):
                peer = zmtp.Peer(endpoint, seconds=0.3, receive_buffer=4096)
                self.assertTrue(peer.shake_hands(kind))
                flood = zmtp.ping(b"0123456789abcdef") * 5000
                for _ in range(4):
                    if not peer.send(flood):  # it answers no faster than we read its PONGs, and we read none
                        break
                (peer.reset if number % 2 else peer.close)()

    def test_ping_floods_between_frames_of_one_message(self):
        for _ in range(20):
            peer = zmtp.Peer(self.broker.requests, seconds=0.5)
            self.assertTrue(peer.shake_hands())
            peer.send((zmtp.frame(b"x", zmtp.MORE) + zmtp.ping()) * 3000)
            peer.reset()

    def test_forged_routing_ids(self):
        unseeded_first = 1804289383  # rand() of a process that never called srand: the ids libzmq would hand out
        forged = [b"\0" + (unseeded_first + n).to_bytes(4, "big") for n in range(-5, 60)]
        forged += [b"\0" + n.to_bytes(4, "big") for n in (0, 1, 2, 3, 2**31, 2**32 - 1)]
        forged += [b"\0", b"\0" * 5, b"\0" * 255, b"same", b"same", b"x" * 255]
        peers = []
        for identity in forged:
            peer = zmtp.Peer(self.broker.requests, seconds=0.2)
            if peer.shake_hands(identity=identity):
                peer.send(zmtp.frame(b"", zmtp.MORE) + zmtp.frame(HELLO))
            peers.append(peer)
        honest = [Client(self.broker.requests) for _ in range(100)]
        for client in honest:
            self.assertTrue(client.hello()["ok"])
            client.close()
        for peer in peers:
            peer.reset()

    def test_a_client_that_sends_without_reading_is_bounded(self):
        before = self.broker.rss_kib()
        with Client(self.broker.requests) as client:
            client.put("big", "k", "x" * 200_000)
        ask = zmtp.frame(b"", zmtp.MORE) + zmtp.frame(encode({"op": "get", "ns": "big", "key": "k"}))
        peer = zmtp.Peer(self.broker.requests, seconds=2, receive_buffer=4096)
        self.assertTrue(peer.shake_hands())
        sent = 0
        while sent < 20_000 and peer.send(ask * 100):  # 4 GB of replies that nobody reads
            sent += 100
        self.judge_memory(lambda: self.broker.rss_kib() - before < 700 << 10, "bounded memory of the broker")
        peer.reset()

    def test_a_flood_of_requests_on_one_connection_is_answered_or_refused_not_hoarded(self):
        before = self.broker.rss_kib()
        flooder = Client(self.broker.requests)
        asked = [flooder.send("put", ns="flood", key=f"k{n % 100}", value="x" * 1000) for n in range(60_000)]
        codes = {}
        for request_id in asked:
            reply = flooder.receive(30)
            self.assertIsNotNone(reply, f"answers so far {codes}")
            code = "ok" if reply["ok"] else reply["error"]["code"]
            codes[code] = codes.get(code, 0) + 1
        self.assertLessEqual(set(codes), {"ok", "overloaded"})
        print(f"60,000 at once: {codes}; memory +{(self.broker.rss_kib() - before) >> 10} MiB")
        flooder.close()

    def test_endless_frames_of_one_message_do_not_stop_it(self):
        """What such a message held is used again by the next one: the allocator may keep it, but it does not grow."""
        piece, peaks = zmtp.frame(b"x" * 1000, zmtp.MORE) * 64, []
        for _ in range(3):
            peer = zmtp.Peer(self.broker.requests, seconds=1)
            self.assertTrue(peer.shake_hands())
            for _ in range(1000):  # 64 MB of one message that never ends
                if not peer.send(piece):
                    break
            peaks.append(self.broker.rss_kib() >> 10)
            peer.reset()
            before = self.witness.answers
            eventually(lambda before=before: self.witness.answers > before + 5, 20, "answers to the witness")
        print(f"at the peaks {peaks} MiB")
        self.judge_memory(lambda: peaks[-1] < 64 * 4 + 128, "the memory of one such message, not of three")

    def test_a_frame_that_says_it_is_enormous_costs_its_connection_only(self):
        for size in (10 * MIB, 2**31, 2**40, 2**63 - 1, 2**64 - 1):
            for endpoint, kind in zip(self.both(), (b"DEALER", b"SUB")):
                peer = zmtp.Peer(endpoint, seconds=3)
                self.assertTrue(peer.shake_hands(kind))
                peer.send(bytes([zmtp.LONG]) + size.to_bytes(8, "big") + b"x" * 1000)
                while peer.receive():
                    pass
                peer.close()
        self.judge_memory(lambda: self.broker.rss_kib() < 400 << 10, "the memory as it was")


class Subscriptions(AbuseCase):
    def test_subscriptions_by_the_hundred_thousand_and_unsubscriptions_of_nothing(self):
        peer = zmtp.Peer(self.broker.changes, seconds=5)
        self.assertTrue(peer.shake_hands(b"SUB"))
        for chunk in range(100):
            self.assertTrue(peer.send(b"".join(zmtp.frame(b"\x01ns%d.%d/" % (chunk, n)) for n in range(1000))))
            self.assertTrue(peer.send(b"".join(zmtp.frame(b"\x00no%d.%d/" % (chunk, n)) for n in range(100))))
        peer.send(zmtp.frame(b"\x01" + b"t" * MIB))
        peer.send(b"".join(zmtp.frame(b"\x01" + b"\xffbar/" + self.rng.randbytes(16)) for _ in range(5000)))
        lane = Lane(self.broker.changes)
        lane.follow(["late"])
        eventually(lambda: self.has_barrier(lane), 20, "a barrier for somebody else", every=0)
        lane.close()
        peer.reset()

    @staticmethod
    def has_barrier(lane):
        lane.ask_barrier()
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            frame = lane.receive(0.1)
            if frame is not None and lane.is_barrier(*frame):
                return True
        return False

    @staticmethod
    def is_put(client, key):
        try:
            client.put("slow", key, "x" * 500_000)
        except Refused as refused:
            if refused.code != "overloaded":
                raise
            return False
        return True

    def test_a_subscriber_that_stops_reading_loses_its_own_frames_only(self):
        stuck = zmtp.Peer(self.broker.changes, seconds=2, receive_buffer=4096)
        self.assertTrue(stuck.shake_hands(b"SUB"))
        self.assertTrue(stuck.send(zmtp.frame(b"\x01slow/")))
        healthy = Lane(self.broker.changes)
        healthy.follow(["slow"])
        eventually(lambda: self.has_barrier(healthy), 20, "the barrier", every=0)
        client, before = Client(self.broker.requests), self.broker.rss_kib()
        for number in range(400):
            eventually(lambda number=number: self.is_put(client, f"k{number % 4}"), 20, "room for a write")
            while healthy.receive(0) is not None:
                pass
        client.close()
        self.judge_memory(lambda: self.broker.rss_kib() - before < 600 << 10, "the memory of one queue only")
        healthy.close()
        stuck.reset()


class Descriptors(AbuseCase):
    nofile = 256

    def test_more_connections_than_descriptors_and_accepting_again_within_two_seconds(self):
        peers = []
        for number in range(500):
            try:
                peer = zmtp.Peer(self.both()[number % 2], seconds=0.2)
            except OSError:
                break  # the kernel's queue of unaccepted connections is full
            peer.send(zmtp.GREETING + zmtp.ready(b"DEALER" if number % 2 == 0 else b"SUB"))
            peers.append(peer)
        before = self.witness.answers
        eventually(lambda: self.witness.answers > before + 20, 20, "the witness is served beside them")
        for peer in peers:
            peer.reset()
        start = time.monotonic()
        client = Client(self.broker.requests)
        self.assertTrue(client.hello(seconds=10)["ok"])
        took = time.monotonic() - start
        print(f"{len(peers)} connections beside 256 descriptors; accepted again after {took * 1000:.0f} ms")
        self.assertLess(took, WITNESS_WORST_SECONDS)
        client.close()


if __name__ == "__main__":
    print(f"seed {SEED}", flush=True)
    unittest.main(verbosity=2)
