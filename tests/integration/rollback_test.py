# What the contract says of reads of the past and of rollbacks beside their results: waiting, refusals, cursors, request
# ids across a restart, limits, writes in the middle.
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_case import BrokerCase
from prismbus_client import Client

FAR = 1 << 40


class Past(BrokerCase):
    def setUp(self):
        super().setUp()
        self.first = self.client.put(self.ns, "k", 1)["rev"]
        self.second = self.client.put(self.ns, "k", 2)["rev"]

    def test_a_read_above_the_applied_revision_waits_for_it(self):
        waiting = self.client.send("get", ns=self.ns, key="k", at=self.second + 1)
        diff = self.client.send("diff", ns=self.ns, **{"from": self.first}, to=self.second + 1)
        rollback = self.client.send("rollback", ns=self.ns, to=self.second + 1)
        third = self.new_client().call("put", ns=self.ns, key="k", value=3)["rev"]
        self.assertEqual(third, self.second + 1)
        reply = self.client.wait(waiting)
        self.assertEqual((reply["at"], reply["entry"]["value"]), (third, 3))
        self.assertEqual(self.client.wait(diff)["changes"][0]["after"]["value"], 3)
        self.assertEqual(self.client.wait(rollback)["changes"], 0)

    def test_what_never_comes_is_unavailable(self):
        for op, fields in (("get", {"key": "k", "at": FAR}), ("list", {"at": FAR}), ("mget", {"keys": ["k"], "at": FAR}),
                           ("diff", {"from": FAR, "to": 0}), ("rollback", {"to": FAR})):
            self.assert_refused(self.client.ask(op, ns=self.ns, **fields), "unavailable")

    def test_a_moment_to_come_is_answered_with_what_is(self):
        reply = self.client.call("get", ns=self.ns, key="k", at_time=FAR << 20)
        self.assertEqual((reply["at"], reply["entry"]["value"]), (reply["rev"], 2))

    def test_at_and_at_time_together_are_refused(self):
        for op, fields in (("get", {"key": "k"}), ("list", {}), ("mget", {"keys": ["k"]})):
            reply = self.client.ask(op, ns=self.ns, at=1, at_time=1, **fields)
            self.assert_refused(reply, "invalid_argument", field="at_time")

    def test_a_read_of_now_has_no_at_and_local_ones_are_served(self):
        self.assertNotIn("at", self.client.call("get", ns=self.ns, key="k"))
        for consistency in ("local", "linearizable"):
            reply = self.client.call("list", ns=self.ns, consistency=consistency, min_rev=self.second, at=self.first)
            self.assertEqual((reply["at"], reply["entries"][0]["value"]), (self.first, 1))

    def test_before_the_first_revision_there_is_nothing(self):
        self.assertEqual(self.client.call("list", ns=self.ns, at=0)["entries"], [])
        self.assertEqual(self.client.call("list", ns=self.ns, at_time=0)["at"], 0)
        reply = self.client.ask("get", ns=self.ns, key="k", at=0)
        self.assert_refused(reply, "not_found")
        self.assertEqual(reply["at"], 0)

    def test_cursors_are_of_one_op_and_one_revision(self):
        self.client.put(self.ns, "l", 1)
        now = self.client.call("list", ns=self.ns, limit=1)["after"]
        past = self.client.call("list", ns=self.ns, limit=1, at=self.second + 1)["after"]
        history = self.client.call("history", ns=self.ns, key="k", limit=1)["after"]
        diff = self.client.call("diff", ns=self.ns, **{"from": 0}, to=self.second + 1, limit=1)["after"]
        wrong = [("list", {"after": past}), ("list", {"after": now, "at": self.second}),
                 ("list", {"after": past, "at": self.second}), ("mget", {"keys": ["k"], "at": 1, "after": past}),
                 ("history", {"key": "k", "after": diff}), ("diff", {"from": 0, "to": 0, "after": history}),
                 ("diff", {"from": 0, "to": self.second, "after": diff}), ("history", {"key": "k", "after": b""})]
        for op, fields in wrong:
            self.assert_refused(self.client.ask(op, ns=self.ns, **fields), "invalid_argument", field="after")
        self.assertTrue(self.client.ask("list", ns=self.ns, after=past, at_time=1)["ok"])


class Rollback(BrokerCase):
    def test_one_key_leaves_the_others_alone(self):
        to = self.client.txn([{"op": "put", "ns": self.ns, "key": key, "value": 1} for key in "ab"])["rev"]
        for key in "abc":
            self.client.put(self.ns, key, 2)
        reply = self.client.call("rollback", ns=self.ns, key="a", to=to)
        self.assertEqual((reply["changes"], reply["seq"]), (1, 5))
        self.assertEqual({e["key"]: e["value"] for e in self.client.list(self.ns)}, {"a": 1, "b": 2, "c": 2})
        self.assertEqual(self.client.call("rollback", ns=self.ns, key="c", to=to)["changes"], 1)  # it was not there
        self.assertEqual({e["key"]: e["value"] for e in self.client.list(self.ns)}, {"a": 1, "b": 2})
        self.assertEqual(self.client.call("rollback", ns=self.ns, key="never", to=to)["changes"], 0)

    def test_without_a_difference_there_is_no_revision(self):
        to = self.client.put(self.ns, "k", 1)["rev"]
        again = self.client.put(self.ns, "k", 1)
        reply = self.client.call("rollback", ns=self.ns, to=to)
        self.assertEqual((reply["changes"], reply["rev"], reply["seq"]), (0, again["rev"], again["seq"]))
        self.assertEqual(self.revision(), again["rev"])
        self.assertEqual(self.client.call("rollback", ns=self.ns + "-none", to=to)["seq"], 0)

    def test_stored_bytes_are_what_counts(self):
        to = self.client.put(self.ns, "k", 1)["rev"]
        self.client.put(self.ns, "k", 1.0)
        self.assertEqual(self.client.call("rollback", ns=self.ns, to=to)["changes"], 1)
        self.assertIs(type(self.client.get(self.ns, "k")["value"]), int)

    def test_over_the_limits_of_a_transaction_it_is_too_large_with_the_count(self):
        to = self.client.put("other", "k", 1)["rev"]
        for part in range(3):
            self.client.txn([{"op": "put", "ns": self.ns, "key": f"{part}-{i}", "value": i} for i in range(500)])
        before = self.revision()
        reply = self.client.ask("rollback", ns=self.ns, to=to)
        self.assert_refused(reply, "too_large", limit=1000, size=1500, field="to")
        self.assertEqual(self.revision(), before)

    def test_over_the_bytes_of_a_transaction_too(self):
        keys = [f"k{i}" for i in range(5)]
        for key in keys:
            to = self.client.put(self.ns, key, b"x" * 900_000)["rev"]
        for key in keys:
            self.client.delete(self.ns, key)
        size = 5 * (900_000 + 5 + 2)
        self.assert_refused(self.client.ask("rollback", ns=self.ns, to=to), "too_large", limit=4 << 20, size=size)

    def test_the_brokers_own_namespaces_are_unsupported(self):
        self.assert_refused(self.client.ask("rollback", ns="_system.x", to=1), "unsupported", field="ns")

    def test_ten_thousand_keys_and_more_are_planned_in_steps(self):
        for part in range(25):
            self.client.txn([{"op": "put", "ns": self.ns, "key": f"{part}/{i}", "value": i} for i in range(1000)])
        to = self.revision()
        changed = [f"{part}/{part}" for part in range(25)]
        for key in changed:
            self.client.put(self.ns, key, "changed")
        self.client.put(self.ns, "zz", "new")
        self.assertEqual(self.client.call("rollback", ns=self.ns, to=to)["changes"], 26)
        self.assertEqual([e["value"] for e in self.client.call("mget", ns=self.ns, keys=changed)["entries"]],
                         list(range(25)))

    def test_writes_in_the_middle_are_rolled_back_or_come_after(self):
        """One writer, many rollbacks: each leaves the namespace as it was, but for what came after its revision."""
        to = self.client.txn([{"op": "put", "ns": self.ns, "key": f"k{i}", "value": "then"} for i in range(200)])["rev"]
        stop, writes = threading.Event(), []

        def write():
            with Client(self.broker.requests) as client:
                count = 0
                while not stop.is_set():
                    count += 1
                    writes.append(client.put(self.ns, f"k{count % 200}", count)["rev"])

        writer = threading.Thread(target=write)
        writer.start()
        try:
            rollbacks = []
            while len(rollbacks) < 30:
                reply = self.client.ask("rollback", ns=self.ns, to=to)
                if reply["ok"] and reply["changes"]:
                    rollbacks.append(reply)
                elif not reply["ok"]:
                    self.assert_refused(reply, "overloaded")
        finally:
            stop.set()
            writer.join()
        for reply in rollbacks:
            entries = [e for page in self.client.pages("list", ns=self.ns, at=reply["rev"]) for e in page["entries"]]
            self.assertEqual({entry["value"] for entry in entries}, {"then"})
            self.assertEqual(len(entries), 200)
            # Nothing was restored that already was as it should be.
            before = self.client.call("diff", ns=self.ns, **{"from": reply["rev"] - 1}, to=reply["rev"])
            self.assertEqual(len(before["changes"]), reply["changes"])
        self.assertGreater(len(writes), 0)
        print(f"{len(rollbacks)} rollbacks beside {len(writes)} writes")


class RequestIds(BrokerCase):
    def test_a_repeat_gets_the_first_outcome_also_after_a_restart(self):
        to = self.client.put(self.ns, "k", 1)["rev"]
        self.client.put(self.ns, "k", 2)
        req = [os.urandom(8), 1]
        first = self.client.call("rollback", ns=self.ns, to=to, req=req)
        self.client.put(self.ns, "k", 3)
        for _ in range(2):
            again = self.client.call("rollback", ns=self.ns, to=to, req=req)
            self.assertTrue(again["duplicate"])
            for name in ("rev", "seq", "changes"):
                self.assertEqual(again[name], first[name])
            self.assertEqual(self.client.get(self.ns, "k")["value"], 3)
            self.broker.kill()
            self.broker.restart_on_its_ports()
        version = self.client.call("history", ns=self.ns, key="k", limit=2)["versions"][1]
        self.assertEqual((version["rev"], version["req"], version["value"]), (first["rev"], req, 1))

    def test_two_at_once_with_one_id_are_one(self):
        to = self.client.put(self.ns, "k", 1)["rev"]
        self.client.put(self.ns, "k", 2)
        req = [os.urandom(8), 7]
        asked = [self.client.send("rollback", ns=self.ns, to=to, req=req) for _ in range(20)]
        replies = [self.client.wait(one) for one in asked]
        self.assertEqual(len({(reply["rev"], reply["seq"], reply["changes"]) for reply in replies}), 1)
        self.assertEqual(sum("duplicate" not in reply for reply in replies), 1)

    def test_no_difference_is_not_remembered(self):
        to = self.client.put(self.ns, "k", 1)["rev"]
        req = [os.urandom(8), 1]
        self.assertEqual(self.client.call("rollback", ns=self.ns, to=to, req=req)["changes"], 0)
        self.client.put(self.ns, "k", 2)
        self.assertEqual(self.client.call("rollback", ns=self.ns, to=to, req=req)["changes"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
