# A web page that somebody looks at is no friend: what it can make a browser send is refused by a broker on loopback without
# security, which is the default; pages of sites that were listed may.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from gateway_case import GatewayCase

SITE = "https://console.example.com"


class Browsers(GatewayCase):
    gateway_args = ("--gateway-origins", SITE, "--gateway-hosts", "config.example.net")

    def path(self):
        return f"/api/v1/config/{self.ns}/k"

    def assert_nothing_written(self):
        self.assert_refused(self.client.ask("get", ns=self.ns, key="k"), "not_found")

    def test_a_form_of_another_site_cannot_write(self):
        """What a browser sends across sites without asking beforehand: these three types, or none."""
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
                     "text/plain; application/json"):
            answer = self.http.ask("POST", self.path(), body=b"1", headers={"Content-Type": kind})
            self.assertEqual(answer.status, 415, (kind, answer))
        self.assertEqual(self.http.ask("POST", "/api/v1/txn", body=b"{}", headers={"Content-Type": "text/plain"}).status, 415)
        self.assert_nothing_written()

    def test_a_page_of_another_origin_is_refused_whatever_it_asks(self):
        own = self.address
        for origin in ("https://evil.example", "null", own + ".evil.example", own.replace("127.0.0.1", "localhost"),
                       "http://127.0.0.1:1", SITE + ":8443", SITE.replace("https", "http")):
            for method, value in (("GET", None), ("PUT", 1), ("DELETE", None)):
                client = self.new_http()
                self.assert_error(client.ask(method, self.path(), value=value, headers={"Origin": origin}), 403, "permission_denied")
        self.assert_nothing_written()

    def test_its_own_pages_may(self):
        self.assertEqual(self.http.put(self.ns, "k", 1, headers={"Origin": self.address}).status, 201)
        self.assertNotIn("access-control-allow-origin", self.http.entry(self.ns, "k").headers)

    def test_a_name_that_was_rebound_to_this_address_is_refused(self):
        port = self.address.rsplit(":", 1)[1]
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "", "[::2]", "localhost@evil.example"):
            client = self.new_http()
            self.assert_error(client.ask("GET", self.path(), headers={"Host": host}), 403, "permission_denied")
        for host in ("localhost", f"LOCALHOST:{port}", "127.0.0.1", f"[::1]:{port}", "config.example.net"):
            self.assertEqual(self.http.ask("GET", "/health", headers={"Host": host}).status, 200, host)

    def test_there_is_one_host(self):
        for head in (b"GET /health HTTP/1.1\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n"):
            self.assertTrue(self.raw(head).startswith(b"HTTP/1.1 400 "), head)

    def test_pages_of_a_listed_site_may_and_are_asked_beforehand(self):
        headers = {"Origin": SITE, "Access-Control-Request-Method": "PUT"}
        asked = self.http.ask("OPTIONS", self.path(), headers=headers)
        self.assertEqual((asked.status, asked.headers["access-control-allow-origin"]), (204, SITE))
        self.assertIn("PUT", asked.headers["access-control-allow-methods"])
        self.assertIn("If-Match", asked.headers["access-control-allow-headers"])
        wrote = self.http.put(self.ns, "k", 1, headers={"Origin": SITE})
        self.assertEqual((wrote.status, wrote.headers["access-control-allow-origin"], wrote.headers["vary"]), (201, SITE, "Origin"))

    def test_every_answer_keeps_its_type(self):
        for answer in (self.http.get("/health"), self.http.get("/nowhere"), self.http.get(f"/api/v1/snapshot/{self.ns}")):
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertIn("cache-control", answer.headers)


if __name__ == "__main__":
    unittest.main()
