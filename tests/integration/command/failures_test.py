# Every command, wronged in every way that fits it: an unknown option (with the one that was meant), a namespace that is
# none, a broker that is away, a file that cannot be read or is half written. Each time one line, the exit code of the
# table, and nothing changed.
import os
import unittest

from command_case import CommandCase
from examples_test import commands

USAGE, UNREACHABLE, NOT_FOUND, FILE = 2, 3, 4, 13
AWAY = ("--broker", "ipc:///nonexistent/broker")

# command -> arguments that would do on a broker that has `ns` with the key k; @file stands for a good file
GOOD = {
    "put": ["put", "NS", "k", "1"],
    "get": ["get", "NS", "k"],
    "delete": ["delete", "NS", "k"],
    "list": ["list", "NS"],
    "txn": ["txn", "put", "NS", "k", "1"],
    "namespaces": ["namespaces", "NS"],
    "watch": ["watch", "NS", "--once"],
    "import": ["import", "@a.yaml", "NS"],
    "export": ["export", "NS"],
    "history": ["history", "NS", "k"],
    "diff": ["diff", "NS", "--from", "1"],
    "rollback": ["rollback", "NS", "--to", "1"],
    "snapshot": ["snapshot", "NS"],
    "changes": ["changes", "NS", "--since", "0"],
    "replay": ["replay", "NS", "--from", "0"],
    "import-log": ["import-log", "@a.jsonl", "NS"],
    "backup": ["backup", "name"],
    "audit": ["audit", "--ns", "NS"],
    "policy": ["policy", "set", "NS", "lane=express"],
    "status": ["status"],
    "subscribers": ["subscribers", "NS"],
}
WITHOUT_BROKER = {"completion", "outbox", "init", "keys", "token"}  # their failures: tests of their own
MISTYPED = {  # what was typed -> what was meant
    "put": ("--if-ref", "--if-rev"), "get": ("--min-ref", "--min-rev"), "delete": ("--prefx", "--prefix"),
    "list": ("--keys-onyl", "--keys-only"), "txn": ("--requir", "--require"), "namespaces": ("--jsno", "--json"),
    "watch": ("--subtre", "--subtree"), "import": ("--dry-ran", "--dry-run"), "export": ("--formta", "--format"),
    "history": ("--limti", "--limit"), "diff": ("--form", "--from"), "rollback": ("--not", "--note"),
    "snapshot": ("--subtre", "--subtree"), "changes": ("--sinc", "--since"), "replay": ("--spede", "--speed"),
    "import-log": ("--resum", "--resume"), "backup": ("--timeou", "--timeout"), "audit": ("--verfy", "--verify"), "policy": ("--noet", "--note"),
    "status": ("--brokr", "--broker"), "subscribers": ("--wach", "--watch"),
}


class Failures(CommandCase):
    def setUp(self):
        super().setUp()
        self.file("a.yaml", "a: 1\n")
        self.file("a.jsonl", '{"changes": [{"key": "a", "op": "put", "value": 1}]}\n')

    def words(self, command, ns=None):
        return [os.path.join(self.scratch, word[1:]) if word.startswith("@") else (ns or self.ns) if word == "NS" else word
                for word in GOOD[command]]

    def refused_unchanged(self, code, *arguments, says, **more):
        before = self.rev()
        self.refused(code, *arguments, says=says, **more)
        self.assertEqual(self.rev(), before)

    def test_no_command_is_left_out(self):
        self.assertEqual(set(GOOD) | WITHOUT_BROKER, set(commands()))

    def test_a_wrong_option_is_named_with_the_one_that_was_meant(self):
        for command, (typed, meant) in MISTYPED.items():
            with self.subTest(command):
                self.refused_unchanged(USAGE, *self.words(command), typed, says=f"did you mean {meant}?")
        self.refused(USAGE, "completion", "bash", "--hlep", says="did you mean --help?")
        self.refused(USAGE, "histroy", "a", "b", says="did you mean history?")

    def test_a_word_too_many_or_too_few_is_refused(self):
        for command in GOOD:
            with self.subTest(command):
                if command not in ("txn", "policy"):  # these take words without end, and judge them
                    self.refused_unchanged(USAGE, *self.words(command), "one", "too", "many", says=command)
                if command not in ("status", "namespaces", "subscribers", "audit"):
                    self.refused_unchanged(USAGE, command, says=command)

    def test_a_name_that_is_none_is_refused(self):
        for command in set(GOOD) - {"backup", "status", "policy"}:
            with self.subTest(command):
                self.refused_unchanged(USAGE, *self.words(command, "no good"), says="")
        self.refused_unchanged(USAGE, "backup", "../name", says="name")

    def test_an_empty_name_is_everything_where_the_help_says_so_and_refused_elsewhere(self):
        self.done("put", self.ns, "k", "1")
        for command in ("list", "changes", "replay", "snapshot"):
            words = ["" if word == "NS" else word for word in GOOD[command]]
            with self.subTest(command):
                if '"" is everything' in self.done(command, "--help").out:
                    self.done(*words, "--subtree")
                else:
                    self.refused_unchanged(USAGE, *words, "--subtree", says="ns")

    def test_a_namespace_that_is_not_there_is_said_where_it_matters(self):
        self.done("put", self.ns, "k", "1")  # there is a revision 1
        for command in ("get", "delete", "export", "diff", "rollback", "snapshot"):
            with self.subTest(command):
                self.refused_unchanged(NOT_FOUND, *self.words(command, self.ns + ".none"), says="not_found")
        for command in ("list", "changes", "history", "replay"):  # nothing there is an answer
            with self.subTest(command):
                self.done(*self.words(command, self.ns + ".none"))

    def test_a_broker_that_is_away_is_said_in_time(self):
        for command in GOOD:
            with self.subTest(command):
                self.refused_unchanged(UNREACHABLE, *self.words(command), *AWAY, timeout="0.3",
                                       says="no broker answered at ipc:///nonexistent/broker within 0.3 s")

    def test_a_file_that_cannot_be_read_is_named(self):
        away = os.path.join(self.scratch, "not-there.yaml")
        folder = self.scratch
        for arguments in (["import", away, self.ns], ["put", self.ns, "k", "--file", away], ["txn", "--file", away],
                          ["import-log", away, self.ns], ["import", folder, self.ns, "--format", "yaml"],
                          ["import-log", folder, self.ns], ["put", self.ns, "k", "--file", folder, "--format", "json"]):
            with self.subTest(arguments):
                self.refused_unchanged(FILE, *arguments, says="cannot read")

    def test_a_half_written_file_is_refused_with_its_place(self):
        for name, text, place in (("half.yaml", "a: 1\nb: [1, 2", ":2:"), ("half.json", '{"a": 1, "b"', ":1:"),
                                  ("half.toml", 'a = 1\nb = "x', ":2:"), ("half.env", 'A=1\nB="x', ":2:"),
                                  ("half.properties", "a=1\nb=\\u12", ":2:")):
            path = self.file(name, text)
            for arguments in (["import", path, self.ns], ["import", path, self.ns, "--as", "k"],
                              ["put", self.ns, "k", "--file", path]):
                with self.subTest(arguments):
                    self.refused_unchanged(USAGE, *arguments, says=name + place)
        self.refused_unchanged(USAGE, "txn", "--file", self.file("half.json", '{"do": [{"op"'), says="half.json:1:")
        self.refused_unchanged(USAGE, "import-log", self.file("half.jsonl", '{"changes": ['), self.ns, says="half.jsonl:1:")

    def test_a_moment_that_is_none_is_refused(self):
        for arguments in (["get", self.ns, "k", "--at", "2999-01-01"], ["watch", self.ns, "--since", "+2h"],
                          ["get", self.ns, "k", "--at", "soon"], ["list", self.ns, "--at", "-2x"],
                          ["diff", self.ns, "--from", "2026-02-30"], ["diff", self.ns, "--from", "1", "--to", "x"],
                          ["rollback", self.ns, "--to", "yesterday"], ["history", self.ns, "k", "--before", "x"],
                          ["changes", self.ns, "--since", "seq:x"], ["watch", self.ns, "--since", "2026-"],
                          ["replay", self.ns, "--from", "2026-11-23T25:00"], ["replay", self.ns, "--from", "0", "--speed", "fast"]):
            with self.subTest(arguments):
                self.refused_unchanged(USAGE, *arguments, says=[word for word in arguments if word.startswith("--")][-1])


if __name__ == "__main__":
    unittest.main()
