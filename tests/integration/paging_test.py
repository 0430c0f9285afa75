# Pages: every paged operation with limits of one and a few gives the same whole as without, while writes go on, and a
# cursor is input like any other.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_case import BrokerCase
from prismbus_replica import Replica


class Paging(BrokerCase):
    def fill(self, spaces=4, keys=25):
        requests = [{"ns": f"{self.ns}.n{n}", "key": f"k{k:03}", "value": [n, k]} for n in range(spaces)
                    for k in range(keys)]
        self.assertTrue(all(reply["ok"] for reply in self.client.call_all("put", requests)))
        return [(request["ns"], request["key"]) for request in requests]

    def test_list_in_pages_of_any_size_is_the_whole_list_in_order(self):
        everything = self.fill()
        for limit in (1, 3, 7, 1000):
            got = [(e["ns"], e["key"]) for e in self.client.list(self.ns, subtree=True, limit=limit)]
            self.assertEqual(got, everything, f"limit {limit}")
        for limit in (1, 4):
            got = [e["key"] for e in self.client.list(self.ns + ".n1", limit=limit, glob="k00?")]
            self.assertEqual(got, [f"k00{i}" for i in range(10)])

    def test_no_page_is_longer_than_its_limit_and_the_last_has_no_cursor(self):
        self.fill()
        for op, fields, name in (("list", {"ns": self.ns, "subtree": True}, "entries"),
                                 ("namespaces", {"under": self.ns}, "namespaces"),
                                 ("mget", {"ns": self.ns + ".n1", "keys": [f"k{k:03}" for k in range(30)]}, "entries"),
                                 ("changes", {"since": {self.ns + ".n1": 0}}, "sets")):
            pages = list(self.client.pages(op, limit=3, **fields))
            self.assertTrue(all(len(page[name]) <= 3 for page in pages), op)
            self.assertTrue(all(("after" in page) == page["more"] for page in pages), op)

    def test_mget_in_pages_keeps_the_order_asked(self):
        self.fill()
        keys = [f"k{k:03}" for k in range(30, 0, -1)]
        entries = [e for page in self.client.pages("mget", ns=self.ns + ".n2", keys=keys, limit=4)
                   for e in page["entries"]]
        self.assertEqual([entry and entry["key"] for entry in entries],
                         [key if key <= "k024" else None for key in keys])

    def test_namespaces_in_pages_of_one(self):
        self.fill()
        self.assertEqual([row["ns"] for row in self.client.namespaces(under=self.ns, limit=1)],
                         [f"{self.ns}.n{n}" for n in range(4)])

    def test_changes_in_pages_of_one_ascend_without_a_hole(self):
        self.fill()
        since = {f"{self.ns}.n{n}": n for n in range(4)}
        sets, heads = self.client.changes(since=since, limit=1)
        for ns, from_seq in since.items():
            self.assertEqual([s["seq"] for s in sets if s["ns"] == ns], list(range(from_seq + 1, 26)))
            self.assertEqual(heads[ns]["seq"], 25)

    def test_changes_of_a_subtree_ascend_by_revision_over_all_pages(self):
        start = self.client.call("snapshot", under=self.ns)["rev"]
        self.fill()
        sets, heads = self.client.changes(under=self.ns, since_rev=start, limit=3)
        self.assertEqual(len(sets), 100)
        self.assertEqual([s["rev"] for s in sets], sorted(s["rev"] for s in sets))
        self.assertEqual({head["seq"] for head in heads.values()}, {25})

    def test_I5_a_snapshot_in_small_chunks_while_writes_go_on_plus_changes_is_the_state(self):
        self.fill()
        writer = self.new_client()
        replica, first, number = Replica(under=[self.ns]), None, 0
        for chunk in self.client.pages("snapshot", under=self.ns, max_bytes=300):
            first = chunk["rev"] if first is None else first
            replica.epoch = chunk["epoch"]
            self.assertGreaterEqual(chunk["rev"], first)
            replica.add_chunk(chunk)
            for _ in range(5):  # behind the cursor, under it and before it
                number += 1
                ns = f"{self.ns}.n{number % 6}"
                if number % 3 == 0 and writer.ask("delete", ns=ns, key=f"k{number * 7 % 25:03}")["ok"]:
                    continue
                writer.put(ns, f"k{number * 11 % 30:03}", number)
        self.assertGreater(number, 50, "the snapshot came in many chunks")
        for change_set in self.client.changes(under=self.ns, since_rev=first, limit=7)[0]:
            self.assertIn(replica.apply(change_set["ns"], change_set), ("applied", "old"))
        heads = {row["ns"]: row for row in self.client.namespaces(under=self.ns)}
        self.assertEqual(replica.differences(heads), [])
        listed = {(e["ns"], e["key"]): e["value"] for e in self.client.list(self.ns, subtree=True)}
        held = {(ns, key): entry.value for ns, space in replica.names.items() for key, entry in space.entries.items()}
        self.assertEqual(held, listed)

    def test_a_namespace_of_a_snapshot_is_named_in_the_chunk_of_its_first_key_only(self):
        self.fill()
        named = []
        for chunk in self.client.pages("snapshot", under=self.ns, max_bytes=300):
            named += list(chunk["heads"])
        self.assertEqual(sorted(named), sorted(set(named)))
        self.assertEqual(len(named), 4)

    def test_a_forged_cursor_is_malformed_and_harmless(self):
        self.fill()
        good = self.client.call("list", ns=self.ns, subtree=True, limit=2)["after"]
        kind = bytes if isinstance(good, bytes) else str
        raw = good if kind is bytes else good.encode()
        forged = [raw[:-1], raw + b"x", b"", b"\x00" * 600, raw[::-1], b"\xff" * 20, b"\xdd\xff\xff\xff\xff"]
        if kind is str:
            forged = [item.decode("latin-1") for item in forged]
        for cursor in forged:
            for op, fields in (("list", {"ns": self.ns, "subtree": True}), ("namespaces", {}),
                               ("snapshot", {"under": self.ns}), ("changes", {"since": {self.ns + ".n1": 0}})):
                reply = self.client.ask(op, after=cursor, **fields)
                if not reply["ok"]:
                    self.assertIn(reply["error"]["code"], ("invalid_argument", "too_large"), (op, cursor))
        for wrong in (1, True, [], {}):
            self.assert_refused(self.client.ask("list", ns=self.ns, after=wrong), "invalid_argument", field="after")

    def test_big_values_end_a_page_early(self):
        for index in range(12):
            self.client.put(self.ns, f"k{index:02}", "x" * (700 << 10))
        pages = list(self.client.pages("list", ns=self.ns))
        self.assertGreater(len(pages), 1)
        self.assertEqual(sum(len(page["entries"]) for page in pages), 12)
        self.assertEqual(len(self.client.changes(since={self.ns: 0})[0]), 12)
        self.assertEqual(sum(len(chunk["entries"]) for chunk in self.client.pages("snapshot", ns=self.ns)), 12)


if __name__ == "__main__":
    unittest.main(verbosity=2)
