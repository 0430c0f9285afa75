# prismbus put get delete list txn namespaces status: what they print, their exit codes, and that a refused command
# changes nothing.
import unittest

from command_case import CommandCase


class CommandLine(CommandCase):
    def test_help_runs_without_a_broker(self):
        self.assertIn("Exit codes:", self.done("--help").out)
        for name in "put get delete list txn namespaces watch import export status".split():
            self.assertIn("Examples:", self.done(name, "--help").out)

    def test_put_get_delete(self):
        put = self.done("put", self.ns, "k", '{"a": [1, 1.0, 18446744073709551615, null]}', "--json").json
        self.assertTrue(put["ok"])
        self.assertEqual((put["seq"], put["version"]), (1, 1))
        entry = self.done("get", self.ns, "k", "--json").json["entry"]
        self.assertEqual(repr(entry["value"]), "{'a': [1, 1.0, 18446744073709551615, None]}")
        self.assertEqual(entry["rev"], put["rev"])
        self.assertEqual(self.done("put", self.ns, "k", "5", "--if-rev", str(put["rev"])).out.split()[-1], "2")
        self.refused(5, "put", self.ns, "k", "6", "--if-rev", str(put["rev"]), says="conflict")
        self.refused(5, "put", self.ns, "k", "6", "--if-rev", "0", says="conflict")
        self.assertEqual(self.done("get", self.ns, "k").out, "5\n")
        self.done("delete", self.ns, "k", "--note", "no longer")
        self.refused(4, "get", self.ns, "k", says="not_found")
        self.refused(4, "delete", self.ns, "k", says="not_found")

    def test_every_kind_of_value_survives(self):
        for text in ("null", "true", "-9223372036854775808", "1e+300", "-0.0", '"\\u0000é配置"', "[]", "{}",
                     '{"$bin": "AAEC/w=="}', '{"$ext": [5, "AQ=="]}', '{"$float": "-inf"}',
                     '{"$map": [[1, "a"], ["1", "b"]]}', '{"$$bin": 1}'):
            with self.subTest(text):
                self.done("put", self.ns, "k", "--file", "-", "--format", "json", text=text)
                first = self.done("get", self.ns, "k").out
                self.done("put", self.ns, "k", "--file", "-", "--format", "json", text=first)
                self.assertEqual(self.done("get", self.ns, "k").out, first)

    def test_text_and_bytes_come_out_raw(self):
        self.done("put", self.ns, "k", "--string", "1.2.3")
        self.assertEqual(self.done("get", self.ns, "k", "--raw").out, "1.2.3")
        self.done("put", self.ns, "k", "5")
        self.refused(2, "get", self.ns, "k", "--raw", says="--raw")

    def test_a_revision_that_is_not_reached_is_said_at_once(self):
        ahead = str(self.rev() + 1000)
        self.refused(9, "put", self.ns, "k", "1", "--if-rev", ahead, says="has not reached rev " + ahead)
        self.refused(9, "get", self.ns, "k", "--min-rev", ahead, says="has not reached")
        self.refused(4, "get", self.ns, "k")

    def test_list(self):
        for key in ("a/1", "a/2", "b"):
            self.done("put", self.ns, key, "1")
        self.done("put", self.ns + ".below", "c", "1")
        self.assertEqual(self.done("list", self.ns, "--keys-only").out, "a/1\na/2\nb\n")
        self.assertEqual(self.done("list", self.ns, "--keys-only", "--prefix", "a/").out, "a/1\na/2\n")
        self.assertEqual(self.done("list", self.ns, "--keys-only", "--glob", "*/2").out, "a/2\n")
        self.assertEqual(self.done("list", self.ns, "--keys-only", "--subtree").out.splitlines()[-1], self.ns + ".below\tc")
        table = self.done("list", self.ns, "--long").out.splitlines()
        self.assertEqual(table[0].split(), ["KEY", "REV", "VERSION", "TIME", "BY", "VALUE"])
        self.assertEqual(len(table), 4)
        self.assertEqual(len(self.done("list", self.ns, "--json").json["entries"]), 3)
        self.assertEqual(self.done("list", self.ns + "-none").out, "")
        self.assertNotIn("\x1b", "".join(table))

    def test_txn_is_all_or_nothing(self):
        other = self.ns + ".other"
        done = self.done("txn", "put", self.ns, "a", "1", "put", other, "b", '"text"', "--json").json
        self.assertEqual(done["seqs"], {self.ns: 1, other: 1})
        self.assertEqual(done["versions"], [1, 1])
        self.refused(5, "txn", "put", self.ns, "a", "2", "--require", other, "b", "0", says="conflict")
        self.refused(4, "txn", "put", self.ns, "a", "2", "delete", self.ns, "none", says="not_found")
        self.assertEqual(self.done("get", self.ns, "a").out, "1\n")
        document = '{"do": [{"op": "delete", "ns": "%s", "key": "a"}], "if": [{"ns": "%s", "key": "b", "rev": %d}]}'
        self.done("txn", "--file", "-", text=document % (self.ns, other, done["rev"]))
        self.refused(4, "get", self.ns, "a")
        self.refused(2, "txn", "--file", "-", text='{"do": [{"op": "put"}]}', says="standard input: do[0]")

    def test_namespaces_and_status(self):
        self.done("put", self.ns, "a", "1")
        row = self.done("namespaces", self.ns, "--json").json["namespaces"][0]
        self.assertEqual((row["ns"], row["seq"], row["keys"]), (self.ns, 1, 1))
        self.assertRegex(row["hash"], "^[0-9a-f]{16}$")
        self.assertIn(self.ns, self.done("namespaces").out)
        status = self.done("status", "--json").json
        self.assertRegex(status["epoch"], "^[0-9a-f]{16}$")
        self.assertIn("epoch", self.done("status").out)

    def test_errors_are_json_when_asked_and_change_nothing(self):
        before = self.rev()
        error = self.refused(2, "put", "no good", "k", "1", "--json").json["error"]
        self.assertEqual((error["code"], error["field"]), ("invalid_argument", "ns"))
        self.refused(2, "put", self.ns, "", "1", says="key")
        self.refused(2, "put", self.ns, "k", "{", says="--string")
        self.refused(8 - 1, "put", self.ns, "k", "--file", "-", "--string", text="x" * (1 << 20), says="too_large")
        self.refused(2, "delte", self.ns, "k", says="did you mean delete?")
        self.assertEqual(self.rev(), before)

    def test_no_broker_is_told_in_time(self):
        self.refused(3, "get", self.ns, "k", "--broker", "ipc:///nonexistent/broker", timeout="0.3",
                     says="no broker answered at ipc:///nonexistent/broker within 0.3 s")
        self.refused(3, "watch", self.ns, "--broker", "ipc:///nonexistent/broker", timeout="0.3", says="no broker answered")


if __name__ == "__main__":
    unittest.main()
