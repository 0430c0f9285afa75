# Sockets that ask for more than anybody needs, as fast as they can: each is served or told that it is too much, memory stays
# bounded (I8), and a witness hears every change meanwhile.
import asyncio
import os
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

import websockets
from hostile_frames_test import CONTINUATION, TEXT, HostileCase, frame
from secured_case import Secured
from waiting import eventually
from web_socket import WebSocket

HALF_MIB, MIB = 512 << 10, 1 << 20


class Floods(HostileCase):
    def open(self, path="/ws/config/subscribe", **options):
        client = WebSocket(self.address, path, **options)
        self.addCleanup(client.close)
        return client

    def test_subscribing_pausing_and_going_without_end(self):
        """4,000 messages over 64 ids; what is live at the end has no hole (I5)."""
        client = self.open("/ws/config/subscribe?instance=flood&name=flood")
        stop = threading.Event()

        def write():
            http = self.new_http()
            n = 0
            while not stop.is_set():
                n += 1
                http.put(f"{self.ns}.{n % 5}", "k", n)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            async def flood():
                for n in range(1000):
                    id, ns = n % 64, self.ns if n % 2 else f"{self.ns}.{n % 5}"
                    subtree = "true" if n % 2 else "false"
                    await client.socket.send(f'{{"type":"subscribe","id":{id},"ns":"{ns}","subtree":{subtree}}}')
                    await client.socket.send(f'{{"type":"pause","id":{id}}}')
                    await client.socket.send(f'{{"type":"resume","id":{id}}}')
                    if n % 3:
                        await client.socket.send(f'{{"type":"unsubscribe","id":{id}}}')

            async def hear():
                """Until the last message has its answer: an id that was never there."""
                sending = asyncio.ensure_future(flood())
                await sending
                await client.socket.send('{"type":"pause","id":4711}')
                while True:
                    text = await client.socket.recv()
                    if '"id":4711' in text[:60]:
                        return

            client.seconds = 60
            client.wait(hear())
        finally:
            stop.set()
            writer.join()
        self.look()
        for id in range(64):
            client.send(type="unsubscribe", id=id)
        client.send(type="subscribe", id=5000, ns=self.ns, subtree=True, snapshot=False)
        while (message := client.receive()).get("id") != 5000:
            pass
        self.assertEqual(message["type"], "subscribed")
        seq = self.http.put(f"{self.ns}.1", "k", "end").json["seq"]
        while (message := client.receive())["type"] != "change":
            pass
        self.assertEqual((message["id"], message["seq"]), (5000, seq))

    def test_256_snapshots_of_everything_on_one_socket(self):
        for n in range(24):
            self.http.put(f"{self.ns}.{n % 6}", f"k{n}", "x" * HALF_MIB)
        client, before = self.open(seconds=120), self.broker.rss_kib()
        for id in range(256):
            client.send(type="subscribe", id=id, ns=f"{self.ns}", subtree=True)
        heads = {}
        entries = dict.fromkeys(range(256), 0)
        for n in range(5):
            self.look()
        while len(heads) < 256:
            message = client.receive()
            if message["type"] == "snapshot":
                self.assertNotIn(message["id"], heads)
                entries[message["id"]] += len(message["entries"])
            elif message["type"] == "subscribed":
                heads[message["id"]] = message["heads"]
        self.assertEqual(set(entries.values()), {24, 29 - 4})  # with the witness's key or without
        self.assertLess(self.broker.grown_kib(before), 96 << 10)

    def test_thousands_of_acks(self):
        client = self.open("/ws/config/subscribe?instance=acker")
        client.subscribe(1, ns=self.ns, snapshot=False)
        for n in range(3000):
            client.send(type="ack", applied={self.ns: 0})
        client.send(type="unsubscribe", id=77)
        self.assertEqual(client.receive()["error"]["code"], "not_found")  # all were taken, in order
        self.look()

    def test_unfinished_messages_of_many_sockets_have_a_bound_together(self):
        before, peers = self.broker.rss_kib(), []
        for _ in range(400):  # 760 MB, if all of it were kept
            peer = self.raw_socket()
            peers.append(peer)
            peer.send(frame(TEXT, b" " * 950_000, fin=False), frame(CONTINUATION, b" " * 950_000, fin=False))
        self.look()
        self.assertLess(self.broker.grown_kib(before), 400 << 10)
        told = [peer for peer in peers if peer.received or self.has_more(peer)]
        self.assertGreater(len(told), 50)
        self.assertEqual(told[0].end(), 1013)
        for peer in peers:
            peer.close()
        with self.open() as late:
            eventually(lambda: self.takes_long_messages(late), what="room for long messages again")

    @staticmethod
    def has_more(peer):
        peer.peer.settimeout(0.02)
        try:
            return peer.more()
        except TimeoutError:
            return False
        finally:
            peer.peer.settimeout(20)

    def takes_long_messages(self, client):
        client.send_text('{"type":"pause","id":9' + " " * MIB + "}")
        return client.receive()["error"]["code"] == "not_found"

    def test_a_message_that_is_never_finished_ends_its_socket(self):
        peer = self.raw_socket()
        peer.send(frame(TEXT, b"{", fin=False))
        began = time.monotonic()
        code = None
        while time.monotonic() - began < 60 and code is None:
            peer.peer.settimeout(2)
            try:
                got = peer.next_frame()
                code = struct.unpack(">H", got[1][:2])[0] if got else 0
            except TimeoutError:
                peer.send(frame(CONTINUATION, b" ", fin=False))
        self.assertEqual(code, 1008)
        self.assertLess(time.monotonic() - began, 40)


class TokenFloods(Secured):
    ARGS = ("--gateway", "127.0.0.1:0")

    def open(self, name):
        client = WebSocket(self.broker.ready["gateway"][0], token=self.security.token(name, read=["a"]))
        self.addCleanup(client.close)
        self.assertEqual(client.subscribe(1, ns="a", snapshot=False)[1]["type"], "subscribed")
        return client

    def test_good_tokens_by_the_hundred_leave_no_gap(self):
        client = self.open("renewer")
        for _ in range(100):
            client.send(type="token", token=self.security.token("renewer", read=["a"]))
            client.send(type="unsubscribe", id=9)
            self.assertEqual(client.receive()["error"]["code"], "not_found")
        seq = self.admin.put("a", "k", 1)["seq"]
        self.assertEqual(client.receive()["seq"], seq)

    def test_bad_tokens_by_the_thousand_end_the_one_that_tries_them(self):
        prober, witness = self.open("prober"), self.open("witness")
        told = []
        with self.assertRaises(websockets.ConnectionClosed) as ended:
            for n in range(5000):
                prober.send(type="token", token=f"no.such.{n}")
                told.append(prober.receive()["error"]["code"])
        self.assertEqual(ended.exception.rcvd.code, 1008)
        self.assertEqual(set(told) - {"overloaded"}, {"unauthenticated"})
        seq = self.admin.put("a", "k", 2)["seq"]
        self.assertEqual(witness.receive()["seq"], seq)


if __name__ == "__main__":
    unittest.main(verbosity=2)
