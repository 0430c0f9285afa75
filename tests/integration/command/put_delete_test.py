# prismbus put from files, standard input and an editor; delete of one key, a prefix, a namespace. The editors are shell
# programs; what asks on a terminal is asked on a real one (a pty).
import json
import os
import pty
import select
import stat
import subprocess
import unittest

from command_case import PRISMBUS, CommandCase

SECONDS = 30


class OnTerminal:
    """prismbus with a terminal as its three streams; says what it printed, types what it is told."""

    def __init__(self, case, *arguments, **environment):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen([PRISMBUS, "--timeout", "30", *arguments], stdin=slave, stdout=slave, stderr=slave,
                                        env={**case.environment(), "TERM": "xterm", **environment})
        os.close(slave)
        self.text = ""

    def read(self):
        """More of what it printed; False at the end."""
        if not select.select([self.master], [], [], SECONDS)[0]:
            raise AssertionError("nothing more came after: " + self.text)
        try:
            self.text += os.read(self.master, 4096).decode()
        except OSError:  # Linux: the other end is closed
            return False
        return True

    def until(self, wanted):
        while wanted not in self.text:
            if not self.read():
                raise AssertionError(f"{wanted!r} did not come: {self.text}")

    def type(self, line):
        os.write(self.master, line.encode() + b"\n")

    def end(self):
        while self.read():
            pass
        os.close(self.master)
        return self.process.wait(SECONDS)


class Put(CommandCase):
    def editor(self, script):
        path = self.file("editor.sh", "#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
        return path

    def edit(self, script, *arguments):
        os.environ["EDITOR"] = self.editor(script)
        os.environ.pop("VISUAL", None)
        os.environ["TMPDIR"] = self.scratch
        return self.run_command("put", self.ns, "k", "--edit", *arguments)

    def left_behind(self):
        return [name for name in os.listdir(self.scratch) if name.startswith("prismbus-")]

    def test_standard_input_and_files(self):
        self.done("put", self.ns, "k", "-", text="rate: 5\nurl: ${ENV:-x}\n")
        self.assertEqual(self.done("get", self.ns, "k", "--json").json["entry"]["value"], {"rate": 5, "url": "${ENV:-x}"})
        self.done("put", self.ns, "k", "-", text='{"a": [1.0]}')
        self.assertEqual(self.done("get", self.ns, "k", "--json").out.count("1.0"), 1)
        self.done("put", self.ns, "k", "--file", self.file("v.toml", "a = 1\n"))
        self.assertEqual(self.done("get", self.ns, "k", "--json").json["entry"]["value"], {"a": 1})
        self.done("put", self.ns, "k", "--string", "-")
        self.assertEqual(self.done("get", self.ns, "k").out, '"-"\n')
        before = self.rev()
        self.refused(2, "put", self.ns, "k", "-", text="a: [1", says="standard input:")
        self.refused(13, "put", self.ns, "k", "--file", "/nonexistent/x.yaml", says="/nonexistent/x.yaml")
        self.assertEqual(self.rev(), before)

    def test_an_edited_value_is_written_on_top_of_what_was_shown(self):
        rev = self.done("put", self.ns, "k", '{"rate": 5}', "--json").json["rev"]
        ran = self.edit('stat -c %a "$1" > "$TMPDIR/mode"; cp "$1" "$TMPDIR/shown"; echo "rate: 6" > "$1"')
        self.assertEqual(ran.code, 0, ran.err)
        with open(os.path.join(self.scratch, "mode"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "600\n")
        with open(os.path.join(self.scratch, "shown"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "rate: 5\n")
        entry = self.done("get", self.ns, "k", "--json").json["entry"]
        self.assertEqual((entry["value"], entry["rev"]), ({"rate": 6}, rev + 1))
        self.assertEqual(self.left_behind(), [])
        ran = self.edit('grep -q \'"rate": 6\' "$1" && echo "{\\"rate\\": 7}" > "$1"', "--format", "json")
        self.assertEqual(ran.code, 0, ran.err)
        self.assertEqual(self.done("get", self.ns, "k", "--json").json["entry"]["value"], {"rate": 7})

    def test_what_came_to_be_empty_is_no_value_and_no_guard(self):
        rev = self.done("put", self.ns, "k", "5", "--json").json["rev"]
        for words in (["put", self.ns, "k", "-"], ["put", self.ns, "k", "--file", self.file("empty.yaml", " \n")]):
            self.refused(2, *words, says="is empty; null is written null")
        for bad in ("", "-1", "0x10", "99999999999999999999999"):
            self.refused(2, "put", self.ns, "k", "6", "--if-rev", bad, says="--if-rev")
            self.refused(2, "delete", self.ns, "k", "--if-rev", bad, says="--if-rev")
            self.refused(2, "get", self.ns, "k", "--min-rev", bad, says="--min-rev")
        self.refused(2, "history", self.ns, "k", "--limit", "0", says="--limit")
        self.refused(2, "watch", self.ns, "--count", "0", says="--count")
        self.assertEqual(self.done("get", self.ns, "k", "--json").json["entry"]["rev"], rev)

    def test_unchanged_or_equal_writes_nothing(self):
        self.done("put", self.ns, "k", '{"rate": 5}')
        before = self.rev()
        for script in ("true", 'echo "{rate: 5} # a comment" > "$1"', ': > "$1"'):
            ran = self.edit(script)
            self.assertEqual((ran.code, ran.out, ran.err), (0, "", "prismbus: put: unchanged or empty, nothing written\n"))
        self.assertEqual(self.rev(), before)

    def test_a_key_that_does_not_exist_begins_empty_and_must_still_not_exist(self):
        self.assertEqual(self.edit('test ! -s "$1" && echo 5 > "$1"').code, 0)
        self.assertEqual(self.done("get", self.ns, "k").out, "5\n")

    def test_what_somebody_else_wrote_meanwhile_is_not_overwritten_and_the_text_is_kept(self):
        self.done("put", self.ns, "k", "1")
        ran = self.edit(f'"{PRISMBUS}" put {self.ns} k 2; echo 3 > "$1"')
        self.assertEqual(ran.code, 5, ran.err)
        self.assertIn("what you wrote is in " + self.scratch, ran.err)
        kept = self.left_behind()
        self.assertEqual(len(kept), 1)
        path = os.path.join(self.scratch, kept[0])
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "3\n")
        os.unlink(path)
        self.assertEqual(self.done("get", self.ns, "k").out, "2\n")

    def test_a_mistake_writes_nothing_and_on_a_terminal_may_be_edited_again(self):
        self.done("put", self.ns, "k", "1")
        before = self.rev()
        ran = self.edit('echo "{a: [" > "$1"')
        self.assertEqual(ran.code, 2)
        self.assertIn("nothing was written", ran.err)
        self.assertEqual(self.edit("exit 3").code, 13)
        self.assertEqual((self.rev(), self.left_behind()), (before, []))
        again = self.editor('if grep -q bad "$1"; then echo 7 > "$1"; else echo "[bad" > "$1"; fi')
        terminal = OnTerminal(self, "put", self.ns, "k", "--edit", EDITOR=again, VISUAL="")
        terminal.until("edit it again? [Y/n] ")
        terminal.type("")
        self.assertEqual(terminal.end(), 0, terminal.text)
        self.assertEqual(self.done("get", self.ns, "k").out, "7\n")
        before = self.rev()
        terminal = OnTerminal(self, "put", self.ns, "k", "--edit", EDITOR=again, VISUAL="")
        terminal.until("edit it again? [Y/n] ")
        terminal.type("n")
        self.assertEqual(terminal.end(), 2, terminal.text)
        self.assertEqual(self.rev(), before)


class Delete(CommandCase):
    def test_a_prefix_and_a_namespace(self):
        for key in ("a/1", "a/2", "ab", "b"):
            self.done("put", self.ns, key, "1")
        out = self.done("delete", self.ns, "--prefix", "a/", "--yes", "--json").json
        self.assertEqual((out["deleted"], out["transactions"]), (2, 1))
        self.assertEqual(self.done("list", self.ns, "--keys-only").out, "ab\nb\n")
        self.assertIn("deleted 2 keys of " + self.ns, self.done("delete", self.ns, "--namespace", "--yes").out)
        self.assertEqual(self.done("list", self.ns).out, "")
        self.refused(4, "delete", self.ns, "--namespace", "--yes", says="has no keys")
        self.refused(4, "delete", self.ns, "--prefix", "x", "--yes", says="begins with x")

    def test_more_than_one_transaction_is_said(self):
        path = self.file("many.json", json.dumps({f"k{n:05}": n for n in range(2100)}))
        self.done("import", path, self.ns, "--chunked")
        out = self.done("delete", self.ns, "--namespace", "--yes").out
        self.assertIn("deleted 2100 keys of " + self.ns + ", in 3 transactions: not atomic", out)
        self.assertEqual(self.done("list", self.ns).out, "")

    def test_it_asks_on_a_terminal_and_needs_yes_elsewhere(self):
        self.done("put", self.ns, "a", "1")
        before = self.rev()
        self.refused(2, "delete", self.ns, "--namespace", says="--yes")
        self.refused(2, "delete", self.ns, says="one of KEY")
        self.refused(2, "delete", self.ns, "a", "--prefix", "a", "--yes", says="one of KEY")
        self.refused(2, "delete", self.ns, "--prefix", "a", "--if-rev", "1", "--yes", says="--if-rev")
        terminal = OnTerminal(self, "delete", self.ns, "--namespace")
        terminal.until(f"delete 1 key of {self.ns}? [y/N] ")
        terminal.type("")
        self.assertEqual(terminal.end(), 2)
        self.assertEqual(self.rev(), before)
        terminal = OnTerminal(self, "delete", self.ns, "--namespace")
        terminal.until("? [y/N] ")
        terminal.type("y")
        self.assertEqual(terminal.end(), 0, terminal.text)
        self.assertEqual(self.done("list", self.ns).out, "")

    def test_colour_only_on_a_terminal_and_not_with_no_color(self):
        self.done("put", self.ns, "a", "1")
        path = self.file("new.yaml", "a: 2\n")
        for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            terminal = OnTerminal(self, "import", path, self.ns, "--dry-run", **environment)
            self.assertEqual(terminal.end(), 0)
            self.assertEqual("\x1b[" in terminal.text, coloured, terminal.text)
        self.assertNotIn("\x1b", self.done("import", path, self.ns, "--dry-run").out)


if __name__ == "__main__":
    unittest.main()
