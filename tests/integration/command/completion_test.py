# prismbus completion: bash itself completes lines with the script it is given; zsh and fish check theirs where they
# are installed. Namespaces and keys come from a broker, and a broker that is away costs no more than a moment.
import os
import shutil
import subprocess
import time
import unittest

from command_case import PRISMBUS, CommandCase

from waiting import eventually

ASK_BASH = r"""
source <("$1" completion bash) || exit 1
prismbus() { "$program" "$@"; }
program=$1
COMP_LINE="$2" COMP_POINT=${#2}
words=($2)
_prismbus
printf '%s\n' "${COMPREPLY[@]}"
"""


class Completion(CommandCase):
    def complete(self, line, **environment):
        """What bash offers behind `line`, which begins with `prismbus `."""
        line = line.replace("prismbus", PRISMBUS, 1)
        done = subprocess.run(["bash", "-c", ASK_BASH, "bash", PRISMBUS, line], capture_output=True, text=True, timeout=60,
                              env={**self.environment(), **environment}, cwd=self.scratch, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split("\n")[:-1] if done.stdout != "\n" else []

    def test_commands_and_options_come_from_the_table(self):
        self.assertEqual(self.complete("prismbus ro"), ["rollback"])
        self.assertEqual(set(self.complete("prismbus im")), {"import", "import-log"})
        help_text = self.done("put", "--help").out
        offered = self.complete("prismbus put md.okx k --")
        for option in ("--if-rev", "--note", "--edit", "--file", "--string", "--format", "--json", "--broker", "--timeout"):
            self.assertIn(option, offered)
            self.assertIn(option.lstrip("-"), help_text + self.done("--help").out)
        self.assertEqual(self.complete("prismbus put md.okx k --if"), ["--if-rev"])
        self.assertEqual(set(self.complete("prismbus policy ")), {"list", "set", "delete"})
        self.assertEqual(set(self.complete("prismbus token ")), {"issue", "inspect", "revoke"})
        self.assertEqual(set(self.complete("prismbus keys rotate --alg ")), {"ES256", "RS256", "HS256"})
        self.assertEqual(set(self.complete("prismbus export x --format ")), {"yaml", "json", "toml", "env", "properties"})
        self.assertEqual(set(self.complete("prismbus completion ")), {"bash", "zsh", "fish"})
        self.assertEqual(self.complete("prismbus put md.okx k --note "), [])
        listed = {line.split()[0] for line in self.done("--help").out.split("Subcommands:")[1].split("Exit codes")[0].splitlines()
                  if line.startswith("  ") and not line.startswith("   ")}
        self.assertEqual(set(self.complete("prismbus ")), listed)

    def test_namespaces_and_keys_come_from_the_broker(self):
        for key in ("symbols/BTC", "symbols/ETH", "two words", "rate"):
            self.done("put", self.ns, key, "1")
        for line, wanted in ((f"get {self.ns[:-3]}", [self.ns]), (f"get {self.ns} symbols/", ["symbols/BTC", "symbols/ETH"]),
                             (f"--json get {self.ns} two", ["two\\ words"]), (f"txn put {self.ns} ra", ["rate"]),
                             (f"put --note x {self.ns} ra", ["rate"])):
            # A broker on a loaded machine may need more than the 200 ms it is given: then there is nothing to offer.
            eventually(lambda: self.complete("prismbus " + line) == wanted, 60, f"{wanted} for {line}")
        self.assertEqual(self.complete(f"prismbus txn put {self.ns} rate 1 del"), ["delete"])

    def test_files_are_left_to_the_shell(self):
        self.file("a-config.yaml", "a: 1\n")
        self.assertEqual(self.complete("prismbus import a-con"), ["a-config.yaml"])
        self.assertEqual(self.complete("prismbus put x y --file a-con"), ["a-config.yaml"])
        self.assertEqual(self.complete("prismbus token inspect a-con"), ["a-config.yaml"])
        self.assertEqual(self.complete("prismbus token issue --keys a-con"), ["a-config.yaml"])

    def test_a_broker_that_is_away_costs_a_moment_and_says_nothing(self):
        start = time.monotonic()
        self.assertEqual(self.complete("prismbus get md", PRISMBUS_BROKER="ipc:///nonexistent/broker"), [])
        self.assertLess(time.monotonic() - start, 10)  # 0.2 s of patience; the rest is a loaded machine

    def test_the_scripts_of_other_shells_are_in_order(self):
        self.refused(2, "completion", "tcsh", says="bash, zsh or fish")
        for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"]), ("bash", ["bash", "-n"])):
            script = self.file("script." + shell, self.done("completion", shell).out)
            self.assertGreater(os.path.getsize(script), 200)
            if shutil.which(shell):
                done = subprocess.run([*check, script], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
