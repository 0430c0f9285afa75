# prismbus audit: who did what, as a person and a script read it; and that a file somebody touched is told.
import glob
import json
import os
import unittest

from command_case import CommandCase
from secured import SecureClient, Security


class Audit(CommandCase):
    def setUp(self):
        super().setUp()
        self.security = Security()
        self.secured = self.security.broker().start()
        self.addCleanup(self.secured.remove)
        token = self.security.write("admin.token", self.security.admin())
        self.options = ["--broker", self.secured.requests, "--server-key", self.security.public, "--token-file", token]
        with SecureClient(self.secured.requests, self.security.public, self.security.token("bob", ["b"])) as bob:
            bob.ask("get", ns="a", key="k")

    def audit(self, *arguments):
        return self.done("audit", *arguments, *self.options)

    def test_writes_logins_refusals_and_administration_are_listed_in_order(self):
        self.done("put", "a", "k", "1", "--note", "for the audit", *self.options)
        self.done("policy", "set", "md.**", "lane=express", *self.options)
        rows = self.audit("--json").json["records"]
        self.assertEqual([row["time"] for row in rows], sorted(row["time"] for row in rows))
        write, = [row for row in rows if row.get("note") == "for the audit"]
        self.assertEqual((write["what"], write["by"], write["ns"], write["changes"]), ("write", "root", ["a"], 1))
        self.assertEqual([row["code"] for row in rows if row["what"] == "refused"], ["permission_denied"],
                         "the command itself is never refused and asked again")
        table = self.audit().out
        for word in ("TIME", "bob", "root", "refused", "permission_denied", "for the audit", "_system.policy", "127.0.0.1"):
            self.assertIn(word, table)
        self.assertEqual({row["by"] for row in self.audit("--by", "bob", "--json").json["records"]}, {"bob"})
        self.assertIn(write, self.audit("--ns", "a", "--json").json["records"])
        self.assertEqual(len(self.audit("--limit", "2", "--json").json["records"]), 2)
        self.assertEqual(self.audit("--since", "2001-01-01", "--json").json["records"][:len(rows)], rows)
        self.refused(2, "audit", "--since", "12", *self.options, says="--since")
        self.refused(2, "audit", "--verify", "--by", "bob", *self.options, says="--verify")

    def test_a_file_that_was_touched_is_told_and_one_that_was_not_is_whole(self):
        said = self.audit("--verify", "--json").json
        self.assertEqual((said["first"], said["lines"]), (1, said["last"]))
        path, = glob.glob(os.path.join(self.secured.data_dir, "audit", "audit-*.jsonl"))
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")[:-1]
        self.assertEqual(json.loads(lines[said["last"] - 1])["hash"], said["hash"])
        self.assertIn("are whole", self.audit("--verify").out)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "r+", encoding="utf-8") as file:
            file.write(text.replace('"by":"bob"', '"by":"eve"', 1))
        self.refused(1, "audit", "--verify", *self.options, says="was changed")
        self.assertIn("unreadable", self.audit().out)


if __name__ == "__main__":
    unittest.main()
