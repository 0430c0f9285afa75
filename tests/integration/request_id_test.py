# Request ids: an applied write is remembered and never applied again, across kills and restarts (I7).
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_case import BrokerCase
from broker_process import Broker
from prismbus_client import Client, revision_now

WINDOW = 1024


class RequestIds(BrokerCase):
    def setUp(self):
        super().setUp()
        self.session = os.urandom(8)

    def req(self, n, session=None):
        return [session or self.session, n]

    def test_I7_the_same_id_gets_the_first_outcome_whatever_the_body(self):
        first = self.client.put(self.ns, "k", 1, req=self.req(1))
        self.assertNotIn("duplicate", first)
        again = self.client.put(self.ns, "other", 2, req=self.req(1))
        self.assertTrue(again["duplicate"])
        self.assertEqual([again[name] for name in ("rev", "seq", "version")],
                         [first[name] for name in ("rev", "seq", "version")])
        self.assert_refused(self.client.ask("get", ns=self.ns, key="other"), "not_found")

    def test_deletes_and_transactions_are_remembered_too(self):
        self.client.put(self.ns, "k", 1)
        first = self.client.delete(self.ns, "k", req=self.req(1))
        again = self.client.delete(self.ns, "k", req=self.req(1))
        self.assertTrue(again["duplicate"])
        self.assertEqual(again["seq"], first["seq"])
        do = [{"op": "put", "ns": ns, "key": "a", "value": 1} for ns in (self.ns, self.ns + ".b")]
        first = self.client.txn(do, req=self.req(2))
        again = self.client.txn(do, req=self.req(2))
        self.assertTrue(again["duplicate"])
        self.assertEqual((again["rev"], again["seqs"], again["versions"]),
                         (first["rev"], first["seqs"], first["versions"]))

    def test_repeats_in_flight_together_are_applied_once(self):
        clients = [self.new_client() for _ in range(4)]
        for n in range(1, 51):
            asked = [(client, client.send("put", ns=self.ns, key="k", value=n, req=self.req(n))) for client in clients]
            replies = [client.wait(request_id) for client, request_id in asked]
            self.assertEqual(len({reply["rev"] for reply in replies}), 1)
            self.assertEqual(sum(1 for reply in replies if not reply.get("duplicate")), 1)
        self.assertEqual(self.client.get(self.ns, "k")["version"], 50)

    def test_failures_are_not_remembered(self):
        self.assert_refused(self.client.ask("put", ns=self.ns, key="k", value=1, if_rev=1, req=self.req(5)), "conflict")
        self.assertNotIn("duplicate", self.client.put(self.ns, "k", 1, req=self.req(5)))

    def test_outcomes_older_than_the_window_are_refused_as_unknown(self):
        self.client.put(self.ns, "k", 1, req=self.req(1))
        self.client.put(self.ns, "k", 2, req=self.req(WINDOW))
        self.assertTrue(self.client.put(self.ns, "k", 1, req=self.req(1))["duplicate"])
        self.client.put(self.ns, "k", 3, req=self.req(WINDOW + 1))
        before = self.revision()
        self.assert_refused(self.client.ask("put", ns=self.ns, key="k", value=1, req=self.req(1)), "invalid_argument",
                            field="req")
        self.assertEqual(self.revision(), before)
        self.assertNotIn("duplicate", self.client.put(self.ns, "k", 4, req=self.req(2)), "gaps are allowed")

    def test_sessions_do_not_know_of_each_other(self):
        self.client.put(self.ns, "k", 1, req=self.req(1))
        self.assertNotIn("duplicate", self.client.put(self.ns, "k", 2, req=self.req(1, os.urandom(8))))


class AcrossRestarts(unittest.TestCase):
    def test_I7_outcomes_survive_a_kill_and_a_clean_stop(self):
        with Broker() as broker:
            session, outcomes = os.urandom(8), {}
            for round_number, end in enumerate((broker.kill, broker.stop, broker.kill)):
                broker.start()
                client = Client(broker.requests)
                for n, reply in outcomes.items():
                    again = client.put("a", f"k{n}", "another", req=[session, n])
                    self.assertTrue(again["duplicate"])
                    self.assertEqual((again["rev"], again["seq"], again["version"]),
                                     (reply["rev"], reply["seq"], reply["version"]))
                for n in range(round_number * 100 + 1, round_number * 100 + 101):
                    outcomes[n] = client.put("a", f"k{n}", n, req=[session, n])
                self.assertEqual(revision_now(client), len(outcomes))
                client.close()
                end()
            self.assertEqual(len({reply["rev"] for reply in outcomes.values()}), 300)

    def test_I7_a_window_full_of_ids_is_remembered_across_a_restart(self):
        with Broker() as broker:
            broker.start()
            client, session = Client(broker.requests), os.urandom(8)
            replies = client.call_all("put", [{"ns": "a", "key": "k", "value": n, "req": [session, n]}
                                              for n in range(1, WINDOW + 1)])
            client.close()
            broker.kill()
            broker.start()
            client = Client(broker.requests)
            again = client.call_all("put", [{"ns": "a", "key": "k", "value": 0, "req": [session, n]}
                                            for n in range(1, WINDOW + 1)])
            self.assertTrue(all(reply.get("duplicate") for reply in again))
            self.assertEqual([reply["rev"] for reply in again], [reply["rev"] for reply in replies])
            client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
