# Who did what: the audit file of a broker with security on, the op that reads it with the journal, its hash chain, its
# quota, and what a full disk means. By a client written from the contract; the chain is recomputed here.
import glob
import hashlib
import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import BIN, scratch_dir
from secured_case import CANARY, KEY, Secured
from waiting import eventually

NASTY = "x\r\n{\"n\":1}\x1b[31m\x85\u2028\u202e"


def lines_of(directory):
    lines = []
    for path in sorted(glob.glob(os.path.join(directory, "audit-*.jsonl"))):
        with open(path, encoding="utf-8", newline="\n") as file:
            lines += file.read().split("\n")[:-1]
    return lines


def broken_at(lines):
    """The number of the first line that does not continue the one before, or None; from the contract's words alone."""
    previous = None
    for line in lines:
        record = json.loads(line)
        hashed, _, tail = line.rpartition(',"hash":"')
        if hashlib.sha256(hashed.encode()).hexdigest() != tail.removesuffix('"}'):
            return record["n"]
        if previous is not None and (record["prev"], record["n"]) != (previous["hash"], previous["n"] + 1):
            return record["n"]
        previous = record
    return None


class Trail(Secured):
    @property
    def directory(self):
        return os.path.join(self.broker.data_dir, "audit")

    def records(self, **fields):
        records, after = [], None
        while True:
            page = self.admin.call("audit", **fields, **({"after": after} if after else {}))
            records += page["records"]
            if not page["more"]:
                return records
            after = page["after"]

    def told(self, what, **like):
        return [r for r in self.records() if r["what"] == what and all(r.get(name) == v for name, v in like.items())]

    def test_logins_refusals_and_administration_are_told_with_who_and_from_where(self):
        bob = self.client("bob", ["c"])
        self.refused(bob, "permission_denied", "get", ns="a", key=KEY)
        self.refused(bob, "permission_denied", "put", ns="c", key="k", value=1, note=f"{CANARY}-note")
        self.refused(self.stranger(), "unauthenticated", "get", ns="a", key=KEY)
        self.refused(self.stranger(), "unauthenticated", "hello", token="no.such.token")
        self.admin.put("_system.policy", "z.**", {"lane": "express"}, note="why not")
        self.assertEqual(len(self.told("login", by="bob", **{"from": "127.0.0.1"})), 1)
        self.assertEqual([r["ns"] for r in self.told("refused", by="bob", code="permission_denied")], [["a"], ["c"]])
        self.assertEqual({r["op"] for r in self.told("refused", by="", code="unauthenticated")}, {"get", "hello"})
        rule, = self.told("admin", by="root", op="put", note="why not")
        self.assertEqual(rule["ns"], ["_system.policy"])
        self.assertEqual(json.loads(rule["line"])["keys"], ["z.**"])
        write, = [r for r in self.records(ns="_system.policy") if r["what"] == "write" and r.get("note") == "why not"]
        self.assertLessEqual(rule["time"], write["time"], "the line stands there before it is done")
        for line in lines_of(self.directory):
            self.assertNotIn(CANARY, line)

    def test_every_accepted_write_is_told_from_the_journal_with_who_when_and_note(self):
        # The broker reads its clock once a step: what comes within one is of the moment when it began.
        before = int(time.time() * 1e6) - 100_000
        rev = self.admin.put("c", "audited", {"secret": CANARY}, note="because")["rev"]
        write, = [r for r in self.records(since=before, ns="c", by="root") if r.get("rev") == rev]
        self.assertEqual((write["what"], write["op"], write["note"], write["changes"], write["ns"]),
                         ("write", "put", "because", 1, ["c"]))
        self.assertGreaterEqual(write["time"], before)
        self.assertNotIn(CANARY, repr(write))

    def test_filters_and_pages_leave_nothing_out_and_tell_nothing_twice(self):
        for n in range(40):
            self.admin.put("d.e", f"k{n}", n)
        everything = self.records()
        self.assertEqual(everything, self.records(limit=3)[:len(everything)])
        self.assertEqual([r["time"] for r in everything], sorted(r["time"] for r in everything))
        middle = everything[len(everything) // 2]["time"]
        for filtered, kept in (({"since": middle}, lambda r: r["time"] >= middle),
                               ({"by": "root"}, lambda r: r["by"] == "root"), ({"ns": "d.e"}, lambda r: "d.e" in r["ns"])):
            expected = [r for r in everything if kept(r)]
            self.assertEqual(self.records(**filtered)[:len(expected)], expected, filtered)
            self.assertTrue(expected)
        self.assertEqual(self.records(by="nobody"), [])

    def test_only_who_administers_everything_reads_it(self):
        self.refused(self.client("reader", ["**"], ["**"], ["a.**"]), "permission_denied", "audit")
        self.refused(self.stranger(), "unauthenticated", "audit")
        self.assertEqual(self.admin.ask("audit", ns="a/")["error"]["field"], "ns")
        self.assertEqual(self.admin.ask("audit", after=b"junk")["error"]["field"], "after")

    def test_whatever_a_note_says_is_one_line_that_a_terminal_bears(self):
        reply = self.admin.ask("put", ns="_system.policy", key="q.**", value={"lane": "express"}, note=NASTY)
        if not reply["ok"]:  # a note of that kind may be refused as well
            self.assertEqual(reply["error"]["field"], "note")
        for line in lines_of(self.directory):
            self.assertTrue(all(c.isprintable() for c in line), ascii(line))
            json.loads(line)

    def test_names_that_an_answer_leaves_out_are_told(self):
        for op, fields in (("changes", lambda names: {"since": {ns: 0 for ns in names}}), ("keys", lambda names: {"ns": names})):
            eve = self.client(f"eve-{op}", ["c"])
            reply = eve.call(op, **fields(["a", "c", "d.e"]))
            if op == "changes":
                self.assertEqual({ns: error["code"] for ns, error in reply["failed"].items()},
                                 {"a": "permission_denied", "d.e": "permission_denied"})
            for _ in range(50):
                eve.call(op, **fields(["a", "c", "d.e"]))
            told, = self.told("refused", by=f"eve-{op}", op=op, code="permission_denied", **{"from": "127.0.0.1"})
            self.assertEqual(told["ns"], ["a", "d.e"], "the rest is gathered for its minute")
            eve.call(op, **fields(["c"]))
            self.assertEqual(len(self.told("refused", by=f"eve-{op}")), 1, "nothing was left out")
            many = [f"no{n:02}" for n in range(40)]
            eve.ask(op, **fields(many))
            self.assertEqual([r["ns"] for r in self.told("refused", by=f"eve-{op}")][1:], [many[:16] + ["..."]])

    def test_equal_refusals_are_told_once_and_then_counted(self):
        pest = self.client("pest", ["c"])
        for _ in range(2000):
            pest.send("get", ns="a", key=KEY)
        for _ in range(2000):
            self.assertEqual(pest.receive(10)["error"]["code"], "permission_denied")
        self.assertEqual([r.get("times", 1) for r in self.told("refused", by="pest")], [1])
        self.assertLess(sum(len(line) for line in lines_of(self.directory)), 1 << 20)

    def test_the_chain_is_whole_and_every_change_of_it_is_found(self):
        for n in range(5):
            self.refused(self.client(f"p{n}", ["c"]), "permission_denied", "get", ns="a", key=KEY)
        eventually(lambda: len(self.told("refused")) >= 5)
        lines = [r["line"] for r in self.records() if "line" in r]
        self.assertIsNone(broken_at(lines))
        self.assertEqual(lines, lines_of(self.directory)[:len(lines)])
        self.assertIsNotNone(broken_at(lines[:2] + lines[3:]), "deleted")
        self.assertIsNotNone(broken_at([lines[0], lines[2], lines[1], *lines[3:]]), "moved")
        for n in range(1, len(lines)):
            changed = lines[:n] + [lines[n].replace('"what":"', '"what":"x', 1)] + lines[n + 1:]
            self.assertIsNotNone(broken_at(changed), "edited")


class Stopped(Secured):
    """What is left of it when the broker is not there."""
    ARGS = ("--backup-dir", scratch_dir("prismbus-backups-"))

    def check(self):
        done = subprocess.run([os.path.join(BIN, "prismbusd"), "check", "--data-dir", self.broker.data_dir],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_check_finds_what_was_edited_deleted_or_moved_and_a_restart_goes_on(self):
        directory = os.path.join(self.broker.data_dir, "audit")
        self.refused(self.client("bob", ["c"]), "permission_denied", "get", ns="a", key=KEY)
        self.admin.put("_system.policy", "z.**", {"lane": "express"})
        self.broker.stop()
        self.assertEqual(self.check()[0], 0)
        path, = glob.glob(os.path.join(directory, "audit-*.jsonl"))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")[:-1]
        self.assertIsNone(broken_at(lines))
        self.assertEqual([json.loads(lines[n])["what"] for n in (0, -1)], ["started", "stopped"])
        for changed in (lines[:2] + lines[3:], [lines[0], lines[2], lines[1], *lines[3:]],
                        [lines[0], lines[1].replace("root", "toor"), *lines[2:]], lines[:2] + ["{}"] + lines[2:]):
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(line + "\n" for line in changed))
            code, said = self.check()
            self.assertNotEqual(code, 0, said)
            self.assertIn("audit", said)
        with open(path, "w", encoding="utf-8") as file:  # as a crash in the middle of a line would leave it
            file.write("".join(line + "\n" for line in lines) + lines[-1][:40])
        self.broker.start()
        self.broker.stop()
        self.assertEqual(self.check()[0], 0)
        with open(path, encoding="utf-8") as file:
            after = file.read().split("\n")[:-1]
        self.assertEqual(after[:len(lines)], lines)
        self.assertIsNone(broken_at(after))
        self.broker.start()
        type(self).admin.close()
        type(self).admin = self.client_of(self.security.admin())

    def test_a_restore_leaves_it_where_it_is(self):
        backup = self.admin.call("backup", name="all", seconds=30)["path"]
        self.assertEqual([r["op"] for r in self.admin.call("audit")["records"] if r["what"] == "admin"][-2:],
                         ["backup", "audit"])
        self.broker.stop()
        directory = os.path.join(self.broker.data_dir, "audit")
        before = lines_of(directory)
        subprocess.run([os.path.join(BIN, "prismbusd"), "restore", backup, "--data-dir", self.broker.data_dir, "--replace"],
                       check=True, capture_output=True, timeout=60)
        self.assertEqual(lines_of(directory), before)
        self.assertEqual(self.check()[0], 0)
        self.broker.start()
        self.assertEqual(lines_of(directory)[:len(before)], before)
        type(self).admin.close()
        type(self).admin = self.client_of(self.security.admin())


if __name__ == "__main__":
    unittest.main()
