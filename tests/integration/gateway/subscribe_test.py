# /ws/config/subscribe through real sockets, by python3-websockets: the snapshot and what comes live meet without a hole
# (I3, I5), resumed and paused subscriptions are told what they missed, globs are judged here, mistakes name their field.
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

import websockets
from gateway_case import GatewayCase
from waiting import eventually
from web_socket import WebSocket


class SubscribeCase(GatewayCase):
    def open(self, path="/ws/config/subscribe", **options):
        socket = WebSocket(self.address, path, **options)
        self.addCleanup(socket.close)
        return socket

    def written(self, ns, *keys):
        for key in keys:
            answer = self.http.put(ns, key, {"of": key})
            self.assertIn(answer.status, (200, 201))
        return answer.json["rev"]


class Subscribes(SubscribeCase):
    def test_a_snapshot_then_each_change(self):
        rev = self.written(self.ns, "a", "b", "b")
        socket = self.open()
        entries, subscribed, _ = socket.subscribe(7, ns=self.ns)
        self.assertEqual([(e["ns"], e["key"], e["version"], e["value"]) for e in entries],
                         [(self.ns, "a", 1, {"of": "a"}), (self.ns, "b", 2, {"of": "b"})])
        self.assertEqual((subscribed["type"], subscribed["id"], list(subscribed["heads"])), ("subscribed", 7, [self.ns]))
        head = subscribed["heads"][self.ns]
        self.assertEqual((head["seq"], head["rev"], head["lane"]), (3, rev, "changes"))
        self.assertRegex(head["hash"], "^[0-9a-f]{16}$")
        self.assertRegex(subscribed["epoch"], "^[0-9a-f]{16}$")
        self.http.put(self.ns, "c", 5, note="why")
        self.http.ask("DELETE", f"/api/v1/config/{self.ns}/a")
        first, second = socket.changes(lambda change: change["seq"] == 5)
        self.assertEqual((first["id"], first["ns"], first["seq"], first["note"], first["changes"]),
                         (7, self.ns, 4, "why", [{"op": "put", "key": "c", "value": 5, "version": 1}]))
        self.assertEqual(second["changes"], [{"op": "delete", "key": "a"}])
        self.assertEqual(first["epoch"], subscribed["epoch"])

    def test_what_the_native_door_shows_is_what_is_pushed(self):
        values = [2**63 + 1, -5, 1.0, 1e300, b"\x00\xff", {"a": [None, True]}, "\u20ac\u0001"]
        socket = self.open()
        socket.subscribe(ns=self.ns, snapshot=False)
        for n, value in enumerate(values):
            self.client.put(self.ns, f"k{n}", value)
        pushed = [change["changes"][0]["value"] for change in socket.changes(lambda c: c["seq"] == len(values))]
        asked = [self.http.entry(self.ns, f"k{n}").json["value"] for n in range(len(values))]
        self.assertEqual(pushed, asked)

    def test_a_namespace_that_never_was_is_at_seq_0_and_comes_live(self):
        socket = self.open()
        entries, subscribed, _ = socket.subscribe(ns=self.ns)
        self.assertEqual((entries, subscribed["heads"][self.ns]["seq"]), ([], 0))
        self.written(self.ns, "first")
        self.assertEqual(socket.receive()["seq"], 1)

    def test_a_subtree_and_what_is_born_in_it(self):
        self.written(f"{self.ns}.a", "x")
        self.written(self.ns, "x")
        socket = self.open()
        entries, subscribed, _ = socket.subscribe(ns=self.ns, subtree=True)
        self.assertEqual({e["ns"] for e in entries}, {self.ns, f"{self.ns}.a"})
        self.assertEqual({ns: head["seq"] for ns, head in subscribed["heads"].items()}, {self.ns: 1, f"{self.ns}.a": 1})
        self.written(f"{self.ns}x", "x")  # beside it
        self.written(f"{self.ns}.b.c", "x")
        self.written(self.ns, "x")
        told = socket.changes(lambda change: change["ns"] == self.ns)
        self.assertEqual([(c["ns"], c["seq"]) for c in told], [(f"{self.ns}.b.c", 1), (self.ns, 2)])

    def test_everything_but_the_brokers_own(self):
        self.written(f"{self.ns}.a", "x")
        self.written(f"{self.ns}-b", "x")
        self.written(self.ns, "x", "y")
        socket = self.open()
        entries, subscribed, _ = socket.subscribe(ns="", subtree=True)
        self.assertFalse([ns for ns in subscribed["heads"] if ns.startswith("_")])
        listed = [row for page in self.client.pages("namespaces") for row in page["namespaces"]]
        self.assertEqual({row["ns"]: row["seq"] for row in listed if not row["ns"].startswith("_")},
                         {ns: head["seq"] for ns, head in subscribed["heads"].items()})
        self.assertEqual(len({(entry["ns"], entry["key"]) for entry in entries}), len(entries))
        self.assertEqual(sum(row["keys"] for row in listed if not row["ns"].startswith("_")), len(entries))
        self.client.put("_system.policy", f"{self.ns}.**", {"lane": "changes"})
        self.written(self.ns, "x")
        self.assertEqual(socket.receive()["ns"], self.ns)

    def test_a_glob_is_judged_by_the_server(self):
        self.written(self.ns, "tiers/BTC", "tiers/ETH", "other/BTC")
        socket = self.open()
        entries, _, _ = socket.subscribe(1, ns=self.ns, glob="tiers/*")
        self.assertEqual([e["key"] for e in entries], ["tiers/BTC", "tiers/ETH"])
        _, _, changes = socket.subscribe(2, ns=self.ns, glob="other/**", since=0)
        self.assertEqual([c["changes"][0]["key"] for c in changes], ["other/BTC"])
        self.written(self.ns, "nobody")
        done = self.http.ask("POST", "/api/v1/txn", value={"do": [
            {"op": "put", "ns": self.ns, "key": key, "value": 1} for key in ("tiers/BTC", "other/BTC", "nobody")]})
        self.assertEqual(done.status, 200)
        told = {c["id"]: c for c in (socket.receive(), socket.receive())}
        self.assertEqual({id: [x["key"] for x in c["changes"]] for id, c in told.items()}, {1: ["tiers/BTC"], 2: ["other/BTC"]})
        self.assertEqual({c["seq"] for c in told.values()}, {5})  # 4 concerned nobody

    def test_since_tells_what_was_missed(self):
        self.written(self.ns, "a", "b", "c")
        socket = self.open()
        _, subscribed, changes = socket.subscribe(1, ns=self.ns, since=1)
        self.assertEqual([c["seq"] for c in changes], [2, 3])
        self.assertEqual(subscribed["heads"][self.ns]["seq"], 3)
        for id, wish in ((2, {"since": {self.ns: 3}, "epoch": subscribed["epoch"]}), (4, {"since": 3}),
                         (5, {"since": {self.ns: 3}, "subtree": True})):
            _, answer, changes = socket.subscribe(id, ns=self.ns, **wish)
            self.assertEqual((answer["type"], changes), ("subscribed", []), answer)  # nothing is missing
        self.written(f"{self.ns}.x", "a")
        _, subscribed, changes = socket.subscribe(3, ns=self.ns, subtree=True, since={self.ns: 2})
        self.assertEqual(subscribed["type"], "subscribed")
        self.assertEqual(sorted((c["ns"], c["seq"]) for c in changes if c["id"] == 3), [(self.ns, 3), (f"{self.ns}.x", 1)])

    def test_another_history_is_told(self):
        self.written(self.ns, "a")
        socket = self.open()
        _, answer, _ = socket.subscribe(1, ns=self.ns, since=1, epoch="0123456789abcdef")
        self.assertEqual((answer["type"], answer["id"], answer["error"]["code"]), ("error", 1, "other_history"))
        _, answer, _ = socket.subscribe(1, ns=self.ns, since=99)
        self.assertEqual((answer["type"], answer["error"]["code"]), ("error", "other_history"))
        _, answer, _ = socket.subscribe(1, ns=self.ns)  # its id is free again
        self.assertEqual(answer["type"], "subscribed")

    def test_paused_and_resumed_there_is_no_hole(self):
        socket = self.open()
        socket.subscribe(1, ns=self.ns)
        socket.subscribe(2, ns=self.ns, snapshot=False)
        socket.send(type="pause", id=1)
        self.written(self.ns, "a", "b", "c")
        told = socket.changes(lambda change: change["seq"] == 3)
        self.assertEqual([(c["id"], c["seq"]) for c in told], [(2, 1), (2, 2), (2, 3)])
        socket.send(type="resume", id=1)
        self.written(self.ns, "d")
        told = [socket.receive() for _ in range(5)]
        self.assertEqual([c["seq"] for c in told if c["id"] == 1], [1, 2, 3, 4])

    def test_unsubscribed_it_is_silent(self):
        socket = self.open()
        socket.subscribe(1, ns=self.ns)
        socket.send(type="unsubscribe", id=1)
        socket.subscribe(2, ns=self.ns, snapshot=False)
        self.written(self.ns, "a")
        self.assertEqual(socket.receive()["id"], 2)

    def test_joins_under_writes_have_no_hole(self):
        """Fifty joins of four kinds while three writers write: each sees every seq from its heads on, once."""
        stop, failures = threading.Event(), []

        def write(n):
            client = self.new_http()
            while not stop.is_set():
                if client.put(f"{self.ns}.{n}", "k", {"n": n}).status not in (200, 201):
                    failures.append(n)

        writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
        for writer in writers:
            writer.start()
        try:
            for round in range(50):
                socket = WebSocket(self.address)
                subtree, paused = round % 2 == 0, round % 3 == 0
                wish = {"ns": self.ns, "subtree": True} if subtree else {"ns": f"{self.ns}.1"}
                _, subscribed, _ = socket.subscribe(round, **wish, snapshot=round % 5 != 0)
                self.assertEqual(subscribed["type"], "subscribed", subscribed)
                seen = {ns: head["seq"] for ns, head in subscribed["heads"].items()}
                for step in range(60):
                    if paused and step == 20:
                        socket.send(type="pause", id=round)
                        socket.send(type="resume", id=round)
                    change = socket.receive()
                    self.assertEqual(change["type"], "change", change)
                    self.assertEqual(change["seq"], seen.get(change["ns"], 0) + 1, (round, seen))
                    seen[change["ns"]] = change["seq"]
                socket.close()
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        self.assertEqual(failures, [])


class Mistakes(SubscribeCase):
    def test_each_mistake_names_its_field(self):
        socket = self.open()
        socket.subscribe(1, ns=self.ns, snapshot=False)
        for message, code, field in (
                ({"type": "subscribe", "ns": "a"}, "invalid_argument", "id"),
                ({"type": "subscribe", "id": -1, "ns": "a"}, "invalid_argument", "id"),
                ({"type": "subscribe", "id": 2}, "invalid_argument", "ns"),
                ({"type": "subscribe", "id": 2, "ns": ""}, "invalid_argument", "ns"),
                ({"type": "subscribe", "id": 2, "ns": "a..b"}, "invalid_argument", "ns"),
                ({"type": "subscribe", "id": 2, "ns": "a\0b"}, "invalid_argument", "ns"),
                ({"type": "subscribe", "id": 2, "ns": "a/../b"}, "invalid_argument", "ns"),
                ({"type": "subscribe", "id": 2, "ns": "a", "glob": "x\\"}, "invalid_argument", "glob"),
                ({"type": "subscribe", "id": 2, "ns": "a", "subtree": 1}, "invalid_argument", "subtree"),
                ({"type": "subscribe", "id": 2, "ns": "a", "since": "x"}, "invalid_argument", "since"),
                ({"type": "subscribe", "id": 2, "ns": "a", "since": {"b": 1}}, "invalid_argument", "since"),
                ({"type": "subscribe", "id": 2, "ns": "a", "subtree": True, "since": 1}, "invalid_argument", "since"),
                ({"type": "subscribe", "id": 2, "ns": "a", "epoch": "12"}, "invalid_argument", "epoch"),
                ({"type": "subscribe", "id": 2, "ns": "a", "after": "x"}, "unsupported", "after"),
                ({"type": "subscribe", "id": 1, "ns": "a"}, "invalid_argument", "id"),
                ({"type": "unsubscribe", "id": 9}, "not_found", None),
                ({"type": "pause", "id": 9}, "not_found", None),
                ({"type": "resume", "id": 9}, "not_found", None),
                ({"type": "publish", "id": 9}, "unsupported", "type"),
                ({"id": 9}, "invalid_argument", "type"),
                ({"type": "token"}, "invalid_argument", "token"),
                ({"type": "ack", "applied": {}}, "invalid_argument", "instance")):
            socket.send(**message)
            answer = socket.receive()
            self.assertEqual((answer["type"], answer["error"]["code"], answer["error"].get("field")),
                             ("error", code, field), (message, answer))
        for text in ("", "{", "[]", "5", '{"type":"pause","type":"pause","id":1}', '{"type":"pause","id":1}x', "\x7f"):
            socket.send_text(text)
            self.assertEqual(socket.receive()["error"]["field"], "message", text)
        self.written(self.ns, "still")  # none of it has harmed what is there
        self.assertEqual(socket.receive()["changes"][0]["key"], "still")

    def test_bytes_are_no_messages(self):
        socket = self.open()
        socket.wait(socket.socket.send(b"{}"))
        self.assertEqual(socket.close_code()[0], 1003)

    def test_a_message_is_2_mib_at_the_most(self):
        socket = self.open()
        socket.send_text('{"type":"pause","id":1' + " " * (2 << 20) + "}")
        self.assertEqual(socket.close_code()[0], 1009)

    def test_so_many_subscriptions_and_no_more(self):
        socket = self.open()
        for id in range(257):
            _, answer, _ = socket.subscribe(id, ns=self.ns, snapshot=False)
            self.assertEqual(answer["type"], "subscribed" if id < 256 else "error")
        self.assertEqual((answer["error"]["code"], answer["error"]["limit"]), ("too_large", 256))

    def test_who_asks_for_no_socket_is_told(self):
        answer = self.http.get("/ws/config/subscribe")
        self.assert_error(answer, 426, "unsupported", "Upgrade")
        self.assertEqual(answer.headers["upgrade"], "websocket")

    def refused(self, **options):
        with self.assertRaises(websockets.InvalidStatusCode) as caught:
            self.open(**options)
        return caught.exception.status_code

    def test_foreign_pages_and_protocols_are_refused(self):
        self.assertEqual(self.refused(origin="https://evil.example"), 403)
        self.assertEqual(self.refused(subprotocols=["chat"]), 501)
        self.assertEqual(self.refused(path="/ws/config/subscribe?x=1"), 400)
        self.assertEqual(self.refused(path="/ws/config/nothing"), 404)
        self.assertEqual(self.refused(path="/ws/config/notifications?instance=x"), 400)
        rebound = (b"GET /ws/config/subscribe HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        self.assertIn(b" 403 ", self.raw(rebound).split(b"\r\n")[0])
        hasty = rebound.replace(b"evil.example", b"localhost") + b"\x81\x80abcd"
        self.assertIn(b" 400 ", self.raw(hasty).split(b"\r\n")[0])
        self.assertEqual(self.open(subprotocols=["prismbus.v1"]).socket.subprotocol, "prismbus.v1")


class Followers(SubscribeCase):
    def test_with_an_instance_it_is_a_row_and_acks(self):
        socket = self.open("/ws/config/subscribe?instance=desk-1&name=desk")
        socket.subscribe(1, ns=self.ns)

        def row():
            rows = self.http.get("/api/v1/subscribers", ns=self.ns).json["subscribers"]
            return rows[0] if rows else None

        told = eventually(row, what="its row")
        self.assertEqual((told["instance"], told["name"]), ("desk-1", "desk"))
        self.written(self.ns, "a")
        self.assertEqual(socket.receive()["seq"], 1)
        socket.send(type="ack", applied={self.ns: 1}, rejected=[{"ns": self.ns, "seq": 1, "key": "a", "reason": "no"}])
        told = eventually(lambda: (row() or {}).get("applied") and row(), what="its ack")
        self.assertEqual((told["applied"], told["rejected"][0]["reason"]), ({self.ns: 1}, "no"))
        socket.send(type="ack", applied="x")
        self.assertEqual(socket.receive()["error"]["field"], "applied")
        socket.close()
        eventually(lambda: row() is None, what="that it is gone")


if __name__ == "__main__":
    unittest.main(verbosity=2)
