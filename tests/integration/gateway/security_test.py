# With security on a token says what may be done through HTTP, by the same rules as through every other door (I10): judged for
# every request, refused without a word about what exists, void as soon as it is revoked.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from gateway_client import HttpClient
from secured_case import CANARY, KEY, Secured
from waiting import eventually


class SecuredGateway(Secured):
    ARGS = ("--gateway", "127.0.0.1:0")

    def http(self, token=None):
        client = HttpClient(self.broker.ready["gateway"][0], token)
        self.addCleanup(client.close)
        return client

    def with_rights(self, *args, **rights):
        return self.http(self.security.token(*args, **rights))

    def assert_denied(self, answer, status, code):
        self.assertEqual((answer.status, answer.json["error"]["code"]), (status, code), answer)
        self.assertNotIn(CANARY.encode(), answer.body)

    def test_without_a_token_there_is_health_and_nothing_else(self):
        nobody = self.http()
        self.assertEqual(nobody.get("/health/ready").status, 200)
        for path in (f"/api/v1/config/a/{KEY}", "/api/v1/config/a/list", "/api/v1/namespaces", "/api/v1/snapshot/a", "/status", "/metrics",
                     "/api/v1/changes/a", "/api/v1/subscribers", f"/api/v1/history/a/{KEY}"):
            answer = nobody.get(path)
            self.assert_denied(answer, 401, "unauthenticated")
            self.assertEqual(answer.headers["www-authenticate"], "Bearer")
        for header in ("Basic YTpi", "Bearer", "Bearer ", "Bearer x.y.z", "bearer nonsense"):
            self.assert_denied(nobody.ask("GET", "/status", headers={"Authorization": header}), 401, "unauthenticated")

    def test_a_token_may_what_it_says(self):
        reader = self.with_rights("reader", read=["a.b"])
        self.assertEqual(reader.entry("a.b", KEY).json["value"], f"{CANARY}-value")
        self.assert_denied(reader.entry("a", KEY), 403, "permission_denied")
        self.assert_denied(reader.entry("a", "no-such-key"), 403, "permission_denied")
        self.assert_denied(reader.put("a.b", KEY, 1), 403, "permission_denied")
        self.assert_denied(reader.get("/api/v1/snapshot/a"), 403, "permission_denied")
        self.assertEqual([row["ns"] for row in reader.get("/api/v1/namespaces").json["namespaces"]], ["a.b"])
        below = reader.get("/api/v1/snapshot/a", subtree="true")
        self.assertEqual(below.body.count(b'"ns":"a.b"'), 1)
        self.assertNotIn(b'"ns":"a"', below.body)
        self.assertEqual(reader.get("/metrics").body.count(b"\nprismbus_"), 2)  # which version, and whether it takes writes
        writer = self.with_rights("writer", write=["w.**"], read=["w.**"])
        made = writer.put("w.x", "k", 1)
        self.assertEqual(made.status, 201, made)
        self.assertEqual(writer.entry("w.x", "k").json["by"], "writer")

    def test_a_revoked_token_is_void_at_once(self):
        reader = self.with_rights("leaver", read=["a"])
        self.assertEqual(reader.entry("a", KEY).status, 200)
        self.admin.put("_system.revoked", "sub/leaver", {"before": 1 << 62})
        self.assert_denied(eventually(lambda: self.refused_answer(reader), 5, "the end of it"), 401, "unauthenticated")

    def refused_answer(self, client):
        answer = client.entry("a", KEY)
        return answer if answer.status != 200 else None

    def test_a_refused_attempt_stands_in_the_audit_with_its_address(self):
        self.assert_denied(self.with_rights("prober", read=["a.b"]).entry("c", KEY), 403, "permission_denied")
        records = eventually(lambda: [r for r in self.admin.call("audit", by="prober")["records"] if r["what"] == "refused"], 90,
                             "the line of the audit")
        self.assertEqual(records[0]["from"], "127.0.0.1", records)


if __name__ == "__main__":
    unittest.main()
