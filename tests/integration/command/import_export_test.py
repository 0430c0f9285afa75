# import and export: real configuration files come back equal, judged by PyYAML; an import writes differences only, in
# one transaction, and deletes nothing unless told to.
import glob
import json
import os
import unittest

import yaml

from command_case import ROOT, CommandCase

OWN = os.path.join(ROOT, "tests", "unit", "publisher", "command", "data", "collector.yaml")
BESIDE = sorted(glob.glob(os.path.join(os.path.dirname(ROOT), "shared", "data", "*.yaml")))


def load(text):
    return yaml.safe_load(text)


def same(a, b):
    """Equal, types included: 1 is not 1.0 and not True. The order of maps does not count."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return a == b


class ImportExport(CommandCase):
    def test_real_files_come_back_equal(self):
        for path in [OWN, *BESIDE]:
            name = os.path.basename(path).split(".")[0]
            with open(path, encoding="utf-8") as file:
                wanted = load(file.read())
            for way in ([], ["--flat"], ["--as", "the-key"]):
                ns = f"{self.ns}.{name}{''.join(way).replace('-', '_')}"
                with self.subTest(name=name, way=way):
                    first = self.done("import", path, ns, *way, "--json").json
                    self.assertEqual(first["transactions"], 1)
                    self.assertTrue(same(load(self.done("export", ns, *way).out), wanted))
                    self.assertTrue(same(json.loads(self.done("export", ns, *way, "--format", "json").out), wanted))
                    again = self.done("import", path, ns, *way, "--json").json
                    self.assertEqual((again["transactions"], again["added"], again["changed"]), (0, 0, 0))
                    for ending in ("yaml", "json"):
                        copy = os.path.join(self.scratch, "copy." + ending)
                        self.assertEqual(self.done("export", ns, *way, "-o", copy).out, "")
                        back = self.done("import", copy, ns, *way, "--dry-run", *(["--prune"] if "--as" not in way else []),
                                         "--json").json
                        self.assertEqual(back["changes"], [])

    def test_environment_strings_stay_as_they_are(self):
        for path in [OWN, *BESIDE]:
            ns = self.ns + "." + os.path.basename(path).split(".")[0]
            self.done("import", path, ns)
            with open(path, encoding="utf-8") as file:
                strings = [line.split(": ", 1)[1].strip() for line in file if ": ${" in line]
            exported = self.done("export", ns).out
            for string in strings:
                self.assertIn(": " + string, exported)

    def test_dry_run_shows_the_difference_and_writes_nothing(self):
        self.done("import", self.file("a.yaml", "a: 1\nb: {c: x, d: 2.0}\ne: [1]\n"), self.ns)
        before = self.rev()
        new = self.file("b.yaml", "a: 1\nb: {c: y, d: 2}\nf: null\n")
        out = self.done("import", new, self.ns, "--dry-run", "--prune").out
        self.assertEqual(out, '~ b/c  "x" -> "y"\n~ b/d  2.0 -> 2\n- e  [1]\n+ f  null\n'
                              "1 added, 2 changed, 1 removed, 1 unchanged; nothing written (--dry-run)\n")
        self.assertEqual(self.rev(), before)

    def test_only_prune_deletes(self):
        self.done("import", self.file("a.yaml", "a: 1\nb: 2\n"), self.ns)
        kept = self.done("import", self.file("b.yaml", "a: 3\n"), self.ns).out
        self.assertIn("0 added, 1 changed, 0 removed, 0 unchanged; 1 only at the broker kept (--prune deletes)", kept)
        self.assertEqual(load(self.done("export", self.ns).out), {"a": 3, "b": 2})
        self.done("import", self.file("b.yaml", "a: 3\n"), self.ns, "--prune")
        self.assertEqual(load(self.done("export", self.ns).out), {"a": 3})
        for name, text in ((".env", ""), ("b.yaml", "{}\n"), ("b.properties", "# all\n")):
            empty = self.file(name, text)
            self.refused(2, "import", empty, self.ns, "--prune", says="--yes: needed where nobody can be asked")
            shown = self.done("import", empty, self.ns, "--prune", "--dry-run").out
            self.assertIn("1 removed", shown)
        self.assertEqual(load(self.done("export", self.ns).out), {"a": 3})
        self.done("import", self.file("b.yaml", "{}\n"), self.ns, "--prune", "--yes")
        self.assertEqual(self.done("export", self.ns).out, "{}\n")

    def test_a_value_that_became_a_map_needs_prune(self):
        self.done("import", self.file("a.yaml", "a: 1\n"), self.ns)
        new = self.file("b.yaml", "a: {b: 1}\n")
        self.refused(2, "import", new, self.ns, says="--prune")
        self.assertEqual(self.done("export", self.ns).out, "a: 1\n")
        self.done("import", new, self.ns, "--prune")
        self.assertEqual(load(self.done("export", self.ns).out), {"a": {"b": 1}})

    def test_more_than_one_transaction_holds_is_refused_with_the_count(self):
        many = self.file("many.json", json.dumps({f"k{n:05}": n for n in range(2500)}))
        refused = self.refused(7, "import", many, self.ns, says="2500 changes")
        self.assertIn("--chunked", refused.err)
        self.refused(4, "export", self.ns)
        done = self.done("import", many, self.ns, "--chunked", "--json").json
        self.assertEqual((done["transactions"], done["added"]), (3, 2500))
        self.assertEqual(len(load(self.done("export", self.ns).out)), 2500)
        large = self.file("large.json", json.dumps({f"k{n}": "x" * 1_000_000 for n in range(5)}))
        self.refused(7, "import", large, self.ns + ".large", says="5 changes of 50")
        self.assertEqual(self.done("import", large, self.ns + ".large", "--chunked", "--json").json["transactions"], 2)

    def test_a_mistake_in_a_file_is_one_line_with_its_place_and_changes_nothing(self):
        before = self.rev()
        for text, place in (("a: 1\nb: [1, 2\n", ":3:"), ("a: 1\na: 2\n", ":2:1: "), ("a: 1\nb", ":2:1: "),
                            ("a: \"x\n", ":"), ("a: {b: 1}}\n", ":1:"), ("a: 99999999999999999999\n", ":1:4: ")):
            with self.subTest(text):
                path = self.file("bad.yaml", text)
                self.refused(2, "import", path, self.ns, says="bad.yaml" + place)
        self.refused(2, "import", self.file("bad.json", '{"a": 1,}'), self.ns, says="bad.json:1:9: ")
        for name, text, place in (("bad.toml", "a = 1\n[b", ":2:"), ("bad.env", "A=1\nB", ":2:1: no = after B"),
                                  ("bad.properties", "a=1\nb", ":2:1: no = or : after")):
            self.refused(2, "import", self.file(name, text), self.ns, says=name + place)
        self.refused(2, "import", self.file("list.yaml", "- 1\n"), self.ns, says="--as")
        self.refused(2, "import", self.file("slash.yaml", "a/b: 1\n"), self.ns, says='"a/b"')
        self.refused(2, "import", self.file("empty.yaml", ""), self.ns, "--prune", says="--as")
        self.refused(13, "import", os.path.join(self.scratch, "none.yaml"), self.ns, says="none.yaml")
        self.assertEqual(self.rev(), before)

    def test_toml_env_and_properties_come_back_equal(self):
        files = {
            "a.toml": 'title = "${ENV:-default}"\nports = [8080, 8081]\n\n[db]\nmax = 1.5\nsince = 2024-01-02\n\n[[db.hosts]]\nn = 1\n',
            ".env": "# the gateway\nexport PORT=8080\nURL='a b'\nHOME_URL=${ENV:-http://localhost}\n",
            "a.properties": "app.name = gateway\napp.url=${ENV:-http\\://x}\npath/to : 配置\n",
        }
        for name, text in files.items():
            with self.subTest(name):
                ns, path = self.ns + name.replace(".", "-"), self.file(name, text)
                first = self.done("import", path, ns, "--json").json
                self.assertGreater(first["added"], 2)
                self.assertEqual(self.done("import", path, ns, "--json").json["transactions"], 0)
                copy = os.path.join(self.scratch, "copy" + name)
                self.done("export", ns, "-o", copy)
                back = self.done("import", copy, ns, "--dry-run", "--prune", "--json").json
                self.assertEqual(back["changes"], [])
        self.assertEqual(self.done("get", self.ns + "a-toml", "db/since").out, '"2024-01-02"\n')
        self.assertEqual(self.done("get", self.ns + "-env", "PORT").out, '"8080"\n')
        self.assertEqual(self.done("get", self.ns + "-env", "HOME_URL").out, '"${ENV:-http://localhost}"\n')
        self.assertEqual(self.done("get", self.ns + "a-properties", "app.url").out, '"${ENV:-http://x}"\n')

    def test_what_a_format_cannot_carry_is_named_and_nothing_is_written(self):
        self.done("import", self.file("a.yaml", "a: {b: null, c: 5}\n"), self.ns)
        copy = os.path.join(self.scratch, "not-there.toml")
        self.refused(2, "export", self.ns, "-o", copy, says='the key "a/b" is null')
        self.assertFalse(os.path.exists(copy))
        self.refused(2, "export", self.ns, "--format", "env", says='the key "a/b" is not a name')
        self.refused(2, "export", self.ns, "--format", "properties", says='the key "a/b" holds no string')
        self.refused(2, "export", self.ns, "--format", "xml", says="yaml, json, toml, env or properties")

    def test_a_seed_leaves_out_what_is_excluded(self):
        for below in ("", ".a", ".b"):
            self.done("put", self.ns + below, "k", "1")
        seed = os.path.join(self.scratch, "seed")
        everything = ("export", self.ns, "--subtree", "--seed", seed)
        for patterns, left in (([self.ns + ".a"], 2), ([self.ns + ".a", self.ns + ".b"], 1), ([], 3)):
            excluded = [word for pattern in patterns for word in ("--exclude", pattern)]
            self.assertEqual(self.done(*everything, *excluded, "--json").json["namespaces"], left)
        self.refused(4, *everything, "--exclude", self.ns + ".**", says=f"everything in {self.ns} is excluded")
        self.assertTrue(self.refused(2, *everything, "--exclude", "a.*").err.startswith("prismbus: --exclude: a pattern is"))

    def test_export_says_what_it_cannot_do(self):
        self.refused(4, "export", self.ns, says="has never been written")
        self.done("put", self.ns, "a", "1")
        self.done("put", self.ns, "a/b", "1")
        self.refused(2, "export", self.ns, says="--flat")
        self.assertEqual(load(self.done("export", self.ns, "--flat").out), {"a": 1, "a/b": 1})
        self.refused(13, "export", self.ns, "--flat", "-o", "/nonexistent/out.yaml", says="/nonexistent/out.yaml")


if __name__ == "__main__":
    unittest.main()
