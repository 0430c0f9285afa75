# Transactions: all or nothing, versions and seqs in the order of `do`, conditions judged first (I1, I11 from outside).
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_case import BrokerCase


def put(ns, key, value):
    return {"op": "put", "ns": ns, "key": key, "value": value}


def delete(ns, key):
    return {"op": "delete", "ns": ns, "key": key}


class Txn(BrokerCase):
    def test_one_revision_and_one_seq_in_each_namespace(self):
        a, b = self.ns + ".a", self.ns + ".b"
        self.client.put(a, "old", 1)
        start = self.client.call("snapshot", under=self.ns)["rev"]
        reply = self.client.txn([put(b, "x", 1), put(a, "y", 2), delete(a, "old"), put(b, "z", 3)], note="both")
        self.assertEqual(reply["seqs"], {a: 2, b: 1})
        self.assertEqual(reply["versions"], [1, 1, 0, 1])
        sets, _ = self.client.changes(under=self.ns, since_rev=start)
        both = [change_set for change_set in sets if change_set["rev"] == reply["rev"]]
        self.assertEqual([change_set["ns"] for change_set in both], [a, b], "ascending rev, then namespace")
        self.assertEqual({change_set["note"] for change_set in both}, {"both"})
        self.assertEqual(len({change_set["time"] for change_set in both}), 1)
        self.assertEqual({entry["key"] for entry in self.client.list(a)}, {"y"})

    def test_all_or_nothing_when_a_condition_fails(self):
        rev = self.client.put(self.ns, "guard", 1)["rev"]
        before = self.revision()
        for conditions, conflict in (
                ([{"ns": self.ns, "key": "guard", "rev": rev}, {"ns": self.ns, "key": "none", "rev": rev}],
                 {"ns": self.ns, "key": "none", "rev": 0}),
                ([{"ns": self.ns, "key": "guard", "rev": 0}], {"ns": self.ns, "key": "guard", "rev": rev})):
            reply = self.client.ask("txn", do=[put(self.ns, "a", 1), put(self.ns + ".b", "b", 1)],
                                    **{"if": conditions})
            self.assert_refused(reply, "conflict", **conflict)
        self.assertEqual(self.revision(), before)
        self.assertEqual(len(self.client.list(self.ns, subtree=True)), 1)

    def test_conditions_that_hold_let_it_through(self):
        rev = self.client.put(self.ns, "guard", 1)["rev"]
        self.client.txn([put(self.ns, "guard", 2)], [{"ns": self.ns, "key": "guard", "rev": rev},
                                                     {"ns": self.ns, "key": "new", "rev": 0}])
        self.assertEqual(self.client.get(self.ns, "guard")["value"], 2)

    def test_deleting_what_is_not_there_names_its_index_and_writes_nothing(self):
        before = self.revision()
        reply = self.client.ask("txn", do=[put(self.ns, "a", 1), delete(self.ns, "none")])
        self.assert_refused(reply, "not_found", index=1)
        self.assertEqual(self.revision(), before)

    def test_conditions_are_judged_before_not_found(self):
        reply = self.client.ask("txn", do=[delete(self.ns, "none")], **{"if": [{"ns": self.ns, "key": "x", "rev": 1}]})
        self.assert_refused(reply, "conflict", key="x", rev=0)

    def test_an_empty_do_and_the_same_key_twice_are_malformed(self):
        before = self.revision()
        for do in ([], [put(self.ns, "a", 1), delete(self.ns, "a")], [put(self.ns, "a", 1), put(self.ns, "a", 1)]):
            error = self.assert_refused(self.client.ask("txn", do=do), "invalid_argument")
            self.assertTrue(error["field"].startswith("do"), error)
        self.assertEqual(self.revision(), before)
        self.client.txn([put(self.ns, "a", 1), put(self.ns + ".b", "a", 1)])

    def test_a_thousand_changes_go_and_one_more_is_too_large(self):
        do = [put(self.ns, f"k{i}", i) for i in range(1001)]
        before = self.revision()
        self.assert_refused(self.client.ask("txn", do=do), "too_large", limit=1000, size=1001)
        self.assertEqual(self.revision(), before)
        reply = self.client.txn(do[:1000])
        self.assertEqual((reply["rev"], len(reply["versions"])), (before + 1, 1000))
        sets, _ = self.client.changes(since={self.ns: 0}, limit=1)
        self.assertEqual([len(change_set["changes"]) for change_set in sets], [1000], "a set is never split over pages")

    def test_bytes_over_the_limit_of_a_transaction_are_too_large(self):
        do = [put(self.ns, f"k{i}", "x" * (1 << 19)) for i in range(9)]
        before = self.revision()
        self.assert_refused(self.client.ask("txn", do=do), "too_large", limit=4 << 20)
        self.assertEqual(self.revision(), before)
        self.assertTrue(self.client.txn(do[:7])["ok"])

    def test_I1_writes_in_flight_together_get_dense_revisions_and_one_winner_per_compare(self):
        rev = self.client.put(self.ns, "k", 0)["rev"]
        clients = [self.new_client() for _ in range(4)]
        asked = [(client, client.send("put", ns=self.ns, key="k", value=i, if_rev=rev)) for client in clients
                 for i in range(25)]
        replies = [client.wait(request_id) for client, request_id in asked]
        won = [reply for reply in replies if reply["ok"]]
        self.assertEqual(len(won), 1)
        for reply in replies:
            if not reply["ok"]:
                self.assert_refused(reply, "conflict", key="k", rev=won[0]["rev"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
