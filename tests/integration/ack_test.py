# ack, subscribers and wait_applied against a real broker, by a client written from proto/PROTOCOL.md: who follows, what
# it has reached, who is waited for and what a follower that refuses leaves behind.
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_case import BrokerCase
from waiting import eventually


class AckCase(BrokerCase):
    def follower(self, instance, *names, under=()):
        client = self.new_client()
        client.hello(client={"name": "t", "version": "1", "instance": instance, "labels": {"zone": "b"}},
                     follow={"ns": list(names), "under": list(under)})
        return client

    def instances(self, ns):
        return [row["instance"] for page in self.client.pages("subscribers", ns=ns) for row in page["subscribers"]]


class Ack(AckCase):
    def test_ack_before_hello_is_unauthenticated_also_with_a_token(self):
        client = self.new_client()
        self.assert_refused(client.ask("ack", applied={}), "unauthenticated")
        self.assert_refused(client.ask("ack", applied={}, token="x.y.z"), "unauthenticated")
        client.hello(follow={"ns": [self.ns]})
        self.assertEqual(client.call("ack", applied={})["behind"], {})

    def test_behind_names_what_is_followed_and_not_reached_with_its_head(self):
        one, other = self.ns + ".one", self.ns + "x"
        client = self.follower("i", under=[self.ns])
        for ns in (self.ns, one, other):
            self.client.put(ns, "k", 1)
        behind = client.call("ack", applied={})["behind"]
        self.assertEqual(sorted(behind), [self.ns, one])
        self.assertEqual(behind[one]["seq"], 1)
        self.assertEqual(set(behind[one]), {"seq", "rev", "time", "hash", "lane"})
        reply = client.call("ack", applied={self.ns: 1, one: 1})
        self.assertEqual(reply["behind"], {})
        self.assertGreater(reply["ack_ms"], 0)

    def test_ack_ms_of_an_ack_is_that_of_hello_cut_to_a_common_moment(self):
        client = self.follower("i", self.ns)
        greeted = client.hello(follow={"ns": [self.ns]})["ack_ms"]
        told = client.call("ack", applied={})["ack_ms"]
        self.assertLessEqual(told, greeted)
        self.assertGreater(told, greeted - 10)

    def test_a_malformed_ack_is_refused_at_its_field_and_notes_nothing(self):
        client = self.follower("i", self.ns)
        self.client.put(self.ns, "k", 1)
        wrong = {"ns": self.ns, "seq": 1, "key": "k", "reason": "r" * 513}
        self.assert_refused(client.ask("ack", applied={self.ns: 1}, rejected=[wrong]), "too_large", limit=512, size=513)
        self.assert_refused(client.ask("ack"), "invalid_argument", field="applied")
        self.assertIn(self.ns, client.call("ack", applied={})["behind"])


class Subscribers(AckCase):
    def test_a_row_tells_what_its_follower_said(self):
        client = self.follower("i-7", self.ns)
        self.client.put(self.ns, "k", 1)
        self.client.put(self.ns, "k", 2)
        client.call("ack", applied={self.ns: 1}, latency_us=[30, 10, 20], state="live",
                    rejected=[{"ns": self.ns, "seq": 1, "key": "k", "reason": "must be > 5"}])
        row, = self.client.call("subscribers", ns=self.ns)["subscribers"]
        self.assertEqual((row["principal"], row["instance"], row["name"]), ("anonymous", "i-7", "t"))
        self.assertEqual((row["labels"], row["endpoint"]), ({"zone": "b"}, "127.0.0.1"))
        self.assertEqual((row["applied"], row["lag"], row["state"]), ({self.ns: 1}, 1, "live"))
        self.assertEqual(row["rejected"], [{"ns": self.ns, "seq": 1, "key": "k", "reason": "must be > 5"}])
        self.assertEqual((row["rejections"], row["silent"]), (1, False))
        self.assertEqual(row["latency_us"]["p50"], 20)
        self.assertLessEqual(row["since"], row["last_seen"])

    def test_pages_give_each_follower_once(self):
        followers = [self.follower(f"i-{n}", self.ns) for n in range(7)]
        seen = [row["instance"] for page in self.client.pages("subscribers", ns=self.ns, limit=3)
                for row in page["subscribers"]]
        self.assertEqual(sorted(seen), [f"i-{n}" for n in range(len(followers))])
        self.assert_refused(self.client.ask("subscribers", after=b"nonsense"), "invalid_argument", field="after")

    def test_a_connection_that_ends_leaves_the_table(self):
        client = self.follower("gone", self.ns)
        self.assertEqual(self.instances(self.ns), ["gone"])
        client.close()
        eventually(lambda: self.instances(self.ns) == [], what="the end of a closed connection's row")


class WaitApplied(AckCase):
    def test_a_wait_ends_with_the_last_ack_and_names_who_applied_and_who_refused(self):
        first, second = self.follower("one", self.ns), self.follower("two", under=[self.ns])
        seq = self.client.put(self.ns, "k", 1)["seq"]
        waiting = self.client.send("wait_applied", ns=self.ns, seq=seq, timeout_ms=20_000)
        first.call("ack", applied={self.ns: seq})
        self.assertIsNone(self.client.receive(0.1), "one of two is not enough")
        second.call("ack", applied={self.ns: seq},
                    rejected=[{"ns": self.ns, "seq": seq, "key": "k", "reason": "must be > 5"}])
        reply = self.client.wait(waiting)
        self.assertEqual((reply["applied"], reply["rejected"], reply["silent"]), (["one"], ["two"], []))
        self.assertEqual(reply["reasons"], [{"instance": "two", "key": "k", "reason": "must be > 5"}])

    def test_a_wait_that_is_over_names_the_silent(self):
        self.follower("mute", self.ns)
        seq = self.client.put(self.ns, "k", 1)["seq"]
        start = time.monotonic()
        reply = self.client.call("wait_applied", ns=self.ns, seq=seq, timeout_ms=300)
        self.assertGreaterEqual(time.monotonic() - start, 0.29)
        self.assertEqual((reply["applied"], reply["rejected"], reply["silent"]), ([], [], ["mute"]))

    def test_a_count_is_enough(self):
        followers = [self.follower(f"i-{n}", self.ns) for n in range(3)]
        seq = self.client.put(self.ns, "k", 1)["seq"]
        waiting = self.client.send("wait_applied", ns=self.ns, seq=seq, timeout_ms=20_000, count=1)
        followers[1].call("ack", applied={self.ns: seq})
        self.assertEqual(self.client.wait(waiting)["applied"], ["i-1"])

    def test_nobody_follows_is_answered_at_once(self):
        reply = self.client.call("wait_applied", ns=self.ns, seq=1, timeout_ms=60_000)
        self.assertEqual((reply["applied"], reply["rejected"], reply["silent"]), ([], [], []))

    def test_limits_and_fields_are_told(self):
        self.assert_refused(self.client.ask("wait_applied", ns=self.ns, seq=1, timeout_ms=60_001), "too_large",
                            field="timeout_ms", limit=60_000)
        self.assert_refused(self.client.ask("wait_applied", ns=self.ns, seq=1), "invalid_argument", field="timeout_ms")


if __name__ == "__main__":
    unittest.main(verbosity=2)
