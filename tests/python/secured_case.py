# The base of the tests of security: a broker with it on, an admin, and namespaces whose content is a canary.
import os
import unittest

import zmq

from prismbus_client import tune
from secured import SecureClient, Security, curve

CANARY = "canary-7f3a"  # in every value, key and note that somebody else may not see
KEY = f"{CANARY}-key"


class Secured(unittest.TestCase):
    ARGS = ()

    @classmethod
    def setUpClass(cls):
        cls.security = Security()
        cls.broker = cls.security.broker(cls.ARGS).start()
        cls.admin = cls.client_of(cls.security.admin())
        for ns in ("a", "a.b", "a.b.c", "a-b", "c", "d.e"):
            cls.admin.put(ns, KEY, f"{CANARY}-value", note=f"{CANARY}-note")

    @classmethod
    def tearDownClass(cls):
        cls.admin.close()
        cls.broker.remove()

    @classmethod
    def client_of(cls, token=None, **options):
        return SecureClient(cls.broker.requests, cls.security.public, token, **options)

    def client(self, *args, **rights):
        client = self.client_of(self.security.token(*args, **rights))
        self.addCleanup(client.close)
        return client

    def stranger(self):
        client = self.client_of()
        self.addCleanup(client.close)
        return client

    def subscriber(self, *names):
        """A raw SUB of these namespaces, or of everything, whose subscriptions are in force."""
        socket = curve(tune(zmq.Context.instance().socket(zmq.SUB)), self.security.public)
        socket.connect(self.broker.changes)
        for topic in [f"{name}/".encode() for name in names] or [b""]:
            socket.setsockopt(zmq.SUBSCRIBE, topic)
        socket.setsockopt(zmq.SUBSCRIBE, b"\xffbar/" + os.urandom(16))
        self.addCleanup(socket.close)
        while not socket.recv().startswith(b"\xffbar/"):
            pass
        return socket

    def refused(self, client, code, op, /, **fields):
        reply = client.ask(op, **fields)
        self.assertFalse(reply["ok"], (op, fields, reply))
        self.assertEqual(reply["error"]["code"], code, (op, fields, reply))
        self.assertNotIn(CANARY, repr(reply))
        return reply["error"]
