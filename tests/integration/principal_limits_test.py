# What one principal may have waiting inside, over all his connections: the one over it is refused with a time, the others
# are not, and what is answered makes room (I8).
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import scratch_dir
from secured_case import KEY, Secured
from waiting import eventually

REQUESTS, BYTES = 4, 3000


class Waiting(Secured):
    def several(self, sub, n=3):
        """Connections of one principal, each with a token of its own."""
        return [self.client(sub, ["**"], ["**"]) for _ in range(n)]

    def waiting(self, client):
        """A request that waits for a revision that is not there yet, until the broker gives up or it comes."""
        rev = self.admin.call("status")["applied"] + 1
        number = client.send("get", ns="c", key=KEY, min_rev=rev)
        self.assertIsNone(client.receive(0.05), "it waits")
        return number

    def over(self, client, what):
        rev = self.admin.call("status")["applied"] + 1
        error = self.refused(client, "overloaded", "get", ns="c", key=KEY, min_rev=rev)
        self.assertIn(what, error["message"])
        self.assertGreater(error["retry_after_ms"], 0)


class PrincipalLimits(Waiting):
    ARGS = ("--principal-waiting-requests-max", str(REQUESTS), "--principal-waiting-bytes-max", str(BYTES))

    def test_requests_are_bounded_over_all_connections_of_a_principal_and_of_no_other(self):
        alice, bob = self.several("alice"), self.several("bob")
        held = [(client, self.waiting(client)) for client in (alice[0], alice[0], alice[1], alice[2])]
        for client in alice:
            self.over(client, "requests of this principal")
        for client in bob:
            held.append((client, self.waiting(client)))
        self.assertTrue(alice[0].ask("get", ns="c", key=KEY)["ok"], "what waits for nothing is served")
        self.assertTrue(bob[0].ask("put", ns="c", key="k", value=1)["ok"], "the write that all wait for")
        for client, number in held:
            self.assertTrue(client.wait(number)["ok"])
        self.assertTrue(alice[1].ask("list", ns="c")["ok"], "there is room again")

    def test_status_shows_the_limits_at_work(self):
        erin = self.several("erin")
        before = self.admin.call("status")
        held = [(client, self.waiting(client)) for client in (erin[0], erin[0], erin[1], erin[2])]
        for client in erin:
            self.over(client, "requests of this principal")
        during = self.admin.call("status")
        self.assertEqual(during["in_flight"] - before["in_flight"], REQUESTS)
        self.assertGreater(during["in_flight_bytes"], before["in_flight_bytes"])
        self.assertEqual(during["refused_principal_requests"] - before["refused_principal_requests"], 3)
        self.assertGreaterEqual(during["connections"], 4)
        self.admin.put("c", "k", 3)
        for client, number in held:
            self.assertTrue(client.wait(number)["ok"])
        after = self.admin.call("status")
        self.assertEqual((after["in_flight"], after["in_flight_bytes"]), (0, 0))
        self.assertEqual({name for name in after if name.startswith(("refused_", "cut_")) and after[name] > 0} -
                         {"refused_principal_requests", "refused_principal_bytes"}, set(), "no other limit was met")

    def test_bytes_are_bounded_over_all_connections_of_a_principal_and_of_no_other(self):
        carol, dave = self.several("carol"), self.several("dave")
        held = []
        rev = self.admin.call("status")["applied"] + 1
        filler = b"x" * 1400  # a field nobody knows counts as well
        for client in carol[:2]:
            held.append((client, client.send("get", ns="c", key=KEY, min_rev=rev, filler=filler)))
            self.assertIsNone(client.receive(0.05))
        error = self.refused(carol[2], "overloaded", "get", ns="c", key=KEY, min_rev=rev, filler=filler)
        self.assertIn("bytes of this principal", error["message"])
        held.append((dave[0], dave[0].send("get", ns="c", key=KEY, min_rev=rev, filler=filler)))
        self.assertIsNone(dave[0].receive(0.05))
        self.admin.put("c", "k", 2)
        for client, number in held:
            self.assertTrue(client.wait(number)["ok"])
        self.assertTrue(carol[2].ask("get", ns="c", key=KEY, min_rev=rev, filler=filler)["ok"])


class Reload(Waiting):
    """HUP: both limits at once, and away again."""

    @classmethod
    def setUpClass(cls):
        cls.file = os.path.join(scratch_dir(), "prismbusd.toml")
        cls.ARGS = ("--config", cls.file)
        cls.write("")
        super().setUpClass()

    @classmethod
    def write(cls, text):
        with open(cls.file, "w", encoding="utf-8") as file:
            file.write(text)

    def take(self, text):
        told = self.broker.log().count("event=reloaded")
        self.write(text)
        self.broker.signal(signal.SIGHUP)
        eventually(lambda: self.broker.log().count("event=reloaded") > told, what="the settings read anew")

    def wait_together(self, clients):
        held = [(client, self.waiting(client)) for client in clients]
        self.admin.put("c", "k", 1)
        for client, number in held:
            self.assertTrue(client.wait(number)["ok"])

    def test_requests(self):
        alice = self.several("alice", 2)
        self.wait_together(alice)
        self.take("principal_waiting_requests_max = 1\n")
        held = self.waiting(alice[0])
        self.over(alice[1], "requests of this principal")
        self.admin.put("c", "k", 1)
        self.assertTrue(alice[0].wait(held)["ok"])
        self.take("")
        self.wait_together(alice)

    def test_bytes(self):
        bob = self.several("bob", 2)
        self.wait_together(bob)
        self.take("principal_waiting_bytes_max = 1\n")
        held = self.waiting(bob[0])  # the first one always has its place
        self.over(bob[1], "bytes of this principal")
        self.admin.put("c", "k", 1)
        self.assertTrue(bob[0].wait(held)["ok"])
        self.take("principal_waiting_bytes_max = 0\n")
        self.wait_together(bob)


if __name__ == "__main__":
    unittest.main(verbosity=2)
