# Every operation's happy path and the refusals a well-formed request can meet, against a real broker.
# Malformed requests: malformed_test.py. Pages: paging_test.py. Transactions: txn_test.py.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_case import BrokerCase
from prismbus_client import revision_now
from prismbus_wire import Raw, content_hash, encode

LIMITS = {"ns_bytes": 120, "key_bytes": 255, "value_bytes": 1 << 20, "value_depth": 32, "txn_changes": 1000,
          "txn_bytes": 4 << 20, "message_bytes": 8 << 20, "note_bytes": 1024, "session_writes": 1024, "sessions": 65536}
SERVED_WITH_SECURITY_ON = {"keys": {"ns": ["a"]}}


class Hello(BrokerCase):
    def test_hello_tells_protocol_run_endpoints_and_every_limit(self):
        hello = self.client.hello()
        self.assertEqual(hello["protocol"], 1)
        self.assertTrue(hello["server"])
        self.assertEqual(hello["principal"], "anonymous")
        self.assertEqual((hello["sealed"], hello["stream_curve"]), (False, False))
        self.assertEqual(hello["limits"], LIMITS)
        self.assertGreater(hello["heartbeat_ms"], 0)
        self.assertGreater(hello["ack_ms"], 0)
        self.assertEqual(hello["changes"], self.broker.ready["changes"])
        self.assertEqual((hello["express"], hello["brokers"]), ([], []))
        for name in ("run", "epoch"):
            self.assertIsInstance(hello[name], int)
        self.assertNotIn("expires", hello)

    def test_two_hellos_name_the_same_run_and_epoch(self):
        first, second = self.client.hello(), self.new_client().hello()
        self.assertEqual((first["run"], first["epoch"]), (second["run"], second["epoch"]))

    def test_hello_takes_a_client_description_and_what_it_follows(self):
        self.client.hello(client={"name": "t", "version": "1", "instance": "i-1", "labels": {"zone": "a"}},
                          follow={"ns": ["a.b"], "under": ["c"]})


class Replies(BrokerCase):
    def test_every_reply_carries_id_ok_epoch_and_rev(self):
        for op, fields in (("hello", {}), ("get", {"ns": self.ns, "key": "k"}), ("nonsense", {}), ("status", {})):
            reply = self.client.ask(op, **fields)
            for name in ("id", "ok", "epoch", "rev"):
                self.assertIn(name, reply, op)

    def test_any_id_of_the_range_comes_back_as_it_was(self):
        for number in (0, 1, -1, -33, -2**31 - 1, -2**63, 2**63 - 1, 2**63, 2**64 - 1, 127, 128, 65536):
            reply = self.client.wait(self.client.send("get", id=number, ns=self.ns, key="k"))
            self.assertEqual(reply["id"], number)

    def test_a_request_without_id_is_answered_with_id_0(self):
        self.client.send_payload(encode({"op": "hello"}))
        self.assertTrue(self.client.wait(0)["ok"])

    def test_unknown_fields_are_ignored(self):
        self.assertTrue(self.client.ask("put", ns=self.ns, key="k", value=1, later={"a": [1, 2]}, x=None)["ok"])

    def test_the_same_epoch_is_fine_and_another_one_is_other_history(self):
        epoch = self.client.hello()["epoch"]
        self.assertTrue(self.client.ask("put", ns=self.ns, key="k", value=1, epoch=epoch)["ok"])
        before = self.revision()
        for op, fields in (("get", {"key": "k"}), ("put", {"key": "k", "value": 2}), ("snapshot", {})):
            self.assert_refused(self.client.ask(op, ns=self.ns, epoch=epoch ^ 1, **fields), "other_history")
        self.assertEqual(self.revision(), before)

    def test_what_is_not_served_answers_unsupported_and_names_it(self):
        for op, fields in [*SERVED_WITH_SECURITY_ON.items(), ("nonsense", {}), ("", {})]:
            self.assert_refused(self.client.ask(op, **fields), "unsupported", field="op")


class PutGetDelete(BrokerCase):
    def test_put_then_get_gives_the_whole_entry(self):
        first = self.client.put(self.ns, "k", {"a": 1})
        second = self.client.put(self.ns, "k", [1, 2.5, None, True, "x", b"y"])
        self.assertEqual((first["seq"], first["version"], second["seq"], second["version"]), (1, 1, 2, 2))
        self.assertEqual(second["rev"], first["rev"] + 1)
        entry = self.client.get(self.ns, "k")
        self.assertEqual(set(entry), {"ns", "key", "value", "rev", "version", "created", "time", "by"})
        self.assertEqual((entry["ns"], entry["key"], entry["value"]), (self.ns, "k", [1, 2.5, None, True, "x", b"y"]))
        self.assertEqual((entry["rev"], entry["created"], entry["version"]), (second["rev"], first["rev"], 2))
        self.assertEqual(entry["by"], "anonymous")
        self.assertGreater(entry["time"], 1_600_000_000_000_000)

    def test_values_come_back_byte_for_byte(self):
        values = [bytes.fromhex(text) for text in (
            "cc01", "cd0001", "d30000000000000001", "d90161", "dc0000", "df00000001a161a162",
            "ca3f800000", "cb3ff0000000000000", "c70005", "d6ff00000000", "c403000102", "8201a16102a162")]
        for index, value in enumerate(values):
            with self.subTest(value=value.hex()):
                self.assertTrue(self.client.ask("put", ns=self.ns, key=f"k{index}", value=Raw(value))["ok"])
                request_id = self.client.send("get", ns=self.ns, key=f"k{index}")
                payload = self.client.receive_frames()[1]
                self.assertIn(encode("value") + value, payload, request_id)

    def test_what_is_not_there_is_not_found(self):
        self.assert_refused(self.client.ask("get", ns=self.ns, key="k"), "not_found")
        before = self.revision()
        self.assert_refused(self.client.ask("delete", ns=self.ns, key="k"), "not_found")
        self.assertEqual(self.revision(), before, "a delete of nothing makes no revision")

    def test_delete_takes_a_seq_and_the_key_begins_anew(self):
        self.client.put(self.ns, "k", 1)
        self.assertEqual(self.client.delete(self.ns, "k")["seq"], 2)
        self.assert_refused(self.client.ask("get", ns=self.ns, key="k"), "not_found")
        again = self.client.put(self.ns, "k", 2)
        self.assertEqual((again["version"], again["seq"]), (1, 3))
        self.assertEqual(self.client.get(self.ns, "k")["created"], again["rev"])

    def test_a_put_of_an_equal_value_is_a_change_like_any_other(self):
        first, second = self.client.put(self.ns, "k", 1), self.client.put(self.ns, "k", 1)
        self.assertEqual((second["version"], second["rev"]), (2, first["rev"] + 1))

    def test_if_rev_compares_and_conflict_tells_what_is_there(self):
        self.assert_refused(self.client.ask("put", ns=self.ns, key="k", value=1, if_rev=self.revision()), "conflict",
                            ns=self.ns, key="k", rev=0)
        rev = self.client.put(self.ns, "k", 1, if_rev=0)["rev"]
        self.assert_refused(self.client.ask("put", ns=self.ns, key="k", value=2, if_rev=0), "conflict", ns=self.ns,
                            key="k", rev=rev)
        second = self.client.put(self.ns, "k", 2, if_rev=rev)["rev"]
        self.assert_refused(self.client.ask("delete", ns=self.ns, key="k", if_rev=rev), "conflict", rev=second)
        self.client.delete(self.ns, "k", if_rev=second)
        self.assert_refused(self.client.ask("delete", ns=self.ns, key="k", if_rev=second), "conflict", rev=0)

    def test_limits_are_reached_and_not_passed(self):
        ns, key = "n" * 120, "k" * 255
        big = "x" * ((1 << 20) - 5)  # with its 5-byte header exactly 1 MiB
        self.assertTrue(self.client.ask("put", ns=ns, key=key, value=big, note="n" * 1024)["ok"])
        self.assertEqual(self.client.get(ns, key)["value"], big)
        deep = Raw(b"\x91" * 32 + b"\xc0")
        self.assertTrue(self.client.ask("put", ns=ns, key="deep", value=deep)["ok"])

    def test_names_are_taken_as_they_are(self):
        keys = ["é", "e\u0301", "A", "a", " a ", "a/b//c", ".", "..", "🦊", "a\u00a0b", "%2e", "\\"]
        for index, key in enumerate(keys):
            self.client.put(self.ns, key, index)
        found = {entry["key"]: entry["value"] for entry in self.client.list(self.ns)}
        self.assertEqual(found, {key: index for index, key in enumerate(keys)})
        self.assertEqual([entry["key"] for entry in self.client.list(self.ns)],
                         sorted(keys, key=lambda key: key.encode()), "order is that of bytes")

    def test_a_system_namespace_answers_and_is_left_out_of_everything_below_nothing(self):
        reply = self.client.ask("get", ns="_system.policy", key="a.**")
        self.assert_refused(reply, "not_found")
        self.assertFalse([row for row in self.client.namespaces() if row["ns"].startswith("_")])


class ManyReads(BrokerCase):
    def test_mget_answers_in_the_order_asked_with_nil_for_what_is_absent(self):
        self.client.put(self.ns, "a", 1)
        self.client.put(self.ns, "b", 2)
        reply = self.client.call("mget", ns=self.ns, keys=["b", "none", "a", "b"])
        self.assertEqual([entry and entry["value"] for entry in reply["entries"]], [2, None, 1, 2])
        self.assertFalse(reply["more"])

    def test_list_knows_prefix_glob_subtree_and_values(self):
        for key in ("a", "a/b", "a/b/c", "ab", "b", "a*"):
            self.client.put(self.ns, key, key)
        self.client.put(self.ns + ".below", "a", "below")
        self.client.put(self.ns + "-beside", "a", "beside")

        def keys(**fields):
            return [(entry["ns"][len(self.ns):], entry["key"]) for entry in self.client.list(self.ns, **fields)]

        self.assertEqual(keys(), [("", key) for key in ("a", "a*", "a/b", "a/b/c", "ab", "b")])
        self.assertEqual(keys(prefix="a/"), [("", "a/b"), ("", "a/b/c")])
        self.assertEqual(keys(glob="a?"), [("", "a*"), ("", "ab")])
        self.assertEqual(keys(glob="a/*"), [("", "a/b")])
        self.assertEqual(keys(glob="a/**"), [("", "a/b"), ("", "a/b/c")])
        self.assertEqual(keys(glob="a\\*"), [("", "a*")])
        self.assertEqual(keys(glob="**"), keys())
        self.assertEqual(keys(subtree=True, prefix="a")[-1], (".below", "a"))
        self.assertEqual(len(keys(subtree=True)), 7, "what is beside is not below")
        self.assertNotIn("value", self.client.list(self.ns, values=False)[0])

    def test_a_list_of_nothing_is_empty_and_fine(self):
        reply = self.client.call("list", ns=self.ns)
        self.assertEqual((reply["entries"], reply["more"]), ([], False))
        self.assertNotIn("after", reply)

    def test_namespaces_counts_keys_and_bytes_and_hashes_them(self):
        for key in ("a", "b", "c"):
            self.client.put(self.ns + ".x", key, "12345")
        last = self.client.delete(self.ns + ".x", "b")
        (row,) = self.client.namespaces(under=self.ns)
        revs = {entry["key"]: entry["rev"] for entry in self.client.list(self.ns + ".x")}
        self.assertEqual((row["ns"], row["seq"], row["rev"], row["keys"], row["lane"]),
                         (self.ns + ".x", 4, last["rev"], 2, "changes"))
        self.assertEqual(row["bytes"], 2 * (1 + 6))
        self.assertEqual(row["hash"], content_hash(revs))

    def test_an_emptied_namespace_is_still_named(self):
        self.client.put(self.ns, "a", 1)
        self.client.delete(self.ns, "a")
        (row,) = self.client.namespaces(under=self.ns)
        self.assertEqual((row["keys"], row["bytes"], row["hash"], row["seq"]), (0, 0, 0, 2))

    def test_snapshot_of_a_namespace_that_never_was_has_head_seq_0(self):
        reply = self.client.call("snapshot", ns=self.ns)
        self.assertEqual((reply["entries"], reply["more"]), ([], False))
        self.assertEqual(reply["heads"][self.ns]["seq"], 0)

    def test_changes_since_gives_each_set_as_it_was_made(self):
        first = self.client.put(self.ns, "a", 1, note="why")
        second = self.client.delete(self.ns, "a")
        sets, heads = self.client.changes(since={self.ns: 0})
        self.assertEqual([change_set["seq"] for change_set in sets], [1, 2])
        self.assertEqual(sets[0]["changes"], [{"op": "put", "key": "a", "value": 1, "version": 1}])
        self.assertEqual((sets[0]["note"], sets[0]["by"], sets[0]["rev"]), ("why", "anonymous", first["rev"]))
        self.assertEqual(sets[1]["changes"], [{"op": "delete", "key": "a"}])
        self.assertNotIn("note", sets[1])
        self.assertEqual(heads[self.ns]["rev"], second["rev"])
        self.assertEqual(self.client.changes(since={self.ns: 2})[0], [])

    def test_changes_since_above_the_head_is_other_history(self):
        self.client.put(self.ns, "a", 1)
        reply = self.client.ask("changes", since={self.ns: 7})
        error = self.assert_refused(reply, "other_history") if not reply["ok"] else reply["failed"][self.ns]
        self.assertEqual(error["code"], "other_history")

    def test_status_answers_with_figures(self):
        self.assertTrue(self.client.call("status"))


class OwnWrites(BrokerCase):
    def test_I9_a_request_sent_after_a_reply_never_sees_an_older_revision(self):
        other = self.new_client()
        for number in range(200):
            rev = self.client.put(self.ns, "k", number)["rev"]
            entry = other.get(self.ns, "k")
            self.assertGreaterEqual(entry["rev"], rev)
            self.assertGreaterEqual(revision_now(self.client), rev)

    def test_pipelined_requests_are_all_answered_once(self):
        replies = self.client.call_all("put", ({"ns": self.ns, "key": f"k{i % 50}", "value": i} for i in range(5000)))
        self.assertTrue(all(reply["ok"] for reply in replies))
        self.assertEqual(sorted(reply["seq"] for reply in replies), list(range(1, 5001)))
        self.assertIsNone(self.client.receive(0))

    def test_time_never_decreases_from_one_revision_to_the_next(self):
        self.client.call_all("put", ({"ns": self.ns, "key": "k", "value": i} for i in range(500)))
        times = [change_set["time"] for change_set in self.client.changes(since={self.ns: 0})[0]]
        self.assertEqual(times, sorted(times))


if __name__ == "__main__":
    unittest.main(verbosity=2)
