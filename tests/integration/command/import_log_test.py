# prismbus import-log: a transaction a line in order, all or nothing of what can be read, and going on after a stop.
import gzip
import json
import os
import subprocess
import unittest

from command_case import PRISMBUS, ROOT, CommandCase

from waiting import eventually

SAMPLE = os.path.join(ROOT, "broker", "sample", "leverage_tiers.jsonl")
LONG = os.path.join(ROOT, "..", "shared", "data", "binance_leverage_tiers_history.jsonl.gz")


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def state_after(lines):
    state = {}
    for line in lines:
        for change in line["changes"]:
            if change["op"] == "put":
                state[change["key"]] = change["value"]
            else:
                del state[change["key"]]
    return state


class ImportLog(CommandCase):
    def state(self):
        return {e["key"]: e["value"] for e in self.done("list", self.ns, "--json").json["entries"]}

    def check(self, path, text, given=""):
        lines = lines_of(text)
        done = self.done("import-log", path, self.ns, "--json", text=given).json
        self.assertEqual((done["lines"], done["transactions"], done["seq"]), (len(lines), len(lines), len(lines)))
        self.assertEqual(self.state(), state_after(lines))
        sets = self.done("changes", self.ns, "--since", "0", "--json").json["sets"]
        self.assertEqual([s["seq"] for s in sets], list(range(1, len(lines) + 1)))
        for made, line in zip(sets, lines):
            self.assertEqual(made.get("note"), line.get("note", line.get("time")))
            wanted = {c["key"]: c.get("value") for c in line["changes"]}
            self.assertEqual({c["key"]: c.get("value") for c in made["changes"]}, wanted)

    def test_the_sample_becomes_its_transactions(self):
        with open(SAMPLE, encoding="utf-8") as file:
            self.check(SAMPLE, file.read())

    @unittest.skipUnless(os.path.exists(LONG), "the long log is not beside the project")
    def test_the_long_log_becomes_its_transactions(self):
        with gzip.open(LONG, "rt", encoding="utf-8") as file:
            text = file.read()
        self.check("-", text, given=text)

    def test_dry_run_counts_and_writes_nothing(self):
        with open(SAMPLE, encoding="utf-8") as file:
            lines = lines_of(file.read())
        before = self.rev()
        out = self.done("import-log", SAMPLE, self.ns, "--dry-run").out
        changes = sum(len(line["changes"]) for line in lines)
        self.assertEqual(out, f"{len(lines)} transactions, {changes} changes, {len(state_after(lines))} keys at the end; "
                              "nothing written (--dry-run)\n")
        self.assertEqual(self.rev(), before)

    def test_half_a_line_is_refused_with_its_number_and_nothing_is_written(self):
        good = '{"changes": [{"key": "a", "op": "put", "value": 1}]}\n'
        before = self.rev()
        for bad, says in (('{"changes": [{"key": "b", "op": "pu', ":3:"), ("{}", ":3:1: a line without changes"),
                          ('{"changes": []}', ":3:1: a line without changes"),
                          ('{"changes": [{"key": "a", "op": "put"}]}', "has no value"),
                          ('{"changes": [{"key": "a", "op": "del", "value": 1}]}', "has a value"),
                          ('{"changes": [{"key": "a", "op": "move"}]}', "put or delete"),
                          ('{"changes": [{"key": "a", "op": "del"}, {"key": "a", "op": "del"}]}', "there twice"),
                          ('{"changes": [{"key": "", "op": "del"}]}', 'the key ""'),
                          ('{"change": []}', 'no such field: "change"'), ("[1]", "a line is an object")):
            with self.subTest(bad):
                path = self.file("log.jsonl", good + "\n" + bad + "\n" + good)
                ran = self.refused(2, "import-log", path, self.ns, says=says)
                self.assertIn("log.jsonl:3:", ran.err)
        self.refused(13, "import-log", "/nonexistent/log.jsonl", self.ns, says="/nonexistent/log.jsonl")
        self.assertEqual(self.rev(), before)

    def test_a_line_the_broker_refuses_is_named_and_resume_goes_on(self):
        lines = ['{"changes": [{"key": "k%d", "op": "put", "value": %d}]}' % (n, n) for n in range(6)]
        broken = lines[:3] + ['{"changes": [{"key": "none", "op": "delete"}]}'] + lines[3:]
        path = self.file("log.jsonl", "\n".join(broken) + "\n")
        ran = self.refused(4, "import-log", path, self.ns, says="log.jsonl:4: not_found")
        self.assertIn("3 transactions were written before, --resume goes on", ran.err)
        path = self.file("log.jsonl", "\n".join(lines))
        self.refused(2, "import-log", path, self.ns, says="has 3 change sets already")
        self.assertIn("3 transactions, 3 changes (3 lines were there)", self.done("import-log", path, self.ns, "--resume").out)
        self.assertEqual(self.state(), {f"k{n}": n for n in range(6)})
        self.assertEqual(self.done("import-log", path, self.ns, "--resume").out, "nothing to write (6 lines were there)\n")
        self.refused(2, "import-log", self.file("short.jsonl", lines[0]), self.ns, "--resume", says="only 1 lines")
        other = self.file("other.jsonl", "\n".join(lines[:5] + [lines[0]] + lines[5:]))
        self.refused(2, "import-log", other, self.ns, "--resume", says="change set 6 of " + self.ns + " is not line 6")
        self.assertEqual(self.done("import-log", path, self.ns, "--append", "--json").json["seq"], 12)

    def test_killed_in_the_middle_it_goes_on_to_the_same_end(self):
        text = "".join('{"changes": [{"key": "k%d", "op": "put", "value": %d}]}\n' % (n % 50, n) for n in range(3000))
        path = self.file("log.jsonl", text)
        process = subprocess.Popen([PRISMBUS, "import-log", path, self.ns], env=self.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: self.rows() > 20, 60, "the first lines")
        process.kill()
        process.wait()
        there = self.rows()
        done = self.done("import-log", path, self.ns, "--resume", "--json").json
        self.assertEqual(done["there"] + done["transactions"], 3000)
        self.assertGreaterEqual(done["there"], there)
        self.assertEqual(self.state(), state_after(lines_of(text)))

    def rows(self):
        rows = self.done("namespaces", self.ns, "--json").json["namespaces"]
        return rows[0]["seq"] if rows else 0


if __name__ == "__main__":
    unittest.main()
