# Every route of section 8 of the contract through real sockets, by a client that shares nothing with the broker.
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from gateway_case import GatewayCase
from gateway_client import quoted
from metric_samples import Samples


class Entries(GatewayCase):
    def test_an_entry_is_created_read_changed_and_deleted(self):
        made = self.http.put(self.ns, "tick", {"size": 1.0})
        self.assertEqual(made.status, 201, made)
        self.assertEqual((made.json["seq"], made.json["version"]), (1, 1))
        read = self.http.entry(self.ns, "tick")
        self.assertEqual((read.status, read.json["value"], read.json["version"]), (200, {"size": 1.0}, 1))
        self.assertIn(b'{"size":1.0}', read.body)  # a float stays one
        changed = self.http.ask("POST", f"/api/v1/config/{self.ns}/tick", value=[1, 2], note="why")
        self.assertEqual((changed.status, changed.json["version"]), (200, 2))
        self.assertEqual(self.client.get(self.ns, "tick")["value"], [1, 2])
        gone = self.http.ask("DELETE", f"/api/v1/config/{self.ns}/tick")
        self.assertEqual((gone.status, gone.json["seq"]), (200, 3))
        self.assert_error(self.http.entry(self.ns, "tick"), 404, "not_found")
        self.assert_error(self.http.ask("DELETE", f"/api/v1/config/{self.ns}/tick"), 404, "not_found")

    def test_an_etag_spares_the_body_and_guards_the_write(self):
        self.http.put(self.ns, "k", 1)
        first = self.http.entry(self.ns, "k")
        tag = first.headers["etag"]
        epoch = self.client.ask("status")["epoch"]
        self.assertEqual(tag, f'"{epoch:016x}-{first.json["rev"]}"')
        for header in (tag, "*", f'"other", W/{tag}'):
            same = self.http.ask("GET", f"/api/v1/config/{self.ns}/k", headers={"If-None-Match": header})
            self.assertEqual((same.status, same.body, same.headers["etag"]), (304, b"", tag))
        self.assertEqual(self.http.put(self.ns, "k", 2, headers={"If-Match": tag}).status, 200)
        error = self.assert_error(self.http.put(self.ns, "k", 3, headers={"If-Match": tag}), 409, "conflict")
        self.assertEqual((error["ns"], error["key"]), (self.ns, "k"))
        self.assertEqual(error["rev"], self.client.get(self.ns, "k")["rev"])
        newer = self.http.ask("GET", f"/api/v1/config/{self.ns}/k", headers={"If-None-Match": tag})
        self.assertEqual((newer.status, newer.json["value"]), (200, 2))
        other = '"%016x-1"' % (epoch ^ 1)
        self.assert_error(self.http.put(self.ns, "k", 3, headers={"If-Match": other}), 410, "other_history")
        self.assert_error(self.http.ask("DELETE", f"/api/v1/config/{self.ns}/k", headers={"If-Match": tag}), 409, "conflict")

    def test_a_star_asks_that_there_is_something_or_nothing(self):
        star = {"If-Match": "*"}
        self.assertEqual(self.assert_error(self.http.put(self.ns, "k", 1, headers=star), 409, "conflict")["rev"], 0)
        none = {"If-None-Match": "*"}
        self.assertEqual(self.http.put(self.ns, "k", 1, headers=none).status, 201)
        self.assert_error(self.http.put(self.ns, "k", 2, headers=none), 409, "conflict")
        self.assertEqual(self.http.put(self.ns, "k", 3, headers=star).status, 200)
        self.assertEqual(self.http.ask("DELETE", f"/api/v1/config/{self.ns}/k", headers=star).status, 200)
        self.assert_error(self.http.ask("DELETE", f"/api/v1/config/{self.ns}/k", headers=star), 409, "conflict")

    def test_preconditions_that_are_none_are_named(self):
        for headers, field in (({"If-Match": "x"}, "If-Match"), ({"If-Match": 'W/"1"'}, "If-Match"),
                               ({"If-None-Match": '"x"'}, "If-None-Match"),
                               ({"If-Match": "*", "If-None-Match": "*"}, "If-None-Match")):
            self.assert_error(self.http.put(self.ns, "k", 1, headers=headers), 400, "invalid_argument", field)
        self.assert_error(self.http.entry(self.ns, "k"), 404, "not_found")

    def test_an_idempotency_key_is_done_once(self):
        for key in ("order-17", "00112233445566ff-4"):
            headers = {"Idempotency-Key": key}
            first = self.http.put(self.ns, key, 1, headers=headers)
            again = self.http.put(self.ns, key, 2, headers=headers)
            self.assertEqual((again.json["rev"], again.json["duplicate"]), (first.json["rev"], True))
            self.assertEqual(self.client.get(self.ns, key)["value"], 1)
        req = [bytes.fromhex("00112233445566ff"), 4]  # the second is the request id of the native protocol
        self.assertTrue(self.client.put(self.ns, "other", 1, req=req)["duplicate"])
        for bad in ("", "x" * 256):
            self.assert_error(self.http.put(self.ns, "k", 1, headers={"Idempotency-Key": bad}), 400, "invalid_argument",
                              "Idempotency-Key")

    def test_an_idempotency_key_holds_whatever_the_condition(self):
        self.http.put(self.ns, "k", 1)
        headers = {"Idempotency-Key": "gone", "If-Match": "*"}
        first = self.http.ask("DELETE", f"/api/v1/config/{self.ns}/k", headers=headers)
        again = self.http.ask("DELETE", f"/api/v1/config/{self.ns}/k", headers=headers)
        self.assertEqual((first.status, again.status, again.json["duplicate"]), (200, 200, True))

    def test_every_key_has_a_path_or_a_query(self):
        plain = ["a/b", "x y", "ü%", "a+b", "a?b#c", 'say "hi"', "a&b=c"]
        for key in plain + ["list", "version", "a//b", "/", "..", "a/./b", "."]:
            path = f"/api/v1/config/{self.ns}?key={quoted(key)}"
            self.assertEqual(self.http.ask("PUT", path, value=key).status, 201, key)
            self.assertEqual(self.http.get(path).json["value"], key)
            if key in plain:
                self.assertEqual(self.http.entry(self.ns, key).json["key"], key)
                self.assertEqual(self.http.get(f"/api/v1/config/{self.ns}/{quoted(key).replace('%2F', '/')}").json["key"], key)
            elif key not in ("list", "version"):
                self.assert_error(self.http.entry(self.ns, key), 400, "invalid_argument", "key")
            self.assertEqual(self.http.ask("DELETE", path).status, 200)

    def test_head_is_get_without_a_body_and_options_tells_the_methods(self):
        self.http.put(self.ns, "k", 1)
        get, head = self.http.entry(self.ns, "k"), self.http.ask("HEAD", f"/api/v1/config/{self.ns}/k")
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("etag", "content-length", "content-type"):
            self.assertEqual(head.headers[name], get.headers[name])
        options = self.http.ask("OPTIONS", f"/api/v1/config/{self.ns}/k")
        self.assertEqual((options.status, options.headers["allow"]), (204, "GET, HEAD, PUT, POST, DELETE, OPTIONS"))
        wrong = self.http.ask("PATCH", f"/api/v1/config/{self.ns}/k", value=1)
        self.assertEqual((wrong.status, wrong.headers["allow"]), (405, "GET, HEAD, PUT, POST, DELETE, OPTIONS"))
        self.assertEqual(self.http.ask("DELETE", "/api/v1/txn").status, 405)
        self.assert_error(self.http.get("/api/v2/config/a/b"), 404, "not_found")
        whole = self.http.ask("OPTIONS", "*")
        self.assertEqual((whole.status, whole.headers["allow"]), (204, "GET, HEAD, PUT, POST, DELETE, OPTIONS"))
        self.assert_error(self.http.ask("GET", "*"), 400, "invalid_argument", "target")

    def test_a_target_as_to_a_proxy_is_served_by_its_own_host(self):
        self.http.put(self.ns, "k", 1)
        path = f"/api/v1/config/{self.ns}/k"
        self.assertEqual(self.http.get("http://LOCALHOST:1" + path).json["value"], 1)
        self.assertEqual(self.http.ask("GET", "http://localhost" + path, headers={"Host": "evil.example"}).status, 200)
        self.assert_error(self.http.ask("GET", "http://evil.example" + path, headers={"Host": "localhost"}), 403, "permission_denied")


class Operations(GatewayCase):
    def fill(self, n=5):
        for i in range(n):
            self.client.put(self.ns, f"k{i}", i, note=f"n{i}")

    def test_reads_of_the_past_and_their_options(self):
        rev = self.client.put(self.ns, "k", 1)["rev"]
        time = self.client.get(self.ns, "k")["time"]
        self.client.put(self.ns, "k", 2)
        self.assertEqual(self.http.entry(self.ns, "k", at=rev).json["value"], 1)
        self.assertEqual(self.http.entry(self.ns, "k", at_time=time).json["value"], 1)
        self.assertEqual(self.http.entry(self.ns, "k", min_rev=rev, consistency="local").json["value"], 2)
        self.assert_error(self.http.entry(self.ns, "k", at="x"), 400, "invalid_argument", "at")
        epoch = self.client.ask("status")["epoch"]
        self.assertEqual(self.http.entry(self.ns, "k", at=rev, epoch=f"{epoch:016x}").json["value"], 1)
        self.assert_error(self.http.entry(self.ns, "k", at=rev, epoch=f"{epoch ^ 1:016x}"), 410, "other_history")
        self.assert_error(self.http.entry(self.ns, "k", consistency="maybe"), 400, "invalid_argument", "consistency")
        self.assert_error(self.http.entry(self.ns, "k", att=1), 400, "invalid_argument", "att")
        self.assert_error(self.http.get(f"/api/v1/config/{self.ns}/k?at=1&at=2"), 400, "invalid_argument", "at")

    def test_lists_with_pages_and_filters(self):
        self.fill(7)
        self.client.put(f"{self.ns}.below", "z", 1)
        path = f"/api/v1/config/{self.ns}/list"
        entries = [e for page in self.http.pages(path, limit=2) for e in page["entries"]]
        self.assertEqual([e["key"] for e in entries], [f"k{i}" for i in range(7)])
        self.assertEqual(len(self.http.get(path, subtree="true").json["entries"]), 8)
        self.assertEqual([e["key"] for e in self.http.get(path, glob="k[3]").json["entries"]], [])
        self.assertEqual([e["key"] for e in self.http.get(path, prefix="k3").json["entries"]], ["k3"])
        self.assertNotIn("value", self.http.get(path, values="false").json["entries"][0])
        self.assert_error(self.http.get(path, values="no"), 400, "invalid_argument", "values")
        self.assert_error(self.http.get(path, after="%"), 400, "invalid_argument", "after")
        self.assert_error(self.http.get(path, limit=0), 400, "invalid_argument", "limit")

    def test_version_is_the_row_of_the_namespace(self):
        self.fill(2)
        row = self.http.get(f"/api/v1/config/{self.ns}/version").json
        native = next(r for r in self.client.namespaces(under=self.ns) if r["ns"] == self.ns)
        native["hash"] = f"{native['hash']:016x}"
        self.assertEqual(row, native)
        self.client.put(f"{self.ns}x.below", "k", 1)
        self.assert_error(self.http.get(f"/api/v1/config/{self.ns}x/version"), 404, "not_found")

    def test_history_diff_and_rollback(self):
        first = self.client.put(self.ns, "k", 1, note="first")["rev"]
        self.client.put(self.ns, "k", 2, note="second")
        versions = self.http.get(f"/api/v1/history/{self.ns}/k").json["versions"]
        self.assertEqual([(v["value"], v["note"]) for v in versions], [(2, "second"), (1, "first")])
        self.assertEqual(len(self.http.get(f"/api/v1/history/{self.ns}", key="k", limit=1).json["versions"]), 1)
        changes = self.http.get(f"/api/v1/diff/{self.ns}", **{"from": first, "to": 0}).json["changes"]
        self.assertEqual([(c["before"]["value"], c["after"]["value"]) for c in changes], [(1, 2)])
        self.assert_error(self.http.get(f"/api/v1/diff/{self.ns}", to=0), 400, "invalid_argument", "from")
        back = self.http.ask("POST", f"/api/v1/rollback/{self.ns}", value={"to": first, "key": "k", "note": "back"})
        self.assertEqual((back.status, back.json["changes"]), (200, 1))
        self.assertEqual(self.client.get(self.ns, "k")["value"], 1)

    def test_a_transaction_is_all_or_nothing(self):
        do = [{"op": "put", "ns": self.ns, "key": "a", "value": {"$bin": "AAE="}},
              {"op": "put", "ns": f"{self.ns}.b", "key": "c", "value": 2.0}]
        done = self.http.ask("POST", "/api/v1/txn", value={"do": do, "if": [{"ns": self.ns, "key": "a", "rev": 0}]})
        self.assertEqual((done.status, done.json["seqs"], done.json["versions"]), (200, {self.ns: 1, f"{self.ns}.b": 1}, [1, 1]))
        self.assertEqual(self.client.get(self.ns, "a")["value"], b"\x00\x01")
        self.assertIsInstance(self.client.get(f"{self.ns}.b", "c")["value"], float)
        do.append({"op": "delete", "ns": self.ns, "key": "none"})
        error = self.assert_error(self.http.ask("POST", "/api/v1/txn", value={"do": do}), 404, "not_found")
        self.assertEqual(error["index"], 2)
        self.assert_error(self.http.ask("POST", "/api/v1/txn", value={"do": []}), 400, "invalid_argument", "do")
        self.assert_error(self.http.ask("POST", "/api/v1/txn", value=[1]), 400, "invalid_argument", "body")
        self.assert_error(self.http.ask("POST", "/api/v1/txn", body='{"do": [], "do": []}'), 400, "invalid_argument", "body")
        self.assert_error(self.http.ask("POST", "/api/v1/txn", value={"do": [], "token": "x"}), 400, "invalid_argument", "token")

    def test_many_keys_at_once(self):
        self.fill(3)
        answer = self.http.ask("POST", f"/api/v1/mget/{self.ns}", value={"keys": ["k2", "none", "k0"]}).json
        self.assertEqual([e and e["value"] for e in answer["entries"]], [2, None, 0])

    def test_namespaces_changes_and_subscribers(self):
        self.fill(3)
        names = [r["ns"] for page in self.http.pages("/api/v1/namespaces", under=self.ns, limit=1) for r in page["namespaces"]]
        self.assertEqual(names, [self.ns])
        changes = self.http.get(f"/api/v1/changes/{self.ns}", since=1).json
        self.assertEqual([s["seq"] for s in changes["sets"]], [2, 3])
        self.assertEqual([s["changes"][0]["value"] for s in changes["sets"]], [1, 2])
        self.assertRegex(changes["heads"][self.ns]["hash"], "^[0-9a-f]{16}$")
        self.assertRegex(changes["sets"][0]["epoch"], "^[0-9a-f]{16}$")
        below = self.http.get(f"/api/v1/changes/{self.ns}", subtree="true", since_rev=0).json
        self.assertEqual(len(below["sets"]), 3)
        self.assert_error(self.http.get(f"/api/v1/changes/{self.ns}", since_rev=0), 400, "invalid_argument", "since_rev")
        follower = self.new_client()
        follower.hello(client={"name": "book", "instance": "one"}, follow={"ns": [self.ns]})
        rows = self.http.get("/api/v1/subscribers", ns=self.ns).json["subscribers"]
        self.assertEqual([(r["name"], r["instance"], r["applied"]) for r in rows], [("book", "one", {self.ns: 0})])

    def test_a_name_is_not_taken_for_a_field(self):
        """Namespaces may be called hash, epoch and value."""
        for ns in ("hash", "epoch", "run", "value"):
            self.client.put(ns, "hash", {"hash": 7, "value": {"epoch": 8}})
            self.assertEqual(self.http.entry(ns, "hash").json["value"], {"hash": 7, "value": {"epoch": 8}})
            seq = self.http.get(f"/api/v1/config/{ns}/version").json["seq"]
            done = self.http.ask("POST", "/api/v1/txn", value={"do": [{"op": "put", "ns": ns, "key": "k", "value": 1}]})
            self.assertEqual(done.json["seqs"], {ns: seq + 1})
            heads = self.http.get(f"/api/v1/changes/{ns}", since=seq).json["heads"]
            self.assertEqual(heads[ns]["seq"], seq + 1)


class OfTheBroker(GatewayCase):
    def test_status_and_health(self):
        status = self.http.get("/status").json
        self.assertTrue(status["ok"])
        self.assertRegex(status["run"], "^[0-9a-f]{16}$")
        for path in ("/health", "/health/live", "/health/ready"):
            answer = self.http.get(path)
            self.assertEqual((answer.status, answer.json["reasons"]), (200, []), answer)

    def test_the_audit_has_a_route_with_its_fields_as_query(self):
        self.client.put(self.ns, "k", 1, note="why")
        self.client.put(self.ns, "k", 2)
        path = "/api/v1/audit"
        records = [record for page in self.http.pages(path, ns=self.ns, limit=1) for record in page["records"]]
        self.assertEqual([(r["what"], r["op"], r["by"], r.get("note")) for r in records],
                         [("write", "put", "anonymous", "why"), ("write", "put", "anonymous", None)])
        self.assertEqual(self.http.get(path, ns=self.ns, since=records[1]["time"]).json["records"], records[1:])
        self.assertEqual(self.http.get(path, ns=self.ns, by="nobody").json["records"], [])
        self.assert_error(self.http.get(path, since="x"), 400, "invalid_argument", "since")

    def test_every_figure_of_status_is_a_metric_that_promtool_takes(self):
        self.client.put(self.ns, "k", 1)
        told = self.http.get("/metrics")
        self.assertTrue(told.headers["content-type"].startswith("text/plain; version=0.0.4"))
        checked = subprocess.run(["promtool", "check", "metrics"], input=told.body, capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, b""))
        status = self.client.call("status")
        # Those of the two doors are told with a label, as are sets and frames of the lanes.
        figures = {name for name, value in status.items() if isinstance(value, int)} - {"id", "ok", "epoch", "rev", "run"}
        figures -= {"connections", "frames", "sets"}
        samples = Samples(told.body.decode())
        plain = {name for name, labels in samples.by_key if not labels and not name.endswith(("_count", "_sum"))}
        own = {"prismbus_bus_age_seconds", "prismbus_http_refused_connections_total"}
        self.assertEqual(len(plain - own), len(figures), plain)
        self.assertEqual(samples.get("prismbus_applied_revision"), status["applied"])
        self.assertGreaterEqual(samples.get("prismbus_requests_received_total"), 2)
        self.assertLess(samples.get("prismbus_uptime_seconds"), 600)

    def test_the_description_tells_every_route(self):
        paths = self.http.get("/openapi.json").json["paths"]
        told = {(verb.upper(), path) for path, verbs in paths.items() for verb in verbs}
        for method, path in told:
            filled = path.replace("{ns}", self.ns).replace("{key}", "k").replace("{file}", "app.mjs")
            self.assertIn(method, self.http.ask("OPTIONS", filled).headers["allow"], path)
        contract = {("GET", "/api/v1/config/{ns}/{key}"), ("PUT", "/api/v1/config/{ns}/{key}"),
                    ("POST", "/api/v1/config/{ns}/{key}"), ("DELETE", "/api/v1/config/{ns}/{key}"),
                    ("GET", "/api/v1/config/{ns}/list"), ("GET", "/api/v1/config/{ns}/version"),
                    ("GET", "/api/v1/config/{ns}"), ("PUT", "/api/v1/config/{ns}"), ("POST", "/api/v1/config/{ns}"),
                    ("DELETE", "/api/v1/config/{ns}"), ("GET", "/api/v1/history/{ns}/{key}"), ("GET", "/api/v1/diff/{ns}"),
                    ("POST", "/api/v1/rollback/{ns}"), ("POST", "/api/v1/txn"), ("POST", "/api/v1/mget/{ns}"),
                    ("GET", "/api/v1/namespaces"), ("GET", "/api/v1/changes/{ns}"), ("GET", "/api/v1/subscribers"),
                    ("GET", "/api/v1/snapshot/{ns}"), ("GET", "/health"), ("GET", "/health/live"), ("GET", "/health/ready"),
                    ("GET", "/status"), ("GET", "/metrics"), ("GET", "/"), ("GET", "/console/{file}"), ("GET", "/api/v1/audit")}
        self.assertEqual(contract - told, set())


if __name__ == "__main__":
    unittest.main()
