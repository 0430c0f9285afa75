# prismbus history, diff, rollback, get/list --at, changes, snapshot, replay: one small story told by all of them, with
# revisions and with times, for people and as JSON; and a replay that rebuilds every moment of the sample log.
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
import unittest
from datetime import datetime, timedelta, timezone

from command_case import PRISMBUS, ROOT, CommandCase

SAMPLE = os.path.join(ROOT, "broker", "sample", "leverage_tiers.jsonl")


def applied(state, changes):
    state = dict(state)
    for change in changes:
        if change["op"] == "put":
            state[change["key"]] = change["value"]
        else:
            del state[change["key"]]
    return state


class Story(CommandCase):
    """k: 1, then 2 with a note (and j: 5 beside it), then deleted, then 3."""

    def setUp(self):
        super().setUp()
        self.revs = [self.done("put", self.ns, "k", "1", "--json").json["rev"],
                     self.done("txn", "put", self.ns, "k", "2", "put", self.ns, "j", "5", "--note", "raise", "--json").json["rev"],
                     self.done("delete", self.ns, "k", "--json").json["rev"],
                     self.done("put", self.ns, "k", "3", "--json").json["rev"]]

    def at(self, n, *more):
        return self.done("list", self.ns, "--at", str(self.revs[n]), "--json", *more).json

    def test_history_is_newest_first_with_notes_and_deletes(self):
        reply = self.done("history", self.ns, "k", "--json").json
        self.assertEqual([(v["rev"], v["op"], v.get("value"), v.get("version"), v.get("note")) for v in reply["versions"]],
                         [(self.revs[3], "put", 3, 1, None), (self.revs[2], "delete", None, None, None),
                          (self.revs[1], "put", 2, 2, "raise"), (self.revs[0], "put", 1, 1, None)])
        self.assertEqual((reply["ok"], reply["more"]), (True, False))
        lines = self.done("history", self.ns, "k").out.splitlines()
        self.assertEqual(lines[0].split(), ["REV", "VERSION", "TIME", "BY", "NOTE", "VALUE"])
        self.assertEqual([line.split()[0] for line in lines[1:]], [str(rev) for rev in reversed(self.revs)])
        self.assertIn("(deleted)", lines[2])
        self.assertIn("raise", lines[3])
        one = self.done("history", self.ns, "k", "--limit", "1", "--json").json
        self.assertEqual((len(one["versions"]), one["more"]), (1, True))
        older = self.done("history", self.ns, "k", "--before", str(self.revs[2]), "--since", str(self.revs[0]), "--json").json
        self.assertEqual([v["rev"] for v in older["versions"]], [self.revs[1]])
        self.assertEqual(self.done("history", self.ns, "never").out, "")

    def test_diff_says_what_was_added_removed_and_changed(self):
        def diff(a, b, *more):
            return self.done("diff", self.ns, "--from", str(self.revs[a]), "--to", str(self.revs[b]), *more)
        self.assertEqual(diff(0, 1).out, "+ j  5\n~ k  1 -> 2\n")
        self.assertEqual(diff(1, 2).out, "- k  2\n")
        self.assertEqual(diff(2, 3).out, "+ k  3\n")
        self.assertEqual(diff(3, 3).out, "")
        self.assertEqual(self.done("diff", self.ns, "--from", str(self.revs[0])).out, "+ j  5\n~ k  1 -> 3\n")
        changes = diff(0, 1, "--json").json["changes"]
        self.assertEqual([(c["key"], c.get("before", {}).get("value"), c["after"]["value"]) for c in changes],
                         [("j", None, 5), ("k", 1, 2)])
        self.assertEqual(changes[1]["before"]["rev"], self.revs[0])

    def test_reads_of_the_past_by_revision_and_by_time(self):
        self.assertEqual(self.done("get", self.ns, "k", "--at", str(self.revs[1])).out, "2\n")
        self.refused(4, "get", self.ns, "k", "--at", str(self.revs[2]), says="not_found")
        reply = self.at(1)
        self.assertEqual({e["key"]: e["value"] for e in reply["entries"]}, {"j": 5, "k": 2})
        self.assertEqual(reply["at"], self.revs[1])
        micros = self.at(1)["entries"][0]["time"]
        moment = datetime.fromtimestamp(micros / 1e6, timezone.utc)
        for zone in (timezone.utc, timezone(timedelta(hours=8)), timezone(timedelta(hours=-5, minutes=-30))):
            text = moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S.%f%z")
            self.assertEqual(self.done("get", self.ns, "k", "--at", text).out, "2\n")
        self.assertEqual(self.done("get", self.ns, "k", "--at", "-0s").out, "3\n")
        self.refused(9, "get", self.ns, "k", "--at", str(self.revs[3] + 1000), says="has not reached")

    def test_rollback_writes_the_past_anew(self):
        before = self.rev()
        shown = self.done("rollback", self.ns, "--to", str(self.revs[0]), "--dry-run").out
        self.assertIn("- j  5\n~ k  3 -> 1\n2 keys would change", shown)
        self.assertEqual(self.rev(), before)
        reply = self.done("rollback", self.ns, "--to", str(self.revs[0]), "--note", "undo", "--json").json
        self.assertEqual((reply["changes"], reply["rev"], reply["seq"]), (2, before + 1, 5))
        self.assertEqual(self.done("list", self.ns, "--keys-only").out, "k\n")
        self.assertEqual(self.done("get", self.ns, "k").out, "1\n")
        self.assertIn("nothing differs", self.done("rollback", self.ns, "--to", str(self.revs[0])).out)
        self.assertEqual(self.rev(), before + 1)
        self.assertIn("1 key back to rev", self.done("rollback", self.ns, "k", "--to", str(self.revs[1])).out)
        self.assertEqual(self.done("get", self.ns, "k").out, "2\n")
        self.refused(2, "rollback", self.ns, "--to", "now", says="--to")
        self.refused(2, "rollback", self.ns, "--to", "0", says="--to")

    def test_revision_0_is_where_everything_comes_after_and_no_moment_to_read_at(self):
        self.assertEqual(self.done("diff", self.ns, "--from", "0").out, "+ j  5\n+ k  3\n")
        self.assertEqual(self.done("diff", self.ns, "--from", "1970-01-02").out, "+ j  5\n+ k  3\n")
        whole = self.done("history", self.ns, "k").out
        self.assertEqual(self.done("history", self.ns, "k", "--since", "0").out, whole)
        self.assertEqual(len(self.done("changes", self.ns, "--since", "0").out.splitlines()), 5)
        self.assertEqual(len(self.done("replay", self.ns, "--from", "0").out.splitlines()), 5)
        for flag, arguments in (("--at", ["get", self.ns, "k"]), ("--at", ["list", self.ns]), ("--before", ["history", self.ns, "k"]),
                                ("--to", ["diff", self.ns, "--from", "1"]), ("--to", ["rollback", self.ns]),
                                ("--to", ["replay", self.ns, "--from", "0"])):
            with self.subTest(arguments):
                self.refused(2, *arguments, flag, "0", says=f"{flag}: revisions begin with 1")
        for flag, arguments in (("--before", ["history", self.ns, "k"]), ("--to", ["diff", self.ns, "--from", "1"]),
                                ("--to", ["rollback", self.ns])):
            with self.subTest(arguments):
                self.refused(2, *arguments, flag, "1970-01-02", says=f"{flag}: there was nothing yet")

    def on_a_terminal(self, columns, *arguments):
        """What it prints on a terminal so wide, line by line."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen([PRISMBUS, *arguments], stdin=subprocess.DEVNULL, stdout=theirs,
                              env={**self.environment(), "NO_COLOR": "1"}) as running:
            os.close(theirs)
            out = b""
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
                out += piece
        os.close(ours)
        self.assertEqual(running.returncode, 0)
        return out.decode().splitlines()

    def test_on_80_columns_a_long_note_leaves_room_for_the_value(self):
        self.done("put", self.ns, "wide", json.dumps("v" * 300), "--note", "n" * 200)
        for columns in (80, 120):
            header, row = self.on_a_terminal(columns, "history", self.ns, "wide")
            self.assertTrue(header.endswith("VALUE"), header)
            self.assertRegex(row, r" n{7,}…  \"v{14,}…$")
            self.assertEqual(len(row), columns)

    def test_a_namespace_that_never_was_is_not_found_and_an_empty_one_is(self):
        never = self.ns + ".never"
        for arguments in (["diff", never, "--from", "1"], ["diff", never, "--from", "0", "--to", str(self.revs[0])],
                          ["rollback", never, "--to", str(self.revs[0])], ["rollback", never, "k", "--to", str(self.revs[0])],
                          ["rollback", never, "--to", str(self.revs[0]), "--dry-run"],
                          ["snapshot", never], ["snapshot", never, "--subtree"]):
            with self.subTest(arguments):
                ran = self.refused(4, *arguments, says=f"{arguments[0]}: not_found: {never} has never been written")
                self.assertEqual(ran.out, "")
                self.assertEqual(self.refused(4, *arguments, "--json").json["error"]["ns"], never)
        empty = self.ns + ".empty"
        self.done("put", empty, "k", "1")
        at = str(self.done("delete", empty, "k", "--json").json["rev"])
        self.assertEqual(self.done("diff", empty, "--from", at).out, "")
        self.assertIn("nothing differs", self.done("rollback", empty, "--to", at).out)
        self.assertIn("0 keys would change", self.done("rollback", empty, "--to", at, "--dry-run").out)
        self.assertEqual(self.done("snapshot", empty, "--json").json["heads"][empty]["seq"], 2)
        self.assertEqual(self.done("snapshot", self.ns, "--subtree", "--json").json["heads"][empty]["seq"], 2)

    def test_changes_after_a_point(self):
        self.assertEqual(self.done("changes", self.ns, "--since", "seq:2").out,
                         f"- k   rev {self.revs[2]} by anonymous\n+ k  3   rev {self.revs[3]} by anonymous\n")
        sets = self.done("changes", self.ns, "--since", str(self.revs[0]), "--json").json["sets"]
        self.assertEqual([(s["rev"], s["seq"], len(s["changes"])) for s in sets],
                         [(self.revs[1], 2, 2), (self.revs[2], 3, 1), (self.revs[3], 4, 1)])
        self.assertEqual(sets[0]["note"], "raise")
        self.assertEqual(len(self.done("changes", self.ns, "--since", "-1h", "--json").json["sets"]), 4)

    def test_snapshot_has_the_heads(self):
        reply = self.done("snapshot", self.ns, "--json").json
        row = self.done("namespaces", self.ns, "--json").json["namespaces"][0]
        head = reply["heads"][self.ns]
        self.assertEqual((head["seq"], head["rev"], head["hash"]), (4, self.revs[3], row["hash"]))
        self.assertEqual({e["key"]: e["value"] for e in reply["entries"]}, {"j": 5, "k": 3})
        self.done("put", self.ns + ".below", "x", "1")
        self.assertEqual(set(self.done("snapshot", self.ns, "--subtree", "--json").json["heads"]), {self.ns, self.ns + ".below"})

    def test_replay_tells_what_happened(self):
        out = self.done("replay", self.ns, "--from", str(self.revs[0]), "--to", str(self.revs[2]), "--with-snapshot").out
        self.assertEqual(out.splitlines()[0], ". k  1")
        self.assertEqual(sorted(out.splitlines()[1:]),
                         sorted([f"~ k  2   rev {self.revs[1]} by anonymous: raise",
                                 f"+ j  5   rev {self.revs[1]} by anonymous: raise", f"- k   rev {self.revs[2]} by anonymous"]))
        lines = [json.loads(line) for line in self.done("replay", self.ns, "--from", "0", "--json", "--speed", "100x").out.splitlines()]
        self.assertEqual([line["type"] for line in lines], ["change"] * 4 + ["end"])
        self.assertEqual([line["rev"] for line in lines[:4]], self.revs)
        self.assertEqual(lines[4]["sets"], 4)

    def test_snapshot_and_replay_rebuild_every_moment_of_the_sample(self):
        ns = self.ns + ".tiers"
        self.done("import-log", SAMPLE, ns)
        with open(SAMPLE, encoding="utf-8") as file:
            log = [json.loads(line) for line in file]
        states = [{}]
        for line in log:
            states.append(applied(states[-1], line["changes"]))
        sets = self.done("changes", ns, "--since", "0", "--json").json["sets"]
        for n in range(0, len(log) + 1, 3):
            since = sets[n - 1]["rev"] if n > 0 else sets[0]["rev"] - 1
            lines = [json.loads(line) for line in
                     self.done("replay", ns, "--from", str(since), "--with-snapshot", "--json").out.splitlines()]
            state = {e["key"]: e["value"] for e in lines[0]["entries"]}
            self.assertEqual(state, states[n])
            for step, line in enumerate(lines[1:-1]):
                state = applied(state, line["changes"])
                self.assertEqual(state, states[n + step + 1])
            self.assertEqual(state, states[-1])


if __name__ == "__main__":
    unittest.main()
