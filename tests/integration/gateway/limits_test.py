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
SLACK = float(os.environ.get("PRISMBUS_TIME_SLACK", "1"))


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
        self.assertTrue(told.startswith(b"HTTP/1.1 413 "), told[:100])

    def test_what_is_around_chunks_has_a_bound_too(self):
        head = f"PUT /api/v1/config/{self.ns}/k HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        before = self.broker.rss_kib()
        for endless in (b"1;a=" + b"x" * (16 << 20), b"0\r\n" + b"X-A: y\r\n" * (2 << 20)):
            told = self.raw(head.encode() + endless)
            self.assertRegex(told[:20], rb"^(HTTP/1.1 4(13|00) .*)?$")  # the peer may still be sending when it is cut
        self.assertLess(self.broker.grown_kib(before), 8 << 10)

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
        smuggled = b"Content-Type: application/json\r\nTransfer-Encoding: %s\r\n\r\nPUT /smuggled HTTP/1.1\r\n\r\n"
        for coding in (b"xchunked", b"identity", b"gzip, chunked", b"chunked, identity", b"chunked\r\nTransfer-Encoding: chunked",
                       b"gzip\r\nContent-Length: 1"):
            told = self.raw(b"POST /api/v1/txn HTTP/1.1\r\nHost: localhost\r\n" + smuggled % coding)
            self.assertEqual((told[:13], told.count(b"HTTP/1.1 ")), (b"HTTP/1.1 400 ", 1), (coding, told))
        for data in (b"\x00" * 100, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"GET /health\r\n\r\n",
                     b"GET /health HTTP/3.0\r\nHost: localhost\r\n\r\n", b"GET /health HTTP/1.1\r\nHost localhost\r\n\r\n",
                     b"GET health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                     b"PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
                     b"PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"GET /health HTTP/1.1\r\n Host: localhost\r\n\r\n"):
            told = self.raw(data)
            self.assertTrue(told.startswith(b"HTTP/1.1 400 "), (data, told))
        self.assertEqual(self.http.get("/health").status, 200)

    def test_refusing_leaves_nothing_behind(self):
        """A thousand refusals, of every kind there is before a request is looked at; ASan looks on."""
        for _ in range(250):
            self.assertTrue(self.raw(b"GET /health HTTP/1.1\r\nHost: evil\r\n\r\n").startswith(b"HTTP/1.1 403 "))
            self.assertTrue(self.raw(b"GET /health HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 "))
            self.assertTrue(self.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").startswith(b"HTTP/1.1 400 "))
            self.raw_and_leave(b"GET /")
        self.assertEqual(self.http.put(self.ns, "k", 1).status, 201)

    def raw_and_leave(self, data):
        with self.connect() as peer:
            peer.sendall(data)

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

    def test_a_peer_that_dawdles_is_told_408_and_nobody_waits_for_it(self):
        """Ten seconds for a header, thirty for a body, byte by byte or not at all."""
        start = time.monotonic()
        headers = [self.dawdler(b"GET /health HTTP/1.1\r\nX: ") for _ in range(10)]
        put = f"PUT /api/v1/config/{self.ns}/k HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        body = self.dawdler(f"{put}Content-Length: 1000\r\n\r\n1".encode())
        for peers, after, what in ((headers, 10, b"header"), ([body], 30, b"body")):
            for peer in peers:
                answer = b""
                while (more := self.dawdled(peer)) != b"":
                    answer += more or b""
                    self.assertLess(time.monotonic() - start, (after + 15) * SLACK)
                    self.assertEqual(self.http.get("/health").status, 200)
                self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)
                self.assertIn(b'"timeout"', answer)
                self.assertIn(what + b" in time", answer)
            self.assertGreater(time.monotonic() - start, after - 2)

    def dawdler(self, beginning):
        peer = self.connect()
        peer.sendall(beginning)
        peer.settimeout(0.05)
        return peer

    def dawdled(self, peer):
        """Sends a byte; what came meanwhile: empty at the end, None when it was nothing."""
        try:
            peer.send(b"1")
        except OSError:
            pass  # closed there; what it said before is read below
        try:
            return peer.recv(1000)
        except TimeoutError:
            return None


class Rates(GatewayCase):
    gateway_args = ("--address-requests-per-second", "20", "--gateway-connections-max", "10")

    def test_a_rate_counts_an_address_over_all_its_connections_and_who_is_cut_leaves_room(self):
        statuses = []
        for _ in range(100):
            client = HttpClient(self.address)
            statuses.append(client.get("/status").status)
            client.close()
        self.assertIn(429, statuses)
        one = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for _ in range(60):  # six times as many as there may be: each is cut, none is left
            self.raw(one * 200)
        self.assertEqual(self.http.get("/health").status, 200)


class Ends(unittest.TestCase):
    def test_a_broker_that_stops_answers_what_is_under_way_and_says_that_it_stops(self):
        with Broker(args=["--gateway", "127.0.0.1:0"]).start() as broker:
            client = HttpClient(broker.ready["gateway"][0])
            self.assertEqual(client.put("a", "k", 1).status, 201)
            idle = HttpClient(broker.ready["gateway"][0])
            self.assertEqual(idle.get("/health").status, 200)
            waiting = HttpClient(broker.ready["gateway"][0])
            waiting.connection.request("GET", "/api/v1/config/a/k?min_rev=1000")
            eventually(lambda: client.get("/status").json["parked"] == 1, what="a request that waits")
            start = time.monotonic()
            self.assertEqual(broker.stop(), 0)
            self.assertLess(time.monotonic() - start, 2)
            self.assertEqual(waiting.connection.getresponse().status, 503)
            client.close(), idle.close(), waiting.close()

    def test_addresses_that_are_none_or_that_others_reach_are_refused(self):
        for address, why in (("nonsense", "--gateway"), ("http://127.0.0.1", "--gateway"), ("https://127.0.0.1", "--gateway"),
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
