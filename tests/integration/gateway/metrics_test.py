# What /metrics counts: known requests with known outcomes through both doors are seen exactly as they were, by names that are
# the broker's own whatever a peer sends, and nothing that was written or asked for is told.
import os
import random
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from canaries import Canaries
from gateway_case import GatewayCase
from gateway_client import HttpClient
from metric_samples import Samples
from prismbus_follower import Follower
from secured_case import CANARY, KEY, Secured
from waiting import eventually
from web_socket import WebSocket

REQUESTS, HTTP = "prismbus_requests_total", "prismbus_http_requests_total"
TOOK = "prismbus_request_duration_seconds"


class Counted(GatewayCase):
    gateway_args = ("--express", "tcp://127.0.0.1:0", "--heartbeat-ms", "30000")

    def samples(self):
        return Samples(self.http.get("/metrics").body.decode())

    def settled(self, before, **counts):
        """A step's times are told by the next one."""
        def seen():
            after = self.samples().since(before)
            return all(after.get(f"{TOOK}_count", **{"class": name}) >= count for name, count in counts.items()) and after
        return eventually(seen)

    def test_known_requests_are_counted_by_operation_and_code(self):
        ns, client = self.ns, self.client
        client.put(ns, "k", 1)
        before = self.samples()
        for n in range(7):
            client.put(ns, f"k{n}", n)
        self.assert_refused(client.ask("put", ns=ns, key="k", value=2, if_rev=0), "conflict")
        for _ in range(5):
            client.get(ns, "k")
        for _ in range(3):
            self.assert_refused(client.ask("get", ns=ns, key="none"), "not_found")
        client.ask("delete", ns=ns, key="k0")
        client.ask("list", ns=ns)
        self.assert_refused(client.ask("list", ns="no//name"), "invalid_argument")  # no request: its name is none
        client.ask("history", ns=ns, key="k")
        self.assert_refused(client.ask("diff", ns=ns, **{"from": 1, "to": 0, "after": b"none"}), "invalid_argument")
        self.assert_refused(client.ask("made_up_by_a_peer"), "unsupported")
        self.assert_refused(client.ask("backup", name="b"), "unsupported")
        client.ask("changes", since={ns: 0})
        client.ask("snapshot", ns=ns)
        took = {"get": 8, "write": 9, "read": 5, "wait": 1, "ack": 0}
        after = self.settled(before, **took)

        def codes(op):
            return after.by("code", REQUESTS, op=op)
        self.assertEqual(codes("put"), {"ok": 7, "conflict": 1})
        self.assertEqual(codes("get"), {"ok": 5, "not_found": 3})
        self.assertEqual(codes("delete"), {"ok": 1})
        self.assertEqual(codes("list"), {"ok": 1})
        self.assertEqual(codes("history"), {"ok": 1})
        self.assertEqual(codes("diff"), {"invalid_argument": 1})
        self.assertEqual(codes("unknown"), {"unsupported": 1})
        self.assertEqual(codes("malformed"), {"invalid_argument": 1})
        self.assertEqual(codes("backup"), {"unsupported": 1})
        self.assertEqual(codes("changes"), {"ok": 1})
        self.assertEqual(codes("snapshot"), {"ok": 1})
        self.assertEqual(after.get("prismbus_error_replies_total"), 8)
        for name, count in took.items():
            self.assertEqual(after.get(f"{TOOK}_count", **{"class": name}), count, name)
            self.assertEqual(after.get(f"{TOOK}_bucket", **{"class": name, "le": "+Inf"}), count, name)
        self.assertGreater(after.get(f"{TOOK}_sum", **{"class": "write"}), 0)
        self.assertEqual(after.get("prismbus_journal_batch_changes_sum"), 8)
        self.assertEqual(after.get("prismbus_writes_total"), 8)
        self.assertEqual(after.get("prismbus_journal_sync_duration_seconds_count"), after.get("prismbus_journal_batch_bytes_count"))
        self.assertGreater(after.get("prismbus_journal_batch_bytes_sum"), 8 * 50)
        self.assertEqual(after.by("reason", "prismbus_resyncs_total"), {"snapshot": 1, "catch_up": 1})
        self.assertEqual(after.by("lane", "prismbus_stream_change_sets_total"), {"changes": 8})

    def test_what_goes_by_express_counts_there(self):
        client = self.client
        client.put("_system.policy", self.ns, {"lane": "express"})
        before = self.samples()
        client.put(self.ns, "k", 1)
        after = self.samples().since(before)
        # A namespace created on express counts as changed: for a minute its sets go out on both.
        self.assertEqual(after.by("lane", "prismbus_stream_change_sets_total"), {"changes": 1, "express": 1})
        self.assertGreater(after.by("lane", "prismbus_stream_bytes_total")["express"], 30)

    def test_http_is_counted_by_its_route_its_method_and_its_status(self):
        self.http.put(self.ns, "k", 1)
        before = self.samples()
        entry = "/api/v1/config/{ns}/{key}"
        for _ in range(4):
            self.http.entry(self.ns, "k")
        self.http.entry(self.ns, "none")
        self.http.entry("no//name", "k")
        self.http.put(self.ns, "k", 2)
        self.http.put(self.ns, "new", 2)
        self.http.put(self.ns, "k", 2, headers={"If-None-Match": "*"})
        etag = self.http.entry(self.ns, "k").headers["etag"]
        self.http.ask("GET", f"/api/v1/config/{self.ns}/k", headers={"If-None-Match": etag})
        self.http.ask("HEAD", f"/api/v1/config/{self.ns}/k")
        self.http.ask("DELETE", f"/api/v1/config/{self.ns}/new")
        self.http.ask("PATCH", f"/api/v1/config/{self.ns}/k")
        self.http.ask("OPTIONS", "/status")
        self.http.get("/no/such/path")
        self.http.get(f"/api/v1/snapshot/{self.ns}")
        self.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost2: " + b"h" * 20_000 + b"\r\n\r\n")
        self.raw(b"no request at all\r\n\r\n")
        after = self.samples().since(before)

        def answers(route, method):
            return after.by("status", HTTP, route=route, method=method)
        self.assertEqual(answers(entry, "GET"), {"200": 5, "404": 1, "400": 1, "304": 1})
        self.assertEqual(answers(entry, "HEAD"), {"200": 1})
        self.assertEqual(answers(entry, "PUT"), {"200": 1, "201": 1, "409": 1})
        self.assertEqual(answers(entry, "DELETE"), {"200": 1})
        self.assertEqual(answers("/api/v1/snapshot/{ns}", "GET"), {"200": 1})
        self.assertEqual(answers("none", "GET"), {"404": 1})
        self.assertEqual(answers("none", "OPTIONS"), {"204": 1})
        self.assertEqual(answers("none", "other"), {"405": 1, "431": 1, "400": 1})
        self.assertEqual(answers("/metrics", "GET"), {"200": 1})  # the reading before this one
        took = "prismbus_http_request_duration_seconds_count"
        self.assertEqual({name: after.get(took, **{"class": name}) for name in ("read", "write", "snapshot", "own")},
                         {"read": 9, "write": 4, "snapshot": 1, "own": 1})
        self.assertGreaterEqual(self.samples().get("prismbus_connections", door="gateway"), 1)
        self.assertGreaterEqual(self.samples().get("prismbus_connections", door="sockets"), 1)

    def test_web_sockets_are_connections_of_their_own(self):
        before = self.samples()
        with WebSocket(self.address) as one, WebSocket(self.address) as two:
            now = eventually(lambda: (s := self.samples()).get("prismbus_connections", door="websocket") == 2 and s)
            self.assertEqual(now.since(before).get("prismbus_connections", door="gateway"), 0)
            self.assertEqual(now.since(before).get(HTTP, route="/ws/config/subscribe", method="GET", status="101"), 2)
            one.close(), two.close()
        eventually(lambda: self.samples().get("prismbus_connections", door="websocket") == 0)
        self.http.get("/ws/config/subscribe")
        after = self.samples().since(before)
        self.assertEqual(after.by("status", HTTP, route="/ws/config/subscribe"), {"101": 2, "426": 1})

    def test_followers_are_one_figure_however_many_they_are(self):
        client = self.new_client()
        client.hello(follow={"ns": [self.ns], "under": []}, client={"name": "tests", "version": "1", "labels": {}})
        self.client.put(self.ns, "k", 1)
        before = self.samples()
        self.client.put(self.ns, "k", 2)
        client.call("ack", applied={self.ns: 1})
        client.call("ack", applied={self.ns: 2}, latency_us=[700, 900],
                    rejected=[{"ns": self.ns, "seq": 2, "key": "k", "reason": "too small"}])
        after = self.samples().since(before)
        self.assertEqual(after.get("prismbus_follower_rejections_total"), 1)
        lag = "prismbus_follower_lag_change_sets"
        self.assertEqual((after.get(f"{lag}_count"), after.get(f"{lag}_sum"), after.get(f"{lag}_bucket", le="0")), (2, 1, 1))
        self.assertEqual(after.get("prismbus_follower_lag_seconds_count"), 2)
        apply = "prismbus_follower_apply_duration_seconds"
        self.assertEqual((after.get(f"{apply}_count"), after.get(f"{apply}_bucket", le="0.001")), (2, 2))
        self.assertEqual(after.get(f"{REQUESTS}", op="ack", code="ok"), 2)
        self.assertEqual(self.samples().get("prismbus_followers_silent"), 0)

    def test_a_follower_that_comes_back_is_seen_coming_up_to_date(self):
        self.client.put(self.ns, "k", 1)
        before = self.samples()
        follower = Follower(self.broker.requests, ns=[self.ns], context=self.context)
        self.addCleanup(follower.close)
        follower.join()
        follower.join()
        after = self.samples().since(before)
        self.assertEqual(after.by("reason", "prismbus_resyncs_total"), {"snapshot": 1, "catch_up": 2})
        epoch = follower.hello["epoch"]
        self.assert_refused(self.client.ask("changes", epoch=epoch ^ 1, since={self.ns: 0}), "other_history")
        self.assertEqual(self.samples().since(before).by("reason", "prismbus_resyncs_total")["other_history"], 1)

    def test_no_peer_makes_a_series(self):
        seed = random.SystemRandom().getrandbits(64)
        print("seed", seed)
        rng = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyz_"
        self.client.ask("x")
        self.http.get("/x")
        first = self.samples()
        ids = []
        for _ in range(20_000):
            ids.append(self.client.send("x" + "".join(rng.choices(letters, k=rng.randint(0, 30))), ns=self.ns))  # none is an operation
            if len(ids) == 500:
                for request in ids:
                    self.client.wait(request)
                ids.clear()
        for _ in range(2_000):
            path = "/" + "".join(rng.choices(letters + "/{}.%41", k=rng.randint(1, 30)))
            self.http.ask(rng.choice(["GET", "PUT", "POST", "DELETE"]), path, body="1")
        for n in range(300):
            self.http.entry(self.ns + str(n), "".join(rng.choices(letters, k=20)))
        last = self.samples()
        self.assertEqual(last.since(first).get(REQUESTS, op="unknown", code="unsupported"), 20_000)
        self.assertLess(len(last) - len(first), 12, last.by_key.keys() - first.by_key.keys())  # routes first used here

    def test_nothing_that_was_written_or_asked_for_is_told(self):
        canaries = Canaries()
        ns, key, value, note = (canaries.plant(name) for name in ("ns", "key", "value", "note"))
        op, path, token, query = (canaries.plant(name) for name in ("op", "path", "token", "query"))
        self.client.put(ns, key, value, note=note)
        self.http.entry(ns, key)
        self.http.get("/" + path)
        self.http.get("/api/v1/namespaces", **{"x" + query: query})
        self.client.ask(op)
        self.http.ask("GET", "/status", headers={"Authorization": f"Bearer {token}"})
        client = self.new_client()
        client.hello(follow={"ns": [ns], "under": []}, client={"name": ns, "version": "1", "labels": {key: value}})
        client.call("ack", applied={ns: 1}, rejected=[{"ns": ns, "seq": 1, "key": key, "reason": note}])
        for target in ("/metrics", "/status"):
            self.assertEqual(canaries.found_in(self.http.get(target).body), [], target)
        refused = self.http.get("/metrics", namespaces="true")  # without security nobody shows who he is
        self.assert_error(refused, 403, "permission_denied")
        self.assertEqual(canaries.found_in(refused.body), [])

    def test_every_figure_of_status_is_told(self):
        def same_connections():  # those of the tests before are still being counted out
            told, status = self.samples(), self.client.call("status")
            return sum(told.by("door", "prismbus_connections").values()) == status["connections"] and (told, status)
        told, status = eventually(same_connections)
        self.assertEqual(told.get("prismbus_applied_revision"), status["applied"])
        histograms = {name for name in told.names() if name.endswith("_bucket")}
        self.assertEqual(len(histograms), 9)
        groups = {name for name, value in status.items() if isinstance(value, dict)}
        self.assertEqual(groups, {"answers", "latency_us", "lanes", "doors", "store", "lags", "resyncs", "token_failures"})


class OfASecuredBroker(Secured):
    ARGS = ("--gateway", "127.0.0.1:0")

    def http(self, token=None):
        client = HttpClient(self.broker.ready["gateway"][0], token)
        self.addCleanup(client.close)
        return client

    def metrics(self, token, **query):
        return self.http(token).get("/metrics", **query)

    def test_namespaces_are_for_a_token_that_administers(self):
        admin = self.security.admin()
        plain = self.metrics(admin)
        self.assertNotIn(b"namespace=", plain.body)
        told = self.metrics(admin, namespaces="true")
        checked = subprocess.run(["promtool", "check", "metrics"], input=told.body, capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, b""))
        samples = Samples(told.body.decode())
        self.assertLessEqual({"a", "a.b", "a.b.c", "c"}, set(samples.by("namespace", "prismbus_namespace_keys")))
        self.assertNotIn(CANARY.encode(), told.body)
        below = Samples(self.metrics(admin, namespaces="true", under="a.b").body.decode())
        self.assertEqual(below.by("namespace", "prismbus_namespace_change_sets_total"), {"a.b": 1, "a.b.c": 1})
        self.assertEqual(below.get("prismbus_namespaces_left_out"), 0)
        reader = self.metrics(self.security.token("reader", read=["**"]), namespaces="true")
        self.assertEqual(reader.status, 403)
        self.assertNotIn(b"a.b", reader.body)
        self.assertEqual(self.metrics(None, namespaces="true").status, 401)

    def test_many_namespaces_are_cut_at_two_hundred(self):
        items = [{"op": "put", "ns": f"many.n{n:03}", "key": KEY, "value": 1} for n in range(260)]
        self.admin.call("txn", do=items)
        samples = Samples(self.metrics(self.security.admin(), namespaces="true", under="many").body.decode())
        self.assertEqual(len(samples.by("namespace", "prismbus_namespace_keys")), 200)
        self.assertEqual(samples.get("prismbus_namespaces_left_out"), 1)

    def test_refused_tokens_count_by_why(self):
        admin = self.security.admin()
        before = Samples(self.metrics(admin).body.decode())
        token = self.security.token("reader", read=["a"])
        forged = token[:-8] + "AAAAAAAA"
        for bad, times in (("no.to.ken", 3), (forged, 2)):
            for _ in range(times):
                self.assertEqual(self.http(bad).entry("a", KEY).status, 401)
        leaver = self.security.token("leaver", read=["a"])
        self.assertEqual(self.http(leaver).entry("a", KEY).status, 200)
        self.admin.put("_system.revoked", "sub/leaver", {"before": 1 << 62})
        answer = eventually(lambda: (a := self.http(leaver).entry("a", KEY)).status == 401 and a, 5, "the end of it")
        self.assertEqual(answer.json["error"]["reason"], "revoked")
        after = Samples(self.metrics(admin).body.decode()).since(before).by("reason", "prismbus_token_failures_total")
        self.assertEqual(after, {"malformed": 3, "bad_signature": 2, "revoked": 1})
        for secret in (token, forged, leaver, admin):
            self.assertNotIn(secret[-40:].encode(), self.metrics(admin).body)


if __name__ == "__main__":
    unittest.main()
