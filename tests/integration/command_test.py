# The `prismbus` command against a real broker: what it prints, its exit codes, and configuration files that come back
# equal. The files beside the checkout are used when they are there, else the sample in tests/data.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import glob
import json

import yaml

from broker_case import BrokerCase
from broker_process import ROOT, scratch_dir
from command_process import Watch, run_command

BESIDE = sorted(glob.glob(os.path.join(os.path.dirname(ROOT), "shared", "data", "*.yaml")))
FILES = BESIDE or sorted(glob.glob(os.path.join(ROOT, "tests", "data", "*.yaml")))
NOT_FOUND, CONFLICT, USAGE, UNREACHABLE, TOO_LARGE, NO_FILE = 4, 5, 2, 3, 7, 13


class CommandCase(BrokerCase):
    def run_command(self, *args, code=0, text=None):
        got, out, err = run_command(self.broker.requests, *args, text=text)
        self.assertEqual(got, code, f"{args}: {out}{err}")
        return out if code == 0 else out + err

    def json(self, *args, **more):
        return json.loads(self.run_command(*args, "--json", **more))


class ReadsAndWrites(CommandCase):
    def test_put_get_delete_and_list_agree_with_the_independent_client(self):
        self.run_command("put", self.ns, "a/b", '{"x": [1, 2.5, null, true]}', "--note", "why")
        self.assertEqual(self.client.get(self.ns, "a/b")["value"], {"x": [1, 2.5, None, True]})
        self.assertEqual(json.loads(self.run_command("get", self.ns, "a/b")), {"x": [1, 2.5, None, True]})
        self.client.put(self.ns, "bytes", b"\x00\xff")
        self.assertEqual(json.loads(self.run_command("get", self.ns, "bytes")), {"$bin": "AP8="})
        entries = self.json("list", self.ns)["entries"]
        self.assertEqual([entry["key"] for entry in entries], ["a/b", "bytes"])
        self.run_command("delete", self.ns, "bytes")
        self.run_command("get", self.ns, "bytes", code=NOT_FOUND)
        self.assertEqual(self.json("namespaces")["ok"], True)
        self.assertEqual(self.json("status")["ok"], True)

    def test_numbers_keep_their_kind(self):
        for text, value in (("5", 5), ("5.0", 5.0), ("18446744073709551615", 2**64 - 1),
                            ("-9223372036854775808", -2**63)):
            self.run_command("put", self.ns, "n", "--", text)
            held = self.client.get(self.ns, "n")["value"]
            self.assertEqual((held, type(held)), (value, type(value)))
            self.assertEqual(self.run_command("get", self.ns, "n").strip(), text)

    def test_exit_codes_are_those_of_the_table(self):
        rev = self.client.put(self.ns, "k", 1)["rev"]
        self.run_command("put", self.ns, "k", "2", "--if-rev", "0", code=CONFLICT)
        self.run_command("put", self.ns, "k", "2", "--if-rev", str(rev))
        self.run_command("delete", self.ns, "none", code=NOT_FOUND)
        self.run_command("get", "not/a/name", "k", code=USAGE)
        self.run_command("put", self.ns, "k", "{broken", code=USAGE)
        self.run_command("nonsense", code=USAGE)
        self.run_command("put", self.ns, "k", "--file", "/nonexistent/file.json", code=NO_FILE)
        code, _, err = run_command("tcp://127.0.0.1:1", "get", "a", "k", "--timeout", "1")
        self.assertEqual(code, UNREACHABLE, err)

    def test_txn_is_all_or_nothing(self):
        rev = self.client.put(self.ns, "guard", 1)["rev"]
        body = {"do": [{"op": "put", "ns": self.ns, "key": "a", "value": 1},
                       {"op": "delete", "ns": self.ns, "key": "guard"}],
                "if": [{"ns": self.ns, "key": "guard", "rev": 0}]}
        self.run_command("txn", "--file", "-", text=json.dumps(body), code=CONFLICT)
        body["if"][0]["rev"] = rev
        reply = json.loads(self.run_command("txn", "--file", "-", "--json", text=json.dumps(body)))
        self.assertEqual((reply["versions"], reply["rev"]), ([1, 0], rev + 1))

    def test_watch_tells_what_is_there_and_what_changes(self):
        self.client.put(self.ns, "a", 1)
        watch = Watch(self.broker.requests, self.ns)
        self.addCleanup(watch.remove)
        watch.await_subscribed()
        self.client.put(self.ns, "b", [1.5])
        self.client.delete(self.ns, "a")
        watch.await_seq(self.ns, 3)
        self.assertEqual(watch.values, {(self.ns, "b"): [1.5]})
        self.assertEqual(watch.stop(), 0)


class Files(CommandCase):
    def test_configuration_files_import_export_and_compare_equal(self):
        self.assertTrue(FILES)
        for path in FILES:
            with open(path, encoding="utf-8") as file:
                truth = yaml.safe_load(file)
            name = os.path.basename(path).split(".")[0]
            for number, form in enumerate(([], ["--flat"], ["--as", "document"])):
                ns, out = f"{self.ns}.{name}{number}", os.path.join(scratch_dir(), "out")
                self.assertIn("rev", self.run_command("import", path, ns, *form))
                for ending in ("yaml", "json"):
                    self.run_command("export", ns, *form, "-o", f"{out}.{ending}")
                    with open(f"{out}.{ending}", encoding="utf-8") as file:
                        self.assertEqual(yaml.safe_load(file), truth, f"{path} {form} {ending}")
                rev = self.revision()
                self.run_command("import", path, ns, *form)
                self.run_command("import", f"{out}.yaml", ns, *form)
                self.assertEqual(self.revision(), rev, "what is equal is not written again")

    def test_environment_strings_stay_as_they_are(self):
        found = 0
        for path in FILES:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            found += text.count("${")
            self.run_command("import", path, self.ns, "--as", "whole")
            self.assertEqual(str(self.client.get(self.ns, "whole")["value"]).count("${"),
                             str(yaml.safe_load(text)).count("${"))
        self.assertGreater(found, 0)

    def test_dry_run_writes_nothing_and_prune_deletes_only_when_asked(self):
        path = os.path.join(scratch_dir(), "a.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("a: 1\nb: {c: 2}\n")
        self.client.put(self.ns, "old", 1)
        rev = self.revision()
        self.assertIn("b/c", self.run_command("import", path, self.ns, "--dry-run"))
        self.assertEqual(self.revision(), rev)
        self.run_command("import", path, self.ns)
        self.assertEqual([entry["key"] for entry in self.client.list(self.ns)], ["a", "b/c", "old"])
        self.run_command("import", path, self.ns, "--prune")
        self.assertEqual([entry["key"] for entry in self.client.list(self.ns)], ["a", "b/c"])
        self.assertEqual(self.revision(), rev + 2, "one transaction each")

    def test_more_than_a_transaction_holds_is_refused_with_the_count_unless_chunked(self):
        path = os.path.join(scratch_dir(), "big.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({f"k{number:05}": number for number in range(2500)}, file)
        rev = self.revision()
        self.assertIn("2500", self.run_command("import", path, self.ns, code=TOO_LARGE).replace(",", ""))
        self.assertEqual(self.revision(), rev)
        self.run_command("import", path, self.ns, "--chunked")
        self.assertEqual(len(self.client.list(self.ns)), 2500)


if __name__ == "__main__":
    unittest.main(verbosity=2)
