# Frames around the payload: envelopes come back as they were, messages that are no request are answered or dropped as
# section 1 says, and nothing of it disturbs the connection or its neighbours.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import zmq

from broker_case import BrokerCase
from prismbus_client import tune
from prismbus_wire import decode, encode

HELLO = encode({"op": "hello", "id": 5})


class Framing(BrokerCase):
    def send(self, *frames):
        self.client.send_frames(*frames)

    def receive(self, seconds=10):
        return self.client.receive_frames(seconds)

    def test_a_plain_req_socket_works(self):
        socket = tune(self.context.socket(zmq.REQ))
        self.addCleanup(socket.close)
        socket.connect(self.broker.requests)
        for _ in range(3):
            socket.send(HELLO)
            self.assertTrue(socket.poll(10_000))
            self.assertTrue(decode(socket.recv())["ok"])

    def test_req_with_correlate_and_relaxed_works(self):
        socket = tune(self.context.socket(zmq.REQ))
        self.addCleanup(socket.close)
        socket.setsockopt(zmq.REQ_CORRELATE, 1)
        socket.setsockopt(zmq.REQ_RELAXED, 1)
        socket.connect(self.broker.requests)
        for _ in range(3):
            socket.send(HELLO)
            self.assertTrue(socket.poll(10_000))
            self.assertTrue(decode(socket.recv())["ok"])

    def test_every_frame_up_to_the_first_empty_one_comes_back(self):
        for envelope in ([], [b"one"], [b"one", b"\x00two", b"three"], [bytes([i]) * 40 for i in range(1, 8)]):
            self.send(*envelope, b"", HELLO)
            frames = self.receive()
            self.assertEqual(frames[:-1], [*envelope, b""])
            self.assertEqual(decode(frames[-1])["id"], 5)

    def test_not_exactly_one_payload_frame_is_malformed_with_id_0(self):
        for payload in ([], [HELLO, HELLO], [HELLO, b""], [b"", HELLO], [HELLO] * 20, [b""]):
            for envelope in ([], [b"corr"]):
                self.send(*envelope, b"", *payload)
                frames = self.receive()
                self.assertIsNotNone(frames, payload)
                self.assertEqual(frames[:-1], [*envelope, b""])
                reply = decode(frames[-1])
                self.assertEqual(reply["id"], 0)
                self.assert_refused(reply, "invalid_argument")

    def test_no_empty_frame_among_the_first_eight_is_dropped_and_the_connection_lives(self):
        for frames in ([HELLO], [b"x", HELLO], [b"x"] * 8, [b"x"] * 9 + [b"", HELLO], [b"x"] * 100):
            self.send(*frames)
        self.assertIsNone(self.receive(0.2))
        self.send(b"", HELLO)
        self.assertEqual(decode(self.receive()[-1])["id"], 5)

    def test_a_frame_over_nine_mib_costs_that_connection_alone(self):
        clumsy = self.new_client()
        clumsy.hello()
        clumsy.send_payload(b"\xc4" * (10 << 20))
        self.assertTrue(self.client.hello()["ok"])
        self.assertTrue(clumsy.ask("hello", seconds=30)["ok"], "it connects again by itself")

    def test_routing_ids_are_told_apart_even_when_two_peers_claim_the_same(self):
        sockets = []
        for _ in range(2):
            socket = tune(self.context.socket(zmq.DEALER))
            self.addCleanup(socket.close)
            socket.setsockopt(zmq.ROUTING_ID, b"same-name")
            socket.connect(self.broker.requests)
            sockets.append(socket)
        answered = 0
        for socket in sockets:
            socket.send_multipart([b"", HELLO])
            answered += bool(socket.poll(1000))
        self.assertGreaterEqual(answered, 1)
        self.assertTrue(self.client.hello()["ok"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
