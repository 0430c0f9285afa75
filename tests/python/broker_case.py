# The base of tests against one broker: started for the class, a namespace of its own for every test, and assertions
# that cite what the contract says about failures.
import os
import unittest

import zmq

from broker_process import Broker
from prismbus_client import Client, revision_now


class BrokerCase(unittest.TestCase):
    broker_args = ()
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(args=cls.broker_args).start()
        cls.context = zmq.Context()
        cls.client = Client(cls.broker.requests, cls.context)

    @classmethod
    def tearDownClass(cls):
        alive = cls.broker.alive()
        log = cls.broker.log()
        cls.context.destroy(linger=0)
        cls.broker.remove()
        if not alive:
            raise AssertionError(f"the broker ended during the tests\n{log}")

    def setUp(self):
        self.ns = self.id().split(".")[-1] + "-" + os.urandom(3).hex()

    def new_client(self):
        client = Client(self.broker.requests, self.context)
        self.addCleanup(client.close)
        return client

    def assert_refused(self, reply, code, field=None, **more):
        """A failure reply of that code, with what comes with it."""
        self.assertFalse(reply["ok"], reply)
        error = reply["error"]
        self.assertEqual(error["code"], code, error)
        self.assertTrue(error.get("message"), error)
        if field is not None:
            self.assertEqual(error.get("field"), field, error)
        for name, value in more.items():
            self.assertEqual(error.get(name), value, error)
        return error

    def revision(self):
        return revision_now(self.client)
