# What the gateway speaks with TLS: versions, ciphers, certificates of clients, and peers that speak something else, stop in
# their handshake or leave in the middle of it. The other side is Python's ssl over OpenSSL and sockets of this file's own.
import json
import os
import socket
import ssl
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from broker_case import BrokerCase
from broker_process import Broker
from gateway_client import HttpClient
from tls_files import CLIENT, SERVER, Authority, TlsFiles, pem_of
from waiting import eventually
from web_socket import WebSocket

V1_0, V1_1, V1_2, V1_3 = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
HELLO_BEGUN = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
HANDSHAKE_SECONDS = 10


class TlsCase(BrokerCase):
    issued, more_args = {}, ()

    @classmethod
    def setUpClass(cls):
        cls.files = TlsFiles(**cls.issued)
        cls.broker_args = cls.files.args(*cls.more_args)
        super().setUpClass()
        cls.address = cls.broker.ready["gateway"][0]

    def http(self, tls=None, **options):
        client = HttpClient(self.address, tls=tls or self.files.client(), **options)
        self.addCleanup(client.close)
        return client

    def connect(self, seconds=60):
        split = urllib.parse.urlsplit(self.address)
        peer = socket.create_connection((split.hostname, split.port), timeout=seconds)
        self.addCleanup(peer.close)
        return peer

    def shake(self, tls, **options):
        peer = tls.wrap_socket(self.connect(), server_hostname="localhost", **options)
        self.addCleanup(peer.close)
        return peer

    def refused(self, tls, reason):
        """In the handshake, or with TLS 1.3 when the client reads: it is done before the server has judged its certificate."""
        with self.assertRaises((ssl.SSLError, ConnectionResetError)) as failed:
            peer = self.shake(tls)
            peer.sendall(GET)
            while peer.recv(1000):
                pass
        self.assertIsInstance(failed.exception, ssl.SSLError, failed.exception)
        self.assertRegex(str(failed.exception), reason)

    def read_all(self, peer):
        received = b""
        try:
            while piece := peer.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received


class Speaks(TlsCase):
    more_args = ("--gateway-hosts", "config.example.com", "--gateway-origins", "https://console.example.com")

    def test_versions(self):
        for version, name in ((V1_2, "TLSv1.2"), (V1_3, "TLSv1.3")):
            self.assertEqual(self.shake(self.files.client(version)).version(), name)
        for version in (V1_0, V1_1):
            self.refused(self.files.client(version), "PROTOCOL_VERSION")

    def test_ciphers_of_1_2_have_forward_secrecy_and_the_server_chooses(self):
        for cipher in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"):
            self.assertEqual(self.shake(self.files.client(V1_2, cipher)).cipher()[0], cipher)
        for cipher in ("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "AES256-SHA", "ECDHE-ECDSA-AES128-CCM8"):
            self.refused(self.files.client(V1_2, cipher), "HANDSHAKE_FAILURE")
        both = self.files.client(V1_2, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
        self.assertEqual(self.shake(both).cipher()[0], "ECDHE-ECDSA-AES256-GCM-SHA384")

    def test_nothing_is_compressed_and_no_session_is_taken_up_again(self):
        for version in (V1_2, V1_3):
            tls = self.files.client(version)
            first = self.shake(tls)
            first.sendall(GET)
            first.recv(1000)
            self.assertIsNone(first.compression())
            self.assertFalse(self.shake(tls, session=first.session).session_reused)
            self.assertFalse(first.session is not None and first.session.has_ticket)

    def test_http_1_1_is_the_only_protocol_there_is(self):
        tls = self.files.client()
        tls.set_alpn_protocols(["h2", "http/1.1"])
        self.assertEqual(self.shake(tls).selected_alpn_protocol(), "http/1.1")
        tls = self.files.client()
        tls.set_alpn_protocols(["h2", "smtp"])
        self.refused(tls, "(?i)no.application.protocol")

    def test_its_name_is_https_and_its_certificate_is_believed(self):
        self.assertTrue(self.address.startswith("https://127.0.0.1:"), self.address)
        self.assertEqual(self.http().get("/health").status, 200)
        with self.assertRaises(ssl.SSLCertVerificationError):
            HttpClient(self.address, tls=ssl.create_default_context()).get("/health")

    def test_everything_works_as_without(self):
        http = self.http()
        self.assertEqual(http.put(self.ns, "k", {"a": [1, 2.5, None]}).status, 201)
        self.assertEqual(http.entry(self.ns, "k").json["value"], {"a": [1, 2.5, None]})
        large = "x" * 900_000
        self.assertEqual(http.put(self.ns, "large", large).status, 201)
        self.assertEqual(http.entry(self.ns, "large").json["value"], large)
        self.assertEqual(http.ask("GET", f"/api/v1/config/{self.ns}/large", headers={"Accept-Encoding": "gzip"}).json["value"], large)
        for n in range(300):
            self.assertEqual(http.put(self.ns, f"k{n}", "y" * 1000).status, 201)
        lines = http.get(f"/api/v1/snapshot/{self.ns}").body.splitlines()
        self.assertEqual(json.loads(lines[-1]), {"end": True, "entries": 302})

    def test_requests_in_pieces_and_together(self):
        peer = self.shake(self.files.client())
        for byte in GET:
            peer.sendall(bytes([byte]))
        self.assertTrue(peer.recv(1000).startswith(b"HTTP/1.1 200 "))
        peer.sendall(GET * 20 + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        self.assertEqual(self.read_all(peer).count(b"HTTP/1.1 200 "), 21)

    def test_a_handshake_in_pieces_and_one_with_a_long_hello(self):
        for protocols, least in (([], 100), ([f"{n:0>30}" for n in range(120)], 3000)):
            for piece in (1, 3, 1000):
                tls = self.files.client()
                tls.set_alpn_protocols(["http/1.1", *protocols])
                peer = self.connect()
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                shaking = tls.wrap_bio(incoming, outgoing, server_hostname="localhost")
                sent = 0
                while not self.shaken(shaking):
                    data = outgoing.read()
                    for at in range(0, len(data), piece):
                        peer.sendall(data[at:at + piece])
                    sent += len(data)
                    incoming.write(peer.recv(65536))
                self.assertGreater(sent, least)
                shaking.write(GET)
                peer.sendall(outgoing.read())
                incoming.write(peer.recv(65536))
                self.assertTrue(shaking.read(1000).startswith(b"HTTP/1.1 200 "))

    @staticmethod
    def shaken(shaking):
        try:
            shaking.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False

    def test_a_web_socket_takes_large_messages_both_ways_and_ends_cleanly(self):
        http = self.http()
        with WebSocket(self.address, ssl=self.files.client()) as pushed:
            self.assertEqual(pushed.subscribe(ns=self.ns)[0], [])
            for n in range(25):
                wish = {"type": "subscribe", "id": n + 2, "ns": self.ns + "-other", "snapshot": False}
                pushed.send_text(" " * (40_000 * n) + json.dumps(wish))
                told = pushed.receive()
                self.assertEqual((told["type"], told["id"]), ("subscribed", n + 2))
                self.assertEqual(http.put(self.ns, f"k{n}", "x" * (40_000 * n)).status, 201)
                told = pushed.receive()
                self.assertEqual((told["type"], told["seq"], len(told["changes"][0]["value"])), ("change", n + 1, 40_000 * n))
        self.assertEqual(pushed.socket.close_code, 1000)

    def test_the_end_is_told_so_that_nothing_can_be_cut_off(self):
        for request in (GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), GET.replace(b"localhost", b"evil")):
            peer = self.shake(self.files.client(), suppress_ragged_eofs=False)
            peer.sendall(request)
            self.assertIn(b"\r\nConnection: close\r\n", self.read_all(peer))  # else SSLEOFError

    def test_a_page_is_of_this_site_only_by_https(self):
        http = self.http()
        port = urllib.parse.urlsplit(self.address).port
        for origin in (f"https://localhost:{port}", "https://console.example.com"):
            self.assertEqual(http.ask("GET", "/health", headers={"Host": f"localhost:{port}", "Origin": origin}).status, 200)
        for origin in (f"http://localhost:{port}", "http://console.example.com", "https://localhost", "null"):
            answer = http.ask("GET", "/health", headers={"Host": f"localhost:{port}", "Origin": origin})
            self.assertEqual(answer.status, 403, origin)
            http.close()

    def test_browsers_that_came_by_a_name_are_told_to_use_nothing_else(self):
        http = self.http()
        told = http.ask("GET", "/health", headers={"Host": "config.example.com"}).headers
        self.assertEqual(told["strict-transport-security"], "max-age=15552000")
        self.assertNotIn("strict-transport-security", http.ask("GET", "/health", headers={"Host": "localhost:1"}).headers)

    def test_http_spoken_to_it_is_told_what_is_spoken_here(self):
        peer = self.connect()
        peer.sendall(GET)
        told = self.read_all(peer)
        self.assertTrue(told.startswith(b"HTTP/1.1 400 "), told)
        self.assertIn("https", json.loads(told.split(b"\r\n\r\n")[1])["error"]["message"])

    def test_what_is_neither_is_cut_and_told_in_the_log(self):
        for data in (b"\x00" * 100, b"SSH-2.0-x\r\n", HELLO_BEGUN[:5] + b"\xff" * 512, b"\x80\x2e\x01\x03\x01" + b"\0" * 40, b"\x15\x03\x01\x00\x02\x01\x00"):
            peer = self.connect(seconds=5)
            peer.sendall(data)
            self.assertFalse(self.read_all(peer).startswith(b"HTTP/1.1 2"), data)
        eventually(lambda: "handshakes_failed=" in self.broker.log(), 25, "the line about handshakes")
        self.assertEqual(self.http().get("/health").status, 200)

    def test_who_leaves_in_the_middle_is_forgotten(self):
        before = self.broker.rss_kib()
        for n in range(300):
            with self.connect() as peer:
                peer.sendall((HELLO_BEGUN, GET, b"")[n % 3])
        for n in range(100):
            peer = self.shake(self.files.client())
            peer.sendall(GET[:n])
            peer.unwrap() if n == 0 else peer.close()
        self.assertEqual(self.http().get("/health").status, 200)
        self.assertLess(self.broker.grown_kib(before), 64 << 10)

    def test_handshakes_that_stall_end_in_their_time_and_nobody_waits_for_them(self):
        start = time.monotonic()
        stalled = [self.connect() for _ in range(60)]
        for n, peer in enumerate(stalled):
            peer.sendall((b"", HELLO_BEGUN[:1], HELLO_BEGUN)[n % 3])
        http, longest = self.http(), 0.0
        while left := [peer for peer in stalled if self.still_there(peer)]:
            begun = time.monotonic()
            self.assertLess(begun - start, 3 * HANDSHAKE_SECONDS, f"{len(left)} are still there")
            self.assertEqual(http.get("/health").status, 200)
            longest = max(longest, time.monotonic() - begun)
        self.assertGreater(time.monotonic() - start, 0.8 * HANDSHAKE_SECONDS)
        print(f"the longest of the others' requests took {longest * 1000:.1f} ms", flush=True)
        self.assertLess(longest, float(os.environ.get("PRISMBUS_TIME_SLACK", "1")))

    def still_there(self, peer):
        peer.settimeout(0.002)
        try:
            return peer.recv(100) != b""
        except TimeoutError:
            return True
        except OSError:
            return False


class OfRsa(TlsCase):
    issued = {"kind": "rsa2048"}

    def test_ciphers_and_versions(self):
        for cipher in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"):
            self.assertEqual(self.shake(self.files.client(V1_2, cipher)).cipher()[0], cipher)
        for cipher in ("AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA"):
            self.refused(self.files.client(V1_2, cipher), "HANDSHAKE_FAILURE")
        self.assertEqual(self.shake(self.files.client()).version(), "TLSv1.3")


class ClientCertificates(TlsCase):
    @classmethod
    def setUpClass(cls):
        clients = TlsFiles()
        cls.signer = clients.authority
        cls.more_args = ("--gateway-tls-client-ca", clients.path("ca.pem"))
        super().setUpClass()

    def test_one_that_was_signed_is_accepted(self):
        for version in (V1_2, V1_3):
            for kind in ("ec", "rsa2048"):
                shown = self.signer.issue("somebody", CLIENT, kind)
                self.assertEqual(self.http(self.files.client(version, shown=shown)).get("/health").status, 200)

    def test_one_that_another_authority_between_was_allowed_to_sign_is_accepted_with_it(self):
        between = Authority("between", above=self.signer)
        certificate, key = between.issue("somebody", CLIENT)
        tls = self.files.client(shown=(certificate + pem_of(between.certificate), key))
        self.assertEqual(self.http(tls).get("/health").status, 200)
        self.refused(self.files.client(shown=(certificate, key)), "UNKNOWN_CA")

    def test_none_and_every_other_one_are_refused(self):
        cases = (("none", None, "CERTIFICATE|HANDSHAKE_FAILURE"), ("another's", Authority().issue("x", CLIENT), "UNKNOWN_CA"),
                 ("the gateway's own authority's", self.files.authority.issue("x", CLIENT), "UNKNOWN_CA"),
                 ("of a server", self.signer.issue("x", SERVER), "CERTIFICATE"),
                 ("expired", self.signer.issue("x", CLIENT, begins=-9, ends=-1), "CERTIFICATE_EXPIRED"),
                 ("of tomorrow", self.signer.issue("x", CLIENT, begins=1), "CERTIFICATE"))
        for version in (V1_2, V1_3):
            for what, shown, reason in cases:
                with self.subTest(what, version=version):
                    self.refused(self.files.client(version, shown=shown), reason)
        self.assertEqual(self.http(self.files.client(shown=self.signer.issue("x", CLIENT))).get("/health").status, 200)


class Full(TlsCase):
    more_args = ("--gateway-connections-max", "20")

    def test_connections_beyond_the_limit_are_closed_without_a_word(self):
        kept = [self.connect() for _ in range(30)]
        eventually(lambda: sum(self.ended(peer) for peer in kept) >= 10, what="ten that were closed")
        for peer in kept:
            peer.close()
        eventually(self.answers, what="room again")

    def ended(self, peer):
        peer.settimeout(0.01)
        try:
            told = peer.recv(100)
            self.assertEqual(told, b"")
            return True
        except TimeoutError:
            return False
        except OSError:
            return True

    def answers(self):
        client = HttpClient(self.address, tls=self.files.client())
        try:
            return client.get("/health").status == 200
        except OSError:
            return False
        finally:
            client.close()


class Others(unittest.TestCase):
    def test_tls_spoken_to_plain_http_is_refused_as_no_http(self):
        with Broker(args=["--gateway", "http://127.0.0.1:0"]).start() as broker:
            address = broker.ready["gateway"][0]
            client = HttpClient(address.replace("http://", "https://"), tls=ssl.create_default_context())
            with self.assertRaises(ssl.SSLError):
                client.get("/health")
            plain = HttpClient(address)
            self.assertEqual(plain.get("/health").status, 200)
            self.assertNotIn("strict-transport-security", plain.ask("GET", "/health", headers={"Host": "localhost"}).headers)
            client.close(), plain.close()

    def test_a_broker_that_stops_answers_what_is_under_way(self):
        files = TlsFiles()
        with Broker(args=files.args()).start() as broker:
            address = broker.ready["gateway"][0]
            waiting, idle = (HttpClient(address, tls=files.client()) for _ in range(2))
            self.assertEqual(waiting.put("a", "k", 1).status, 201)
            self.assertEqual(idle.get("/health").status, 200)
            shaking = socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(address).port))
            waiting.connection.request("GET", "/api/v1/config/a/k?min_rev=1000")
            eventually(lambda: idle.get("/status").json["parked"] == 1, what="a request that waits")
            start = time.monotonic()
            self.assertEqual(broker.stop(), 0)
            self.assertLess(time.monotonic() - start, 2)
            self.assertEqual(waiting.connection.getresponse().status, 503)
            waiting.close(), idle.close(), shaking.close()


if __name__ == "__main__":
    unittest.main()
