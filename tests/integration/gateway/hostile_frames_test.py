# WebSocket frames as no library sends them (RFC 6455, 5.5, 7.4, 8.1), and peers that break off at the worst moment: each is
# closed with its code or cut, the broker's memory stays where it was (I8), and a witness hears every change meanwhile.
import os
import socket
import struct
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from broker_process import Broker
from gateway_case import GatewayCase
from gateway_client import HttpClient
from waiting import eventually
from web_socket import WebSocket

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ASKED = (b"GET /ws/config/subscribe HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def frame(opcode, data=b"", fin=True, masked=True, reserved=0, claim=None):
    """One frame; `claim`: the length that its header says."""
    size = len(data) if claim is None else claim
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 1 << 16:
        head += bytes([mask_bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", size)
    return head + (bytes(4) + data if masked else data)  # a mask of zeros


class RawSocket:
    def __init__(self, address, receive_buffer=None):
        split = urllib.parse.urlsplit(address)
        self.peer = socket.socket()
        if receive_buffer:
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.peer.settimeout(20)
        self.peer.connect((split.hostname, split.port))
        self.received = b""

    def shake_hands(self):
        self.peer.sendall(ASKED)
        while b"\r\n\r\n" not in self.received:
            piece = self.peer.recv(4096)
            assert piece, self.received
            self.received += piece
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101 "), head
        return self

    def send(self, *frames):
        """False: the other side wants nothing more."""
        try:
            self.peer.sendall(b"".join(frames))
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def more(self):
        try:
            piece = self.peer.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.received += piece
        return bool(piece)

    def next_frame(self):
        """(opcode, payload); None when the connection has ended."""
        while True:
            at, size = 2, self.received[1] & 0x7f if len(self.received) >= 2 else None
            if size == 126 and len(self.received) >= 4:
                at, size = 4, struct.unpack(">H", self.received[2:4])[0]
            elif size == 127 and len(self.received) >= 10:
                at, size = 10, struct.unpack(">Q", self.received[2:10])[0]
            elif size in (126, 127):
                size = None
            if size is not None and len(self.received) >= at + size:
                opcode, payload = self.received[0] & 0xf, self.received[at:at + size]
                self.received = self.received[at + size:]
                return opcode, payload
            if not self.more():
                return None

    def end(self):
        """The code of the close frame that ends it; None: cut without one."""
        code = None
        while (got := self.next_frame()) is not None:
            if got[0] == CLOSE:
                code = struct.unpack(">H", got[1][:2])[0] if got[1] else 1005
                self.send(frame(CLOSE, got[1]))
                self.peer.shutdown(socket.SHUT_WR)
        return code

    def close(self):
        self.peer.close()


class HostileCase(GatewayCase):
    def setUp(self):
        super().setUp()
        self.witness = WebSocket(self.address)
        self.addCleanup(self.witness.close)
        self.witness.subscribe(1, ns=f"{self.ns}.w", snapshot=False)
        self.witnessed = 0

    def raw_socket(self, **options):
        peer = RawSocket(self.address, **options)
        self.addCleanup(peer.close)
        return peer.shake_hands()

    def look(self):
        """The witness goes on."""
        self.witnessed += 1
        self.assertEqual(self.http.put(f"{self.ns}.w", "k", self.witnessed).status // 100, 2)
        self.assertEqual(self.witness.receive()["seq"], self.witnessed)


class MalformedFrames(HostileCase):
    def test_each_is_closed_with_its_code(self):
        subscribe = b'{"type":"pause","id":1}'
        for what, code, frames in (
                ("a reserved bit", 1002, [frame(TEXT, subscribe, reserved=4)]),
                ("the other two", 1002, [frame(TEXT, subscribe, reserved=3)]),
                ("no mask", 1002, [frame(TEXT, subscribe, masked=False)]),
                ("a reserved opcode", 1002, [frame(3, subscribe)]),
                ("a reserved control opcode", 1002, [frame(11)]),
                ("a long ping", 1002, [frame(PING, b"x" * 126)]),
                ("a long close", 1002, [frame(CLOSE, struct.pack(">H", 1000) + b"x" * 124)]),
                ("a ping in parts", 1002, [frame(PING, b"x", fin=False)]),
                ("a close in parts", 1002, [frame(CLOSE, fin=False)]),
                ("a continuation of nothing", 1002, [frame(CONTINUATION, subscribe)]),
                ("a message within another", 1002, [frame(TEXT, b"{", fin=False), frame(TEXT, b"}")]),
                ("text that is no UTF-8", 1007, [frame(TEXT, b'{"type":"\xff"}')]),
                ("an overlong slash", 1007, [frame(TEXT, b'{"type":"\xc0\xaf"}')]),
                ("half a surrogate", 1007, [frame(TEXT, b'{"type":"\xed\xa0\x80"}')]),
                ("half a character at the end", 1007, [frame(TEXT, b'{"type":"\xe2\x82')]),
                ("half a character over two frames", 1007, [frame(TEXT, b'"\xe2', fin=False), frame(CONTINUATION, b'"')]),
                ("a length beyond a message's", 1009, [frame(TEXT, b"{", claim=(2 << 20) + 1)]),
                ("a length beyond all", 1009, [frame(TEXT, b"{", claim=(1 << 63) - 1)]),
                ("a length that is no number", 1009, [frame(TEXT, b"{", claim=(1 << 64) - 1)]),
                ("a short length written long", 1002, [b"\x81\xfe\x00\x05" + bytes(4) + b"12345"]),
                ("bytes", 1003, [frame(BINARY, subscribe)]),
                ("a close with one byte", 1002, [frame(CLOSE, b"x")]),
                ("a close with code 1005", 1002, [frame(CLOSE, struct.pack(">H", 1005))]),
                ("a close with code 0", 1002, [frame(CLOSE, struct.pack(">H", 0))]),
                ("a close with code 999", 1002, [frame(CLOSE, struct.pack(">H", 999))]),
                ("a close whose reason is no UTF-8", 1002, [frame(CLOSE, struct.pack(">H", 1000) + b"\xff")]),
                ("a close", 1000, [frame(CLOSE, struct.pack(">H", 1000))]),
                ("a close of its own code", 4999, [frame(CLOSE, struct.pack(">H", 4999))]),
                ("a close without a code", 1000, [frame(CLOSE)])):
            with self.subTest(what):
                peer = self.raw_socket()
                peer.send(*frames)
                self.assertEqual(peer.end(), code)
        self.look()

    def test_control_frames_between_the_parts_of_a_message_are_well(self):
        peer = self.raw_socket()
        peer.send(frame(TEXT, b'{"type":"pau', fin=False), frame(PING, b"here?"), frame(PONG, b"unasked"),
                  frame(CONTINUATION, b"", fin=False), frame(CONTINUATION, b'se","id":1}'))
        self.assertEqual(peer.next_frame(), (PONG, b"here?"))
        self.assertIn(b'"not_found"', peer.next_frame()[1])

    def test_a_million_fragments_of_one_message(self):
        peer, before = self.raw_socket(), self.broker.rss_kib()
        peer.send(frame(TEXT, b" ", fin=False))
        for _ in range(100):
            self.assertTrue(peer.send(frame(CONTINUATION, b" ", fin=False) * 5000 + frame(CONTINUATION, b"", fin=False) * 5000))
        self.look()
        peer.send(frame(CONTINUATION, b'{"type":"pause","id":1}'))
        self.assertIn(b'"not_found"', peer.next_frame()[1])
        self.assertLess(self.broker.grown_kib(before), 8 << 10)

    def test_fragments_together_are_within_the_limit_of_a_message(self):
        peer = self.raw_socket()
        peer.send(frame(TEXT, b" ", fin=False))
        for _ in range(40):
            if not peer.send(frame(CONTINUATION, b" " * (64 << 10), fin=False)):
                break
        self.assertIn(peer.end(), (1009, None))
        self.look()

    def test_a_flood_of_pings_whose_pongs_nobody_reads(self):
        before = self.broker.rss_kib()
        peers = [self.raw_socket(receive_buffer=4096) for _ in range(10)]
        for peer in peers:
            peer.peer.setblocking(False)
        pings = frame(PING, b"x" * 125) * 500
        for _ in range(200):  # as much as each takes: in the end its pongs are stuck, and it is read no more
            for peer in peers:
                try:
                    peer.peer.send(pings)
                except BlockingIOError:
                    pass
        for _ in range(20):
            self.look()
        self.assertLess(self.broker.grown_kib(before), 16 << 10)


class PeersThatBreakOff(HostileCase):
    def test_sockets_that_vanish_in_the_handshake(self):
        for cut in list(range(0, len(ASKED), 7)) * 10:
            peer = RawSocket(self.address)
            peer.send(ASKED[:cut] if cut % 2 else ASKED)
            if cut % 3 == 0:  # reset at once
                peer.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        self.look()

    def test_who_has_only_ceased_to_send_and_reads_nothing_is_let_go(self):
        self.look()
        peers = [self.raw_socket(receive_buffer=4096) for _ in range(5)]
        for peer in peers:
            peer.send(frame(TEXT, f'{{"type":"subscribe","id":1,"ns":"{self.ns}","snapshot":false}}'.encode()))
            self.assertIn(b'"subscribed"', peer.next_frame()[1])
        for n in range(60):
            self.http.put(self.ns, "k", "x" * 100_000)
        for peer in peers:
            peer.peer.shutdown(socket.SHUT_WR)
        for peer in peers:  # long before they would be too slow
            eventually(lambda peer=peer: not peer.more(), what="that it is cut")
        self.look()

    def test_every_moment_of_a_subscription_is_one_to_vanish_in(self):
        for n in range(300):
            self.http.put(self.ns, f"k{n % 30}", "x" * 10_000)
            peer = self.raw_socket()
            peer.send(frame(TEXT, f'{{"type":"subscribe","id":1,"ns":"{self.ns if n % 2 else ""}","subtree":true}}'.encode()))
            if n % 3 == 0:
                peer.next_frame()
            if n % 5 == 0:
                peer.send(frame(CLOSE, struct.pack(">H", 1000)))
            if n % 2 == 0:
                peer.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        self.look()


class Ends(unittest.TestCase):
    """SIGTERM: sockets in every state are told or cut, in the broker's usual time."""

    def test_the_broker_ends_in_its_time_and_says_so(self):
        broker = Broker(args=("--gateway", "http://127.0.0.1:0"))
        broker.start()
        self.addCleanup(broker.kill)
        address = broker.ready["gateway"][0]
        http = HttpClient(address)
        self.addCleanup(http.close)
        idle, live = WebSocket(address), WebSocket(address)
        live.subscribe(1, ns="a", snapshot=False)
        handshaking = RawSocket(address)
        handshaking.send(ASKED[:40])
        stuck = [RawSocket(address, receive_buffer=4096).shake_hands() for _ in range(6)]
        for peer in stuck:
            peer.send(frame(TEXT, b'{"type":"subscribe","id":1,"ns":"b","snapshot":false}'))
            self.assertIn(b'"subscribed"', peer.next_frame()[1])
        for n in range(60):
            http.put("b", "k", "x" * 100_000)
        for peer in stuck[:3]:
            peer.peer.shutdown(socket.SHUT_WR)
        flooding = RawSocket(address, receive_buffer=4096).shake_hands()
        flooding.peer.setblocking(False)
        try:
            while True:
                flooding.peer.send(frame(PING, b"x" * 125) * 100)
        except BlockingIOError:
            pass
        began = time.monotonic()
        broker.process.terminate()
        self.assertEqual(idle.close_code()[0], 1001)
        self.assertEqual(live.close_code()[0], 1001)
        self.assertEqual(broker.process.wait(20), 0)
        self.assertLess(time.monotonic() - began, 5)
        for each in (idle, live, handshaking, flooding, *stuck):
            each.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
