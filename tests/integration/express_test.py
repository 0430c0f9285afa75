# The express lane and `_system.policy`, from outside: what is taken, where sets, markers and heads go, and that a
# namespace changes lanes without a gap (PROTOCOL section 6).
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_case import BrokerCase
from broker_process import Broker
from prismbus_client import Client
from prismbus_stream import Lane
from waiting import eventually

POLICY = "_system.policy"


class Express(BrokerCase):
    broker_args = ("--express", "tcp://127.0.0.1:0")

    def lanes(self, ns):
        """(changes, express), both following `ns`, both in force."""
        out = []
        for endpoint in (self.broker.changes, self.broker.ready["express"][0]):
            lane = Lane(endpoint, self.context)
            self.addCleanup(lane.close)
            lane.follow([ns])
            lane.ask_barrier()
            eventually(lambda lane=lane: lane.is_barrier(*(lane.receive(0.2) or (None, None, None))), 10, "a barrier")
            out.append(lane)
        return out

    def heard(self, lane, count):
        """(seq, lane said) of the next `count` sets; markers apart."""
        found = []
        while len(found) < count:
            got = lane.receive(5)
            self.assertIsNotNone(got, f"{found} and no more")
            kind, _, body = got
            if kind == "sets":
                found += [(each["seq"], each.get("lane")) for each in body if each["changes"]]
        return found

    def marker(self, lane):
        for _ in range(200):
            got = lane.receive(5)
            if got is not None and got[0] == "sets" and not got[2][0]["changes"]:
                return got[2][0]
        raise AssertionError("no marker")

    def test_hello_and_the_ready_file_name_the_lane_bound(self):
        self.assertEqual(self.client.hello()["express"], self.broker.ready["express"])

    def test_a_namespace_that_moves_goes_out_on_both_lanes_and_says_so(self):
        changes, express = self.lanes(self.ns)
        self.client.put(self.ns, "k", 1)
        self.assertEqual(self.heard(changes, 1), [(1, None)])
        self.client.put(POLICY, self.ns, {"lane": "express"})
        for value in range(3):
            self.client.put(self.ns, "k", value)
        self.assertEqual(self.heard(changes, 3), [(2, "express"), (3, "express"), (4, "express")])
        self.assertEqual(self.heard(express, 3), [(2, "express"), (3, "express"), (4, "express")])
        self.client.put(POLICY, self.ns, {"lane": "changes"})
        self.client.put(self.ns, "k", 9)
        self.assertEqual(self.heard(express, 1), [(5, "changes")])
        for lane in (changes, express):
            self.assertEqual(self.marker(lane)["lane"], "changes")
        head = self.client.ask("changes", since={self.ns: 0})["heads"][self.ns]
        self.assertEqual((head["seq"], head["lane"]), (5, "changes"))

    def test_a_namespace_created_on_express_counts_as_changed(self):
        self.client.put(POLICY, self.ns + ".**", {"lane": "express"})
        changes, express = self.lanes(self.ns + ".new")
        self.client.put(self.ns + ".new", "k", 1)
        self.assertEqual(self.heard(changes, 1), [(1, "express")])
        self.assertEqual(self.heard(express, 1), [(1, "express")])
        row = next(row for row in self.client.namespaces() if row["ns"].startswith(self.ns))
        self.assertEqual(row["lane"], "express")

    def test_a_policy_is_an_ordinary_namespace_with_versions_conditions_and_a_topic(self):
        changes, _ = self.lanes(POLICY)
        first = self.client.put(POLICY, self.ns, {"lane": "express"})
        self.assertEqual(self.heard(changes, 1)[0][0], first["seq"])
        self.assertEqual(self.client.ask("get", ns=POLICY, key=self.ns)["entry"]["value"], {"lane": "express"})
        self.assert_refused(self.client.ask("put", ns=POLICY, key=self.ns, value={}, if_rev=0), "conflict")
        self.client.put(POLICY, self.ns, {})
        self.client.delete(POLICY, self.ns)
        self.assert_refused(self.client.ask("delete", ns=POLICY, key=self.ns), "not_found")

    def test_what_is_no_policy_is_rejected_where_it_is_wrong(self):
        good = {"lane": "express"}
        for key, value, path in [("a.*", good, "key"), ("***", good, "key"), (".**", good, "key"),
                                 ("a/b", good, "key"), ("a", "express", "value"), ("a", None, "value"),
                                 ("a", {"lane": "slow"}, "value.lane"), ("a", {"lane": 1}, "value.lane"),
                                 ("a", {"roles": []}, "value.roles"), ("a", {1: 2}, "value")]:
            with self.subTest(key=key, value=value):
                error = self.assert_refused(self.client.ask("put", ns=POLICY, key=key, value=value), "rejected",
                                            path=path)
                self.assertTrue(error["reason"])
        reply = self.client.ask("txn", do=[{"op": "put", "ns": self.ns, "key": "k", "value": 1},
                                           {"op": "put", "ns": POLICY, "key": "a", "value": {"x": 1}}])
        self.assert_refused(reply, "rejected", path="do[1].value.x")
        self.assert_refused(self.client.ask("get", ns=self.ns, key="k"), "not_found")
        self.assert_refused(self.client.ask("put", ns="_system.other", key="k", value=1), "unsupported", "ns")


class WithoutTheLane(unittest.TestCase):
    def test_heads_are_true_when_a_broker_comes_back_without_its_express_lane_and_with_it_again(self):
        with Broker(args=("--express", "tcp://127.0.0.1:0")) as broker:
            broker.start()
            for ns in ("folded", "recent"):
                Client(broker.requests).put(POLICY, ns, {"lane": "express"})
                Client(broker.requests).put(ns, "k", 1)
            broker.kill()
            broker.args = []
            broker.start()
            client = Client(broker.requests)
            self.assertEqual(client.hello()["express"], [])
            self.assertEqual({row["lane"] for row in client.namespaces()}, {"changes"})
            snapshot = client.ask("snapshot", ns="recent")
            self.assertEqual(snapshot["heads"]["recent"]["lane"], "changes")
            lane = Lane(broker.changes)
            lane.follow(["recent"])
            lane.ask_barrier()
            eventually(lambda: lane.is_barrier(*(lane.receive(0.2) or (None, None, None))), 10, "a barrier")
            client.put("recent", "k", 2)
            got = lane.receive(5)
            while got[0] != "sets" or not got[2][0]["changes"]:
                got = lane.receive(5)
            self.assertEqual([each["seq"] for each in got[2]], [2])
            broker.kill()
            broker.args = ["--express", "tcp://127.0.0.1:0"]
            broker.start()
            client = Client(broker.requests)
            self.assertEqual({row["ns"]: row["lane"] for row in client.namespaces()},
                             {"folded": "express", "recent": "changes"})
            client.put("recent", "k", 3)  # the policy was read back
            self.assertEqual({row["lane"] for row in client.namespaces()}, {"express"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
