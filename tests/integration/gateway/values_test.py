# What passes through JSON comes out as it went in, and both doors tell the same: values of every kind (section 8), and random
# work done through one door and read through the other.
import json
import math
import os
import random
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

import msgpack

from gateway_case import GatewayCase
from gateway_client import as_json, quoted

SEED = int(os.environ.get("PRISMBUS_SEED", random.SystemRandom().randrange(1 << 32)))
KEYS = ["a", "b/c", "list", "x y", "ü", "a//b", "$"]


class Values(GatewayCase):
    VALUES = [None, True, 0, -1, 2**63 + 1, 2**64 - 1, -2**63, 1.0, -0.0, 0.1, 1e300, 5e-324, math.nan, math.inf, -math.inf,
              "", "a\nb\x00\x1b", "\u2028ü😀", b"", b"\x00\xff" * 3, [], {}, [[[1]]],
              {"$bin": 1}, {"$": 1}, {"$$x": {"$y": 2}}, {"$a": 1, "b": 2}, {1: "a", "b": 2}, {"value": {"hash": 1}},
              {"big": [2**64 - 1, 1.5, None, {"k": b"x"}]}]

    def same(self, a, b):
        self.assertEqual(type(a), type(b))
        if isinstance(a, float):
            self.assertEqual(struct.pack("d", a) if a == a else "nan", struct.pack("d", b) if b == b else "nan")
        elif isinstance(a, dict):
            self.assertEqual(list(a), list(b))
            for key in a:
                self.same(a[key], b[key])
        elif isinstance(a, list):
            self.assertEqual(len(a), len(b))
            for x, y in zip(a, b):
                self.same(x, y)
        else:
            self.assertEqual(a, b)

    def test_a_value_written_natively_is_read_as_section_8_says(self):
        for value in self.VALUES:
            self.client.put(self.ns, "k", value)
            read = self.http.entry(self.ns, "k")
            self.assertEqual(json.dumps(read.json["value"]), json.dumps(as_json(value)), value)

    def test_a_value_written_in_json_is_the_same_value(self):
        for value in self.VALUES:
            self.assertIn(self.http.put(self.ns, "k", as_json(value)).status, (200, 201), value)
            self.same(self.client.get(self.ns, "k")["value"], value)

    def test_an_extension_keeps_its_type(self):
        form = {"$ext": [127, "YWJj"]}
        self.assertEqual(self.http.put(self.ns, "k", form).status, 201)
        self.assertEqual(self.http.entry(self.ns, "k").json["value"], form)
        self.http.put(self.ns, "k", {"$ext": [5, "YWJj"]})
        self.assertEqual(self.client.get(self.ns, "k")["value"], msgpack.ExtType(5, b"abc"))

    def test_what_is_no_value_is_refused_and_the_place_is_named(self):
        for body in ("", "{", "[1,]", "nul", "1 2", '{"a": 1, "a": 2}', "18446744073709551616", "1e999", '"\\ud800"', '"\xff"',
                     '{"$bin": "?"}', '{"$float": "x"}', '{"$what": 1}', "1\0", "[1]\0[2]", "\n" * 9000 + "1", "[" + "\t" * 100_000 + "x", "[" + "1," * 200_000 + "1]", "[" * 200 + "]" * 200, "[" * 40 + "]" * 40):
            answer = self.http.ask("PUT", f"/api/v1/config/{self.ns}/k", body=body.encode("latin-1"))
            self.assertEqual(answer.status, 400, (body, answer))
            self.assertEqual(answer.json["error"]["code"], "invalid_argument")
            self.assertIn(answer.json["error"]["field"], ("body", "value", "payload"))
        self.assert_error(self.http.put(self.ns, "k", "x" * (1 << 20)), 413, "too_large", "value")
        self.assert_error(self.http.entry(self.ns, "k"), 404, "not_found")

    def test_names_are_judged_by_the_one_validator(self):
        for ns in ("a..b", "a%2Fb", "a%00b", "%C0%AF", "%2e%2e", ".a", "x" * 121, "%FF"):
            self.assert_error(self.http.get(f"/api/v1/config/{ns}/k"), 400, "invalid_argument", "ns")
        for ns, key in (("a..b", "k"), ("x" * 121, "k"), (self.ns, "x" * 256), (self.ns, "a\x7fb")):
            native = self.client.ask("get", ns=ns, key=key)["error"]
            self.assertEqual(self.http.get(f"/api/v1/config/{ns}", key=key).json["error"], native)
        for key in ("%00", "%1F", "a%7Fb", "%C0%AF", "%ED%A0%80", "%F5%80%80%80", "x" * 256, "%FF"):
            self.assert_error(self.http.get(f"/api/v1/config/{self.ns}/{key}"), 400, "invalid_argument", "key")
        for target in (f"/api/v1/config/{self.ns}/%", f"/api/v1/config/{self.ns}/%4", f"/api/v1/config/{self.ns}/%zz",
                       f"/api/v1/config/{self.ns}?key=%"):
            self.assert_error(self.http.get(target), 400, "invalid_argument", "target")


class BothDoors(GatewayCase):
    def test_random_work_through_either_door_is_told_alike_by_both(self):
        print("seed", SEED)
        shade = random.Random(SEED)
        names = [self.ns, f"{self.ns}.x", f"{self.ns}-y"]
        for _ in range(400):
            ns, key, value = shade.choice(names), shade.choice(KEYS), self.some_value(shade)
            condition = shade.choice([None, None, 0, self.revision_of(ns, key)])
            status, native = self.write(shade, ns, key, value, condition)
            if native is not None:
                self.assertEqual(status, native)
            self.assert_alike(ns, key)
        for ns in names:
            self.assert_lists_alike(ns)

    def some_value(self, shade):
        return shade.choice([shade.getrandbits(64), -shade.getrandbits(60), shade.random(), "t" * shade.randrange(9),
                             shade.randbytes(shade.randrange(9)), {"k": [shade.random(), None]}, {"$x": True}])

    def revision_of(self, ns, key):
        reply = self.client.ask("get", ns=ns, key=key)
        return reply["entry"]["rev"] if reply["ok"] else 0

    def write(self, shade, ns, key, value, condition):
        """Either through HTTP, and gives the status and the one that the state before calls for; or natively."""
        present, delete = self.revision_of(ns, key), shade.random() < 0.2
        if shade.random() < 0.4:
            fields = {} if condition is None else {"if_rev": condition}
            self.client.ask("delete", ns=ns, key=key, **fields) if delete else \
                self.client.ask("put", ns=ns, key=key, value=value, **fields)
            return None, None
        epoch = self.client.ask("status")["epoch"]
        headers = {} if condition is None else {"If-None-Match": "*"} if condition == 0 else {"If-Match": f'"{epoch:016x}-{condition}"'}
        path = f"/api/v1/config/{ns}?key={quoted(key)}"
        if delete:
            answer = self.http.ask("DELETE", path, headers=headers)
            good = 200 if present else 404
        else:
            answer = self.http.ask("PUT", path, body=json.dumps(as_json(value)), headers=headers)
            good = 200 if present else 201
        return answer.status, 409 if condition is not None and condition != present else good

    def assert_alike(self, ns, key):
        native, http = self.client.ask("get", ns=ns, key=key), self.http.get(f"/api/v1/config/{ns}", key=key)
        if native["ok"]:
            entry = dict(native["entry"], value=as_json(native["entry"]["value"]))
            self.assertEqual((http.status, http.json), (200, entry))
        else:
            self.assertEqual((http.status, http.json), (404, {"error": native["error"]}))

    def assert_lists_alike(self, ns):
        for query in ({}, {"subtree": True}, {"prefix": "a"}, {"glob": "**"}, {"values": False}):
            spelled = {k: str(v).lower() if isinstance(v, bool) else v for k, v in query.items()}
            told = [e for page in self.http.pages(f"/api/v1/config/{ns}/list", limit=3, **spelled) for e in page["entries"]]
            native = self.client.list(ns, **query)
            for entry in native:
                if "value" in entry:
                    entry["value"] = as_json(entry["value"])
            self.assertEqual(told, native)
        rev = self.revision()
        history = self.http.get(f"/api/v1/history/{ns}", key="a").json["versions"]
        self.assertEqual([v["rev"] for v in history], [v["rev"] for page in self.client.pages("history", ns=ns, key="a") for v in page["versions"]])
        diff = self.http.get(f"/api/v1/diff/{ns}", **{"from": max(1, rev // 2), "to": rev}).json["changes"]
        self.assertEqual([c["key"] for c in diff], [c["key"] for page in self.client.pages("diff", ns=ns, **{"from": max(1, rev // 2), "to": rev}) for c in page["changes"]])


if __name__ == "__main__":
    unittest.main()
