# Each limit of the gateway and what is told at it (I8); peers that are slow, break off, or speak something else; and that none
# of them is in anybody's way.
import os
import socket
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from broker_process import Broker, run_broker
from gateway_case import GatewayCase
from gateway_client import HttpClient
from waiting import eventually

HEADER_BYTES, BODY_BYTES = 16 << 10, 8 << 20


class Limits(GatewayCase):
    gateway_args = ("--gateway-connections-max", "50")

    def connect(self):
        split = urllib.parse.urlsplit(self.address)
        peer = socket.create_connection((split.hostname, split.port), timeout=60)
        self.addCleanup(peer.close)
        return peer

    def test_a_header_and_a_body_that_are_too_long(self):
        long = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * HEADER_BYTES + b"\r\n\r\n"
        self.assertTrue(self.raw(long).startswith(b"HTTP/1.1 431 "))
        head = f"PUT /api/v1/config/{self.ns}/k HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        told = self.raw(f"{head}Content-Length: {BODY_BYTES + 1}\r\n\r\n".encode())
        self.assertTrue(told.startswith(b"HTTP/1.1 413 "), told[:100])
        self.assertIn(b'"too_large"', told)
        chunks = b"".join(b"100000\r\n" + b" " * (1 << 20) + b"\r\n" for _ in range(9))
        told = self.raw(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks)
        self.assertTrue(told == b"" or told.startswith(b"HTTP/1.1 413 "), told[:100])  # reset when it sends on meanwhile

    def test_a_body_in_gzip_is_refused(self):
        answer = self.http.put(self.ns, "k", 1, headers={"Content-Encoding": "gzip"})
        self.assert_error(answer, 415, "unsupported", "Content-Encoding")

    def test_who_asks_first_whether_a_body_is_taken_is_told(self):
        peer = self.connect()
        peer.sendall(f"PUT /api/v1/config/{self.ns}/k HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     "Expect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n".encode())
        self.assertEqual(peer.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
        peer.sendall(b"7")
        self.assertTrue(peer.recv(1000).startswith(b"HTTP/1.1 201 "))

    def test_what_is_no_http_is_refused_or_cut(self):
        for data in (b"\x00" * 100, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"GET /health\r\n\r\n",
                     b"GET /health HTTP/3.0\r\nHost: localhost\r\n\r\n", b"GET /health HTTP/1.1\r\nHost localhost\r\n\r\n",
                     b"GET health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                     b"PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
                     b"PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"GET /health HTTP/1.1\r\n Host: localhost\r\n\r\n"):
            told = self.raw(data)
            self.assertTrue(told == b"" or told.startswith(b"HTTP/1.1 400 "), (data, told))
        self.assertEqual(self.http.get("/health").status, 200)

    def test_requests_sent_ahead_are_answered_in_turn(self):
        one = f"GET /api/v1/config/{self.ns}/k HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = one.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
        told = self.raw((one * 20 + last).encode())
        self.assertEqual(told.count(b"HTTP/1.1 404 "), 21)

    def test_connections_beyond_the_limit_are_told_so(self):
        kept = [self.connect() for _ in range(60)]
        told = eventually(lambda: self.full_answer(kept), what="a refused connection")
        self.assertTrue(told.startswith(b"HTTP/1.1 503 "), told)
        self.assertIn(b'"overloaded"', told)
        for peer in kept:
            peer.close()
        eventually(lambda: self.answers(), what="room again")

    def full_answer(self, peers):
        for peer in peers:
            peer.settimeout(0.01)
            try:
                if told := peer.recv(1000):
                    return told
            except OSError:
                pass
        return b""

    def answers(self):
        client = HttpClient(self.address)
        try:
            return client.get("/health").status == 200
        except OSError:
            return False
        finally:
            client.close()

    def test_a_peer_that_dawdles_is_cut_and_nobody_waits_for_it(self):
        """Ten seconds for a header, byte by byte or not at all."""
        slow = [self.connect() for _ in range(10)]
        start = time.monotonic()
        for peer in slow:
            peer.sendall(b"GET /health HTTP/1.1\r\nX: ")
        while any(self.still_there(peer) for peer in slow):
            self.assertLess(time.monotonic() - start, 40)
            self.assertEqual(self.http.get("/health").status, 200)
        self.assertGreater(time.monotonic() - start, 8)

    def still_there(self, peer):
        peer.settimeout(0.05)
        try:
            peer.send(b"x")
            return peer.recv(100) != b""
        except TimeoutError:
            return True
        except OSError:
            return False


class Ends(unittest.TestCase):
    def test_a_broker_that_stops_answers_what_is_under_way_and_says_that_it_stops(self):
        with Broker(args=["--gateway", "127.0.0.1:0"]).start() as broker:
            client = HttpClient(broker.ready["gateway"][0])
            self.assertEqual(client.put("a", "k", 1).status, 201)
            idle = HttpClient(broker.ready["gateway"][0])
            self.assertEqual(idle.get("/health").status, 200)
            start = time.monotonic()
            self.assertEqual(broker.stop(), 0)
            self.assertLess(time.monotonic() - start, 5)
            client.close(), idle.close()

    def test_addresses_that_are_none_or_that_others_reach_are_refused(self):
        for address, why in (("nonsense", "--gateway"), ("http://127.0.0.1", "--gateway"), ("https://127.0.0.1:1", "TLS"),
                             ("http://0.0.0.0:0", "plain HTTP"), ("tcp://127.0.0.1:0", "--gateway")):
            code, _, told = run_broker("--data-dir", "/nonexistent/x", "--gateway", address)
            self.assertEqual(code, 2, told)
            self.assertIn("--gateway", told)
            self.assertIn(why, told)

    def test_an_address_that_is_taken_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            broker = Broker(args=["--gateway", f"127.0.0.1:{port}"])
            self.addCleanup(broker.remove)
            broker.spawn()
            self.assertNotEqual(broker.ended(), 0)
            self.assertIn(f"127.0.0.1:{port}", broker.log())


if __name__ == "__main__":
    unittest.main()
