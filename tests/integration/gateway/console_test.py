# The files of the console through real sockets: their headers, HEAD, 304, gzip; nobody needs a token, no other site gets them.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from gateway_case import GatewayCase
from gateway_client import HttpClient
from secured_case import Secured


class Console(GatewayCase):
    def test_the_page_and_what_it_loads(self):
        page = self.http.get("/")
        self.assertEqual((page.status, page.headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn(b'<script type="module" src="/console/app.mjs">', page.body)
        for name, kind in (("app.mjs", "text/javascript; charset=utf-8"), ("console.css", "text/css; charset=utf-8"),
                           ("icon.svg", "image/svg+xml")):
            file = self.http.get(f"/console/{name}")
            self.assertEqual((file.status, file.headers["content-type"]), (200, kind), name)
        self.assert_error(self.http.get("/console/none.mjs"), 404, "not_found")
        self.assert_error(self.http.ask("PUT", "/", value=1), 405, "unsupported")

    def test_what_a_browser_is_told_to_keep_to(self):
        for path in ("/", "/console/app.mjs", "/console/console.css"):
            told = self.http.get(path).headers
            self.assertTrue(told["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'; "), told)
            self.assertNotIn("unsafe", told["content-security-policy"])
            self.assertIn("frame-ancestors 'none'", told["content-security-policy"])
            self.assertEqual((told["x-content-type-options"], told["referrer-policy"], told["cache-control"]), ("nosniff", "no-referrer", "no-cache"))

    def test_a_browser_that_has_it_gets_nothing_again_and_one_that_unpacks_gets_it_packed(self):
        plain = self.http.get("/console/app.mjs")
        packed = self.http.ask("GET", "/console/app.mjs", headers={"Accept-Encoding": "gzip"})
        self.assertEqual((packed.headers["content-encoding"], packed.body), ("gzip", plain.body))
        self.assertIn("Accept-Encoding", plain.headers["vary"])
        self.assertLess(int(packed.headers["content-length"]), len(plain.body) // 2)
        self.assertEqual(packed.headers["etag"], plain.headers["etag"])
        same = self.http.ask("GET", "/console/app.mjs", headers={"If-None-Match": plain.headers["etag"]})
        self.assertEqual((same.status, same.body, same.headers["etag"], same.headers["vary"]), (304, b"", plain.headers["etag"], "Accept-Encoding"))
        head = self.http.ask("HEAD", "/console/app.mjs")
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("etag", "content-length", "content-type", "content-security-policy"):
            self.assertEqual(head.headers[name], plain.headers[name])

    def test_no_other_site_gets_it(self):
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            self.assert_error(self.new_http().ask("GET", "/", headers=headers), 403, "permission_denied")


class SecuredConsole(Secured):
    ARGS = ("--gateway", "127.0.0.1:0")

    def test_nobody_needs_a_token_for_the_page_and_it_holds_no_data(self):
        client = HttpClient(self.broker.ready["gateway"][0])
        self.addCleanup(client.close)
        for path in ("/", "/console/app.mjs"):
            answer = client.get(path)
            self.assertEqual(answer.status, 200)
            self.assertNotIn(b"canary", answer.body)
        self.assertEqual(client.get("/api/v1/audit").status, 401)
        reader = HttpClient(self.broker.ready["gateway"][0], self.security.token("reader", read=["**"], write=["**"]))
        self.addCleanup(reader.close)
        self.assertEqual(reader.get("/api/v1/audit").status, 403)


if __name__ == "__main__":
    unittest.main()
