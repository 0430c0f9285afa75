# Reads and compares that name a revision the broker has not applied yet: they wait, and end `unavailable`.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import time

from broker_case import BrokerCase


class MinRev(BrokerCase):
    def test_a_revision_that_is_applied_is_answered_at_once(self):
        rev = self.client.put(self.ns, "k", 1)["rev"]
        for op, fields in (("get", {"key": "k"}), ("mget", {"keys": ["k"]}), ("list", {})):
            for consistency in ("linearizable", "local"):
                reply = self.client.call(op, ns=self.ns, min_rev=rev, consistency=consistency, **fields)
                self.assertGreaterEqual(reply["rev"], rev)

    def test_a_revision_to_come_is_waited_for(self):
        rev = self.client.put(self.ns, "k", 1)["rev"]
        waiting = [self.client.send("get", ns=self.ns, key="k", min_rev=rev + 1),
                   self.client.send("mget", ns=self.ns, keys=["k"], min_rev=rev + 1),
                   self.client.send("list", ns=self.ns, min_rev=rev + 1),
                   self.client.send("put", ns=self.ns, key="k", value=3, if_rev=rev + 1)]
        self.assertIsNone(self.client.receive(0.2), "nothing is answered before it")
        self.new_client().put(self.ns, "k", 2)
        replies = [self.client.wait(request_id) for request_id in waiting]
        for reply in replies:
            self.assertTrue(reply["ok"], reply)
            self.assertGreaterEqual(reply["rev"], rev + 1)
        self.assertGreaterEqual(replies[0]["entry"]["value"], 2)

    def test_a_revision_that_does_not_come_is_unavailable_after_two_seconds(self):
        far = self.revision() + 1_000_000
        start = time.monotonic()
        waiting = [self.client.send("get", ns=self.ns, key="k", min_rev=far),
                   self.client.send("list", ns=self.ns, min_rev=far),
                   self.client.send("put", ns=self.ns, key="k", value=1, if_rev=far),
                   self.client.send("changes", under=self.ns, since_rev=far),
                   self.client.send("get", ns=self.ns, key="k", min_rev=2**64 - 1)]
        for request_id in waiting:
            self.assert_refused(self.client.wait(request_id), "unavailable")
        self.assertGreater(time.monotonic() - start, 1.5)
        self.assert_refused(self.client.ask("get", ns=self.ns, key="k"), "not_found")

    def test_many_waiting_requests_hold_nobody_else_up(self):
        far = self.revision() + 1_000_000
        patient = self.new_client()
        asked = [patient.send("get", ns=self.ns, key="k", min_rev=far) for _ in range(2000)]
        start = time.monotonic()
        self.client.put(self.ns, "k", 1)
        self.assertLess(time.monotonic() - start, 1.0)
        codes = {patient.wait(request_id)["error"]["code"] for request_id in asked}
        self.assertLessEqual(codes, {"unavailable", "overloaded"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
