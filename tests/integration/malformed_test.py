# The catalogue of malformed requests: each gets the code of the contract's table with the offending field named, the
# connection lives on, and nothing is written (the revision stays where it was).
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import re

from broker_case import BrokerCase
from prismbus_wire import Pairs, Raw, array_header, encode, map_header, nested

MIB = 1 << 20
SESSION = b"12345678"


def first_part(field):
    """`do` of `do[1].key`."""
    return re.split(r"[.\[/ ]", field or "")[0]


def put(**fields):
    return {"op": "put", "ns": "m", "key": "k", "value": 1, **fields}


def without(request, name):
    return {key: value for key, value in request.items() if key != name}


def item(**fields):
    return {"op": "put", "ns": "m", "key": "k", "value": 1, **fields}


# (what it is, the request, the code, the field whose name the error carries)
MISTYPED = [
    ("op missing", {"ns": "m", "key": "k"}, "invalid_argument", "op"),
    ("op an integer", {"op": 7}, "invalid_argument", "op"),
    ("op nil", {"op": None}, "invalid_argument", "op"),
    ("op bin", {"op": b"get"}, "invalid_argument", "op"),
    ("id a string", {"op": "hello", "id": "7"}, "invalid_argument", "id"),
    ("id a float", {"op": "hello", "id": 1.0}, "invalid_argument", "id"),
    ("epoch negative", {"op": "hello", "epoch": -1}, "invalid_argument", "epoch"),
    ("epoch a string", {"op": "hello", "epoch": "0"}, "invalid_argument", "epoch"),
    ("token an integer", {"op": "hello", "token": 1}, "invalid_argument", "token"),
    ("hello: client a string", {"op": "hello", "client": "me"}, "invalid_argument", "client"),
    ("hello: labels not strings", {"op": "hello", "client": {"labels": {"a": 1}}}, "invalid_argument", "client"),
    ("hello: follow a list", {"op": "hello", "follow": []}, "invalid_argument", "follow"),
    ("hello: follow names a bad namespace", {"op": "hello", "follow": {"ns": ["a/b"]}}, "invalid_argument", "follow"),
    ("get: ns missing", {"op": "get", "key": "k"}, "invalid_argument", "ns"),
    ("get: key missing", {"op": "get", "ns": "m"}, "invalid_argument", "key"),
    ("get: ns bin", {"op": "get", "ns": b"m", "key": "k"}, "invalid_argument", "ns"),
    ("get: key an integer", {"op": "get", "ns": "m", "key": 1}, "invalid_argument", "key"),
    ("get: min_rev negative", {"op": "get", "ns": "m", "key": "k", "min_rev": -1}, "invalid_argument", "min_rev"),
    ("get: min_rev a float", {"op": "get", "ns": "m", "key": "k", "min_rev": 1.0}, "invalid_argument", "min_rev"),
    ("get: consistency unknown", {"op": "get", "ns": "m", "key": "k", "consistency": "x"}, "invalid_argument",
     "consistency"),
    ("mget: keys a string", {"op": "mget", "ns": "m", "keys": "k"}, "invalid_argument", "keys"),
    ("mget: keys missing", {"op": "mget", "ns": "m"}, "invalid_argument", "keys"),
    ("mget: a key an integer", {"op": "mget", "ns": "m", "keys": ["k", 1]}, "invalid_argument", "keys"),
    ("list: subtree an integer", {"op": "list", "ns": "m", "subtree": 1}, "invalid_argument", "subtree"),
    ("list: values a string", {"op": "list", "ns": "m", "values": "yes"}, "invalid_argument", "values"),
    ("list: limit 0", {"op": "list", "ns": "m", "limit": 0}, "invalid_argument", "limit"),
    ("list: limit negative", {"op": "list", "ns": "m", "limit": -1}, "invalid_argument", "limit"),
    ("list: glob ends in a backslash", {"op": "list", "ns": "m", "glob": "a\\"}, "invalid_argument", "glob"),
    ("list: prefix an integer", {"op": "list", "ns": "m", "prefix": 1}, "invalid_argument", "prefix"),
    ("namespaces: under not a name", {"op": "namespaces", "under": "a..b"}, "invalid_argument", "under"),
    ("put: value missing", without(put(), "value"), "invalid_argument", "value"),
    ("put: if_rev negative", put(if_rev=-1), "invalid_argument", "if_rev"),
    ("put: if_rev a string", put(if_rev="0"), "invalid_argument", "if_rev"),
    ("put: note bin", put(note=b"n"), "invalid_argument", "note"),
    ("put: note not UTF-8", put(note=Raw(b"\xa1\xff")), "invalid_argument", "note"),
    ("put: note over 1 KiB", put(note="n" * 1025), ("too_large", "invalid_argument"), None),
    ("put: req a string", put(req="1"), "invalid_argument", "req"),
    ("put: req a map", put(req={"session": SESSION, "n": 1}), "invalid_argument", "req"),
    ("put: req empty", put(req=[]), "invalid_argument", "req"),
    ("put: req without n", put(req=[SESSION]), "invalid_argument", "req"),
    ("put: req of three", put(req=[SESSION, 1, 2]), "invalid_argument", "req"),
    ("put: req turned round", put(req=[1, SESSION]), "invalid_argument", "req"),
    ("put: req session of 7 bytes", put(req=[SESSION[:7], 1]), "invalid_argument", "req"),
    ("put: req session of 9 bytes", put(req=[SESSION + b"9", 1]), "invalid_argument", "req"),
    ("put: req session a string", put(req=["12345678", 1]), "invalid_argument", "req"),
    ("put: req n negative", put(req=[SESSION, -1]), "invalid_argument", "req"),
    ("put: req n a float", put(req=[SESSION, 1.0]), "invalid_argument", "req"),
    ("delete: key missing", {"op": "delete", "ns": "m"}, "invalid_argument", "key"),
    ("txn: do missing", {"op": "txn"}, "invalid_argument", "do"),
    ("txn: do empty", {"op": "txn", "do": []}, "invalid_argument", "do"),
    ("txn: do a map", {"op": "txn", "do": {}}, "invalid_argument", "do"),
    ("txn: an item not a map", {"op": "txn", "do": [1]}, "invalid_argument", "do"),
    ("txn: an item of another op", {"op": "txn", "do": [item(op="get")]}, "invalid_argument", "do"),
    ("txn: an item without op", {"op": "txn", "do": [without(item(), "op")]}, "invalid_argument", "do"),
    ("txn: a put without value", {"op": "txn", "do": [without(item(), "value")]}, "invalid_argument", "do"),
    ("txn: the same key twice", {"op": "txn", "do": [item(), item(value=2)]}, "invalid_argument", "do"),
    ("txn: second item with a bad key", {"op": "txn", "do": [item(), item(key="\n")]}, "invalid_argument", "do"),
    ("txn: if a map", {"op": "txn", "do": [item()], "if": {}}, "invalid_argument", "if"),
    ("txn: if without rev", {"op": "txn", "do": [item()], "if": [{"ns": "m", "key": "k"}]}, "invalid_argument", "if"),
    ("get: at negative", {"op": "get", "ns": "m", "key": "k", "at": -1}, "invalid_argument", "at"),
    ("get: at nil", {"op": "get", "ns": "m", "key": "k", "at": None}, "invalid_argument", "at"),
    ("get: at_time a float", {"op": "get", "ns": "m", "key": "k", "at_time": 1.5}, "invalid_argument", "at_time"),
    ("get: at and at_time", {"op": "get", "ns": "m", "key": "k", "at": 0, "at_time": 0}, "invalid_argument",
     "at_time"),
    ("list: at a string", {"op": "list", "ns": "m", "at": "now"}, "invalid_argument", "at"),
    ("mget: at a string", {"op": "mget", "ns": "m", "keys": ["k"], "at": "now"}, "invalid_argument", "at"),
    ("history: key missing", {"op": "history", "ns": "m"}, "invalid_argument", "key"),
    ("history: before 0", {"op": "history", "ns": "m", "key": "k", "before": 0}, "invalid_argument", "before"),
    ("history: limit 0", {"op": "history", "ns": "m", "key": "k", "limit": 0}, "invalid_argument", "limit"),
    ("history: after of nobody", {"op": "history", "ns": "m", "key": "k", "after": b"x"}, "invalid_argument", "after"),
    ("diff: from missing", {"op": "diff", "ns": "m", "to": 0}, "invalid_argument", "from"),
    ("diff: to missing", {"op": "diff", "ns": "m", "from": 0}, "invalid_argument", "to"),
    ("diff: from negative", {"op": "diff", "ns": "m", "from": -1, "to": 0}, "invalid_argument", "from"),
    ("diff: after of nobody", {"op": "diff", "ns": "m", "from": 0, "to": 0, "after": b""}, "invalid_argument", "after"),
    ("rollback: ns missing", {"op": "rollback", "to": 1}, "invalid_argument", "ns"),
    ("rollback: to missing", {"op": "rollback", "ns": "m"}, "invalid_argument", "to"),
    ("rollback: to 0", {"op": "rollback", "ns": "m", "to": 0}, "invalid_argument", "to"),
    ("rollback: to nil", {"op": "rollback", "ns": "m", "to": None}, "invalid_argument", "to"),
    ("rollback: key empty", {"op": "rollback", "ns": "m", "to": 1, "key": ""}, "invalid_argument", "key"),
    ("rollback: req without n", {"op": "rollback", "ns": "m", "to": 1, "req": [SESSION]}, "invalid_argument", "req"),
    ("rollback: note bin", {"op": "rollback", "ns": "m", "to": 1, "note": b"n"}, "invalid_argument", "note"),
    ("backup: name missing", {"op": "backup"}, "invalid_argument", "name"),
    ("backup: name a path", {"op": "backup", "name": "../m"}, "invalid_argument", "name"),
    ("backup: name hidden", {"op": "backup", "name": ".m"}, "invalid_argument", "name"),
    ("backup: name empty", {"op": "backup", "name": ""}, "invalid_argument", "name"),
    ("snapshot: neither ns nor under", {"op": "snapshot"}, "invalid_argument", None),
    ("snapshot: both ns and under", {"op": "snapshot", "ns": "a", "under": "b"}, "invalid_argument", None),
    ("snapshot: max_bytes a string", {"op": "snapshot", "ns": "m", "max_bytes": "1"}, "invalid_argument", "max_bytes"),
    ("changes: neither since nor under", {"op": "changes"}, "invalid_argument", None),
    ("changes: since a list", {"op": "changes", "since": []}, "invalid_argument", "since"),
    ("changes: since of a bad name", {"op": "changes", "since": {"a/b": 0}}, "invalid_argument", "since"),
    ("changes: since a negative seq", {"op": "changes", "since": {"m": -1}}, "invalid_argument", "since"),
    ("changes: under without since_rev", {"op": "changes", "under": "m"}, "invalid_argument", "since_rev"),
]
BAD_NAMESPACES = ["", ".", "a.", ".a", "a..b", "a/b", "a b", "a\x00", "ä", "a*", "a.**", "n" * 121, "a\n", "a:b",
                  "../a"]
BAD_KEYS = ["", "\x00", "a\x00b", "a\nb", "\x1f", "\x7f", "k" * 256, Raw(b"\xa1\x80"), Raw(b"\xa2\xc0\xaf"),
            Raw(b"\xa3\xed\xa0\x80"), Raw(b"\xa4\xf5\x80\x80\x80"), Raw(b"\xa1\xff")]
BAD_VALUES = [
    ("a string that is not UTF-8", Raw(b"\xa1\xff")),
    ("a nested string that is not UTF-8", Raw(b"\x91\xa2\xc3\x28")),
    ("a map key that is not UTF-8", Raw(b"\x81\xa1\xff\x01")),
    ("duplicate map keys", Raw(b"\x82\xa1a\x01\xa1a\x02")),
    ("duplicate map keys deeper", Raw(b"\x91\x82\x01\xc0\x01\xc0")),
    ("duplicate integer keys in two forms", Raw(b"\x82\x01\xc0\xcc\x01\xc0")),
    ("a map key that is nil", Raw(b"\x81\xc0\x01")),
    ("a map key that is a bool", Raw(b"\x81\xc3\x01")),
    ("a map key that is a float", Raw(b"\x81\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\x01")),
    ("a map key that is an array", Raw(b"\x81\x90\x01")),
    ("a map key that is a map", Raw(b"\x81\x80\x01")),
    ("a map key that is ext", Raw(b"\x81\xd4\x05\x00\x01")),
    ("a negative ext type", Raw(b"\xd4\xfe\x00")),
    ("a timestamp of the wrong size", Raw(b"\xc7\x05\xff\x00\x00\x00\x00\x00")),
    ("a timestamp with too many nanoseconds", Raw(b"\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x00")),
]
BROKEN_BYTES = [
    ("nothing", b""),
    ("nil", b"\xc0"),
    ("an integer", b"\x01"),
    ("a string", b"\xa3get"),
    ("an array", encode(["op", "get"])),
    ("the byte that is never MessagePack", b"\xc1"),
    ("a map whose key is an integer", encode({1: 2})),
    ("a map whose key is bin", encode({b"op": "hello"})),
    ("a truncated map", encode({"op": "get", "ns": "m"})[:-2]),
    ("an array header of 4 billion", array_header(2**32 - 1)),
    ("a map header of 4 billion", map_header(2**32 - 1)),
    ("a map header of 4 billion with one field", map_header(2**32 - 1) + encode("op") + encode("get")),
    ("a string header of 4 billion", b"\x81\xdb\xff\xff\xff\xffop"),
    ("depth 100,000", nested(100_000).data),
    ("depth 100,000 of maps", b"\x81\xa1a" * 100_000 + b"\xc0"),
    ("random text", b"GET / HTTP/1.1\r\n\r\n"),
]


class Malformed(BrokerCase):
    def setUp(self):
        super().setUp()
        self.before = self.revision()

    def tearDown(self):
        self.assertEqual(self.revision(), self.before, "nothing was written, and the connection lives on")

    def assert_each(self, name, request, code, field, seen_id=True):
        """Sends it and holds the answer against the table; the id comes back when it could be read."""
        request_id = next(self.client.ids)
        pairs = request.pairs if isinstance(request, Pairs) else tuple(request.items())
        has_id = any(key == "id" for key, _ in pairs)
        if not has_id:
            pairs = (*pairs, ("id", request_id))
        self.client.send_payload(encode(Pairs(*pairs)))
        reply = self.client.receive()
        self.assertIsNotNone(reply, f"{name}: no answer")
        with self.subTest(name):
            codes = (code,) if isinstance(code, str) else code
            self.assertFalse(reply["ok"], f"{name}: {reply}")
            self.assertIn(reply["error"]["code"], codes, f"{name}: {reply}")
            if field is not None:
                self.assertEqual(first_part(reply["error"].get("field")), field, f"{name}: {reply}")
            elif reply["error"]["code"] == "invalid_argument":
                self.assertTrue(reply["error"].get("field"), f"{name}: {reply}")
            if seen_id and not has_id:
                self.assertEqual(reply["id"], request_id, name)

    def test_missing_and_mistyped_fields(self):
        for name, request, code, field in MISTYPED:
            self.assert_each(name, request, code, field)

    def test_namespaces_that_are_not(self):
        for ns in BAD_NAMESPACES:
            for request, field in ((put(ns=ns), "ns"), ({"op": "get", "ns": ns, "key": "k"}, "ns"),
                                   ({"op": "list", "ns": ns}, "ns"), ({"op": "txn", "do": [item(ns=ns)]}, "do"),
                                   ({"op": "changes", "since": {ns: 0}}, "since")):
                self.assert_each(f"{request['op']} of {ns!r}", request, "invalid_argument", field)

    def test_keys_that_are_not(self):
        for key in BAD_KEYS:
            name = key.data if isinstance(key, Raw) else key
            for request, field in ((put(key=key), "key"), ({"op": "get", "ns": "m", "key": key}, "key"),
                                   ({"op": "delete", "ns": "m", "key": key}, "key"),
                                   ({"op": "mget", "ns": "m", "keys": [key]}, "keys"),
                                   ({"op": "txn", "do": [item(key=key)]}, "do")):
                self.assert_each(f"{request['op']} of {name!r}", request, "invalid_argument", field)

    def test_values_that_are_not(self):
        for name, value in BAD_VALUES:
            self.assert_each(f"put: {name}", put(value=value), "invalid_argument", "value")
            self.assert_each(f"txn: {name}", {"op": "txn", "do": [item(value=value)]}, "invalid_argument", "do")

    def test_duplicate_fields_are_named(self):
        for name, request, field in (
                ("key twice", Pairs(("op", "get"), ("ns", "m"), ("key", "k"), ("key", "k")), "key"),
                ("op twice", Pairs(("op", "get"), ("op", "get"), ("ns", "m"), ("key", "k")), "op"),
                ("an unknown field twice", Pairs(("op", "hello"), ("x", 1), ("x", 2)), "x"),
                ("value twice", Pairs(("op", "put"), ("ns", "m"), ("key", "k"), ("value", 1), ("value", 2)), "value"),
                ("ns twice in follow", Pairs(("op", "hello"), ("follow", Pairs(("ns", []), ("ns", [])))), "follow"),
                ("key twice in an item", {"op": "txn", "do": [Pairs(*item().items(), ("key", "b"))]}, "do")):
            self.assert_each(name, request, "invalid_argument", field)

    def test_a_namespace_twice_in_since_is_refused(self):
        request = {"op": "changes", "since": Pairs(("m", 0), ("m", 1))}
        self.assert_each("since", request, "invalid_argument", "since", seen_id=False)

    def test_a_value_deeper_than_32_is_too_large(self):
        self.assert_each("put", put(value=nested(33)), "too_large", "value")
        self.assert_each("txn", {"op": "txn", "do": [item(value=nested(33))]}, "too_large", "do")

    def test_trailing_bytes_are_refused(self):
        for tail in (b"\xc0", b"\x00" * 100, encode(put())):
            self.client.send_payload(encode(put()) + tail)
            self.assert_refused(self.client.receive(), "invalid_argument")

    def test_bytes_that_are_no_request_are_answered_with_id_0(self):
        for name, payload in BROKEN_BYTES:
            with self.subTest(name):
                self.client.send_payload(payload)
                reply = self.client.receive()
                self.assertIsNotNone(reply, name)
                self.assert_refused(reply, "invalid_argument")
                self.assertEqual(reply["id"], 0, name)

    def test_bombs_inside_fields_are_refused_quickly_and_without_memory(self):
        rss = self.broker.rss_kib()
        bombs = [array_header(2**32 - 1), map_header(2**32 - 1), b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
                 b"\xc9\xff\xff\xff\xff\x05", nested(100_000).data]
        for bomb in bombs:
            for name in ("value", "keys", "do", "if", "since", "req", "follow", "unknown"):
                pairs = Pairs(("op", "put"), ("ns", "m"), ("key", "k"), (name, Raw(bomb)))
                self.client.send_payload(encode(pairs))
                reply = self.client.receive()
                self.assertIsNotNone(reply, (name, bomb[:6]))
                self.assert_refused(reply, "invalid_argument")
        self.assertLess(self.broker.rss_kib() - rss, 200 << 10)

    def test_a_request_deeper_than_40_is_refused_also_in_an_unknown_field(self):
        self.assert_each("unknown", {"op": "hello", "x": nested(60)}, "invalid_argument", None, seen_id=False)

    def test_sizes_over_a_limit_are_too_large_and_tell_it(self):
        cases = [(put(value="x" * MIB), MIB), (put(value=b"x" * (2 * MIB)), MIB)]
        for request, limit in cases:
            self.client.send_payload(encode(request))
            error = self.assert_refused(self.client.receive(), "too_large")
            self.assertEqual(error["limit"], limit)
            self.assertGreater(error["size"], limit)

    def test_a_message_over_8_mib_but_under_9_is_too_large_and_the_connection_lives(self):
        self.client.send_payload(encode(put(x=b"x" * (8 * MIB + 1000))))
        self.assert_refused(self.client.receive(), "too_large", limit=8 * MIB)

    def test_a_note_at_its_limit_in_code_points_but_over_it_in_bytes_is_refused(self):
        self.assert_each("note", put(note="é" * 513), ("too_large", "invalid_argument"), None)


if __name__ == "__main__":
    unittest.main(verbosity=2)
