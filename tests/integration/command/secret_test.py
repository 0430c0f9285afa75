# Values of namespaces that the policy calls secret: no command prints one, in any form or stream, unless --reveal is given;
# what is read back is refused rather than masked. Every command is classified here: a new one fails until it is.
import json
import os
import subprocess
import unittest

from command_case import PRISMBUS, CommandCase
from examples_test import commands

from secured import SecureClient, Security

CANARY = "canary-5d1e"  # in every value, and in nothing else
NS, PUBLIC, KEY = "risk.accounts", "md.okx", "api/key"
MASK = "*" * 8
DUMP = 'cat; echo "$PRISMBUS_VALUE"'

# Command -> the ways in which it prints values of NS; FIRST is the revision of the first value.
PRINTS = {
    "get": ["get NS KEY", "get NS KEY --raw", "get NS KEY --meta", "get NS KEY --at FIRST"],
    "list": ["list NS", "list NS --long", "list ABOVE --subtree", "list NS --at FIRST"],
    "history": ["history NS KEY"],
    "diff": ["diff NS --from 0", "diff NS --from FIRST"],
    "rollback": ["rollback NS --to FIRST --dry-run"],
    "snapshot": ["snapshot NS", "snapshot ABOVE --subtree"],
    "changes": ["changes NS --since 0", "changes ABOVE --subtree --since 0"],
    "replay": ["replay NS --from 0", "replay NS --from FIRST --with-snapshot"],
    "watch": ["watch NS --until KEY=\"NOW\"", "watch NS --since 0 --count 2", "watch ABOVE --subtree --since 0 --count 2",
              "watch NS --since 0 --count 1 --exec DUMP"],
    "import": ["import FILE NS --dry-run", "import FILE NS --dry-run --prune"],
}
# What is read back, or edited: refused.
REFUSES = {
    "export": ["export NS", "export NS --flat --format json", "export NS --as KEY", "export NS -o OUT",
               "export NS --as KEY -o OUT", "export NS --seed OUT", "export ABOVE --subtree --seed OUT"],
    "put": ["put NS KEY --edit"],
}
# What prints keys, figures or what was done. Run as well, where there is anything of a namespace to print.
NO_VALUES = {
    "put": ["put NS other --string CANARY"],
    "delete": ["delete NS none", "delete NS --prefix none --yes"],
    "txn": ["txn put NS other '\"CANARY\"'", "txn put NS other '\"CANARY\"' --require NS KEY 1"],
    "namespaces": ["namespaces", "namespaces ABOVE"],
    "list": ["list NS --keys-only"],
    "import": ["import FILE NS"],
    "import-log": ["import-log LOG NS --dry-run --append", "import-log LOG NS --append"],
    "rollback": ["rollback NS other --to NOWREV"],
    "status": ["status"],
    "subscribers": ["subscribers NS"],
    "audit": ["audit", "audit --ns NS"],
    "backup": [],
    "policy": ["policy list"],
    "completion": ["completion bash"],
    "init": [], "token": [], "keys": [],
}
ASKS_NO_BROKER = {"outbox"}  # masks all values


class Secured(CommandCase):
    """A secured broker with a secret namespace and a public one, both with two versions of a key."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.security = Security()
        cls.secured = cls.security.broker().start()
        cls.client = SecureClient(cls.secured.requests, cls.security.public, cls.security.admin())
        cls.client.put("_system.policy", "risk.**", {"secret": True})
        cls.first = {}
        for ns in (NS, PUBLIC):
            cls.first[ns] = cls.client.put(ns, KEY, f"{CANARY}-1")["rev"]
            cls.client.put(ns, KEY, f"{CANARY}-2")
        cls.token = cls.security.write("admin.token", cls.security.admin())

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.secured.remove()
        super().tearDownClass()

    def environment(self):
        return {**os.environ, "PRISMBUS_BROKER": self.secured.requests, "PRISMBUS_SERVER_KEY": self.security.public,
                "PRISMBUS_TOKEN_FILE": self.token, "EDITOR": "cat", "VISUAL": ""}

    def setUp(self):
        super().setUp()
        self.document = self.file("document.json", json.dumps({"api": {"key": f"{CANARY}-3"}, "new": f"{CANARY}-4"}))
        line = {"changes": [{"key": "logged", "op": "put", "value": f"{CANARY}-5"}]}
        self.log = self.file("log.jsonl", json.dumps(line) + "\n")
        self.output = os.path.join(self.scratch, "written")

    def completed(self, *words):
        return subprocess.run([PRISMBUS, "completion", "words", "--", *words], env=self.environment(), capture_output=True,
                              text=True, check=True).stdout

    def words(self, line, ns):
        places = {"NS": ns, "ABOVE": ns.split(".")[0], "KEY": KEY, "FIRST": str(self.first[ns]), "FILE": self.document,
                  "LOG": self.log, "OUT": self.output, "DUMP": DUMP, "KEY=\"NOW\"": f'{KEY}="{CANARY}-2"',
                  "'\"CANARY\"'": f'"{CANARY}"', "CANARY": CANARY, "NOWREV": str(self.first[ns] + 1)}
        return [places.get(word, word) for word in line.split()]

    def everything(self, ns, line, *more):
        """Runs it for a person and for a script; what it said on both streams, and wrote to a file."""
        for json_flag in ((), ("--json",)):
            if os.path.exists(self.output):
                os.remove(self.output)
            words = self.words(line, ns)
            ran = self.run_command(*json_flag, words[0], *more, *words[1:])
            written = ""
            if os.path.exists(self.output):
                with open(self.output, "rb") as file:
                    written = file.read().decode(errors="replace")
            yield ran, written, f"{' '.join((*json_flag, *words, *more))}\n{ran.out}{ran.err}"


class Masks(Secured):
    def test_every_command_is_classified(self):
        known = set(PRINTS) | set(REFUSES) | set(NO_VALUES) | ASKS_NO_BROKER
        self.assertEqual(set(commands()), known, "say what it prints in the tables above, and mask what is a value")

    def test_those_that_show_values_know_reveal_and_no_other(self):
        for command in commands():
            text = subprocess.run([PRISMBUS, command, "--help"], capture_output=True, text=True, check=True).stdout
            shows = command in set(PRINTS) | set(REFUSES) | ASKS_NO_BROKER
            self.assertEqual("--reveal" in text, shows, command)
            self.assertEqual("--reveal" in self.completed(command, "--"), shows, command)

    def test_no_value_of_a_secret_namespace_is_printed_unless_revealed(self):
        for line in sum(PRINTS.values(), []):
            for ran, _, said in self.everything(NS, line):
                with self.subTest(said):
                    self.assertEqual(ran.code, 0)
                    self.assertNotIn(CANARY, ran.out + ran.err)
                    self.assertIn(MASK, ran.out)
                    if ran.out.startswith("{"):
                        self.assertIn('"masked":true', ran.out)
            for ran, _, said in self.everything(NS, line, "--reveal"):
                with self.subTest(said):
                    self.assertEqual(ran.code, 0)
                    self.assertIn(CANARY, ran.out)
                    self.assertNotIn(MASK, ran.out)
                    self.assertNotIn('"masked"', ran.out)

    def test_what_is_read_back_is_refused_and_nothing_written(self):
        for line in sum(REFUSES.values(), []):
            for ran, written, said in self.everything(NS, line):
                with self.subTest(said):
                    self.assertEqual((ran.code, written, ran.err.count("\n")), (2, "", 1))
                    self.assertIn("--reveal", ran.err)
                    self.assertNotIn(CANARY, ran.out + ran.err)
                    self.assertNotIn(MASK, ran.out + ran.err)
            for ran, written, said in self.everything(NS, line, "--reveal"):
                with self.subTest(said):
                    self.assertEqual(ran.code, 0)
                    self.assertIn(CANARY, ran.out + ran.err + written)

    def test_public_namespaces_are_as_ever(self):
        for line in sum(PRINTS.values(), []) + sum(REFUSES.values(), []):
            for ran, written, said in self.everything(PUBLIC, line):
                with self.subTest(said):
                    self.assertEqual(ran.code, 0)
                    self.assertIn(CANARY, ran.out + written)
                    self.assertNotIn(MASK, ran.out + written)
                    self.assertNotIn('"masked"', ran.out + ran.err)

    def test_a_subtree_with_both_shows_one_and_masks_the_other(self):
        entries = self.done("snapshot", "", "--subtree", "--json").json["entries"]
        for entry in entries:
            secret = entry["ns"].startswith("risk")
            self.assertEqual((entry["value"] == MASK, entry.get("masked", False)), (secret, secret), entry)
        self.assertLessEqual({NS, PUBLIC}, {entry["ns"] for entry in entries})
        self.refused(2, "export", "", "--subtree", "--seed", self.output, says="--exclude")
        self.done("export", "", "--subtree", "--seed", self.output, "--exclude", "risk.**")
        with open(self.output, "rb") as file:
            self.assertIn(f"{CANARY}-2".encode(), file.read())
        os.remove(self.output)

    def test_a_namespace_that_begins_under_a_watch_is_asked_for(self):
        name = f"risk.{self.ns[-6:]}"
        command = [PRISMBUS, "watch", "risk", "--subtree", "--changes-only", "--count", "1"]
        process = subprocess.Popen([*command, "--json"], env=self.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.assertIn("subscribed", process.stdout.readline())
        self.client.put(name, KEY, CANARY)
        out, err = process.communicate(timeout=60)
        self.assertNotIn(CANARY, out + err)
        change, = json.loads(out)["changes"]
        self.assertEqual((json.loads(out)["ns"], change["value"], change["masked"]), (name, MASK, True))

    def test_who_may_read_the_namespace_alone_has_it_masked_and_revealed_too(self):
        token = self.security.write("reader.token", self.security.token("reader", [NS]))
        for more, found in (((), False), (("--reveal",), True)):
            ran = self.done("--token-file", token, "get", NS, KEY, *more)
            self.assertEqual(CANARY in ran.out, found)

    def test_a_namespace_that_was_never_written_is_masked_since_nobody_knows(self):
        ran = self.run_command("import", self.document, "new." + self.ns, "--dry-run")
        self.assertEqual(ran.code, 0)
        self.assertNotIn(CANARY, ran.out)
        self.assertIn("--reveal", ran.err)
        self.assertEqual(ran.err.count("\n"), 1)

    def test_the_policy_and_the_namespaces_say_what_is_secret(self):
        self.assertIn('{"secret":true}', self.done("policy", "list").out)
        self.done("policy", "set", "pol.a", "secret=true", "lane=express")
        self.client.put("pol.a", "k", CANARY)
        self.client.put("pol.b", "k", CANARY)
        rows = self.done("namespaces", "pol", "--json").json["namespaces"]
        self.assertEqual([(row["ns"], row.get("secret")) for row in rows], [("pol.a", True), ("pol.b", None)])
        lines = self.done("namespaces", "pol").out.splitlines()
        self.assertEqual([line.rstrip().split()[-1] == "secret" for line in lines[1:]], [True, False])
        self.assertTrue(lines[0].rstrip().endswith("SECRET"))
        self.done("policy", "set", "pol.a", "secret=false")
        self.assertIn(CANARY, self.done("get", "pol.a", "k").out)
        self.refused(8, "policy", "set", "pol.a", 'secret="yes"', says="value.secret")


class Others(Secured):
    """Those that write, on a broker of their own."""

    def test_the_other_commands_print_no_value(self):
        lines = sum(NO_VALUES.values(), [])
        for line in lines:
            for ran, _, said in self.everything(NS, line):
                with self.subTest(said):
                    self.assertNotIn(CANARY, ran.out + ran.err)
                    if not line.startswith(("delete", "txn", "rollback")):
                        self.assertEqual(ran.code, 0)


    def test_completion_knows_keys_and_no_values(self):
        for command in ("get", "history", "put", "delete"):
            offered = self.completed(command, NS, "")
            self.assertIn(KEY, offered)
            self.assertNotIn(CANARY, offered)


class Unsecured(CommandCase):
    def test_nothing_is_masked_or_refused(self):
        first = self.done("put", self.ns, KEY, f"{CANARY}-1", "--json").json["rev"]
        self.done("put", self.ns, KEY, f"{CANARY}-2")
        document = self.file("document.json", json.dumps({"api": {"key": f"{CANARY}-3"}}))
        for words in (("get", self.ns, KEY), ("list", self.ns), ("history", self.ns, KEY), ("snapshot", self.ns),
                      ("diff", self.ns, "--from", str(first)), ("rollback", self.ns, "--to", str(first), "--dry-run"),
                      ("changes", self.ns, "--since", "0"), ("replay", self.ns, "--from", "0"), ("export", self.ns),
                      ("import", document, self.ns, "--dry-run"), ("import", document, self.ns + ".new", "--dry-run")):
            for more in ((), ("--json",), ("--reveal",)):
                ran = self.done(*words, *more)
                self.assertIn(CANARY, ran.out, words)
                self.assertNotIn('"masked"', ran.out, words)
        self.assertNotIn("SECRET", self.done("namespaces").out)

    def test_a_secret_rule_is_refused_and_says_why(self):
        self.refused(8, "policy", "set", self.ns, "secret=true", says="security")


class Outbox(CommandCase):
    def test_all_values_are_masked_since_no_broker_is_asked(self):
        example = os.path.join(os.path.dirname(PRISMBUS), "prismbus_example_outbox")
        box = os.path.join(self.scratch, "outbox")
        subprocess.run([example, "tcp://127.0.0.1:1", box], check=True, capture_output=True, timeout=60)
        masked, shown = self.done("outbox", box), self.done("outbox", box, "--reveal")
        self.assertIn(MASK, masked.out)
        self.assertNotIn("1.5", masked.out)
        self.assertIn("1.5", shown.out)
        change = self.done("outbox", box, "--json").json["pending"][0]["changes"][0]
        self.assertEqual((change["value"], change["masked"]), (MASK, True))
        change = self.done("outbox", box, "--json", "--reveal").json["pending"][0]["changes"][0]
        self.assertEqual((change["value"], change.get("masked")), (1.5, None))


if __name__ == "__main__":
    unittest.main()
