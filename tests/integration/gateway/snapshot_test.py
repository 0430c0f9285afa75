# The streamed snapshot: one revision, whatever is written meanwhile; whole or said not to be; as small as asked for.
import json
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from gateway_case import GatewayCase
from prismbus_client import Client
from prismbus_wire import content_hash


def lines_of(answer):
    return [json.loads(line) for line in answer.body.splitlines()]


def hash_of(entries):
    return f"{content_hash({entry['key']: entry['rev'] for entry in entries}):016x}"


class Snapshot(GatewayCase):
    def test_a_namespace_and_a_subtree(self):
        for ns in (self.ns, f"{self.ns}.x", f"{self.ns}x"):
            for i in range(3):
                self.client.put(ns, f"k{i}", {"i": i})
        first, *entries, last = lines_of(self.http.get(f"/api/v1/snapshot/{self.ns}"))
        self.assertEqual((list(first["heads"]), first["rev"]), ([self.ns], self.revision()))
        self.assertEqual([e["key"] for e in entries], ["k0", "k1", "k2"])
        self.assertEqual(last, {"end": True, "entries": 3})
        self.assertEqual(first["heads"][self.ns]["hash"], hash_of(entries))
        first, *entries, last = lines_of(self.http.get(f"/api/v1/snapshot/{self.ns}", subtree="true"))
        self.assertEqual((list(first["heads"]), last["entries"]), ([self.ns, f"{self.ns}.x"], 6))
        self.assertEqual(self.http.get(f"/api/v1/snapshot/{self.ns}").headers["content-type"], "application/x-ndjson")

    def test_its_head_alone_leaves_the_connection_as_it_was(self):
        self.client.put(self.ns, "k", 1)
        path = f"/api/v1/snapshot/{self.ns}"
        for headers in ({}, {"Accept-Encoding": "gzip"}):
            head = self.http.ask("HEAD", path, headers=headers)
            self.assertEqual((head.status, head.body), (200, b""))
            self.assertEqual(lines_of(self.http.get(path))[-1], {"end": True, "entries": 1})

    def test_an_old_client_gets_it_without_chunks(self):
        self.client.put(self.ns, "k", 1)
        told = self.raw(f"GET /api/v1/snapshot/{self.ns} HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n".encode())
        head, body = told.split(b"\r\n\r\n", 1)
        self.assertNotIn(b"chunked", head)
        self.assertEqual(json.loads(body.splitlines()[-1]), {"end": True, "entries": 1})

    def test_it_is_of_the_history_that_was_asked_for_or_none(self):
        self.client.put(self.ns, "k", 1)
        epoch = self.client.ask("status")["epoch"]
        path = f"/api/v1/snapshot/{self.ns}"
        self.assertEqual(lines_of(self.http.get(path, epoch=f"{epoch:016x}"))[-1]["entries"], 1)
        self.assert_error(self.http.get(path, epoch=f"{epoch ^ 1:016x}"), 410, "other_history")

    def test_of_nothing_and_of_what_is_no_namespace(self):
        first, last = lines_of(self.http.get(f"/api/v1/snapshot/{self.ns}.none"))
        self.assertEqual((first["heads"], last), ({}, {"end": True, "entries": 0}))
        self.assert_error(self.http.get("/api/v1/snapshot/a..b"), 400, "invalid_argument")

    def test_many_pages_are_of_one_revision_while_writes_go_on(self):
        ns, size = self.ns, 3000
        for start in range(0, size, 500):
            self.client.txn([{"op": "put", "ns": ns, "key": f"k{i:05}", "value": "v" * 1000} for i in range(start, start + 500)])
        stop, written = threading.Event(), []

        def write():
            with Client(self.broker.requests, self.context) as client:
                i = 0
                while not stop.is_set():
                    client.put(ns, f"k{i % size:05}", i)
                    written.append(client.put(f"{ns}.b", f"k{i % 10}", i)["rev"])
                    i += 1
        writer = threading.Thread(target=write)
        writer.start()
        try:
            rounds = 0
            while rounds < 5 or (len(written) <= 50 and writer.is_alive()):
                rounds += 1
                first, *entries, last = lines_of(self.http.get(f"/api/v1/snapshot/{ns}", subtree="true"))
                self.assertEqual(last, {"end": True, "entries": len(entries)})
                for name, head in first["heads"].items():
                    mine = [e for e in entries if e["ns"] == name]
                    self.assertEqual(hash_of(mine), head["hash"], name)
                    self.assertLessEqual(max(e["rev"] for e in mine), head["rev"])
        finally:
            stop.set()
            writer.join()
        self.assertGreater(len(written), 50)

    def test_large_answers_are_made_small_for_who_asks(self):
        self.client.txn([{"op": "put", "ns": self.ns, "key": f"k{i}", "value": "v" * 500} for i in range(100)])
        for path in (f"/api/v1/snapshot/{self.ns}", f"/api/v1/config/{self.ns}/list"):
            plain = self.http.get(path)
            small = self.http.ask("GET", path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
            self.assertEqual(small.headers["content-encoding"], "gzip")
            self.assertEqual(small.body, plain.body)
            self.assertNotIn("content-encoding", self.http.ask("GET", path, headers={"Accept-Encoding": "gzip;q=0"}).headers)


if __name__ == "__main__":
    unittest.main()
