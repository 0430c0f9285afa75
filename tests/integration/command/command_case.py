# The base of the command's tests: one broker for the class, and `prismbus` run against it as a shell would.
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))

from broker_process import BIN, ROOT, Broker, scratch_dir  # noqa: E402

__all__ = ["PRISMBUS", "ROOT", "CommandCase"]
PRISMBUS = os.path.join(BIN, "prismbus")
SECONDS = "30"  # for an answer; a loaded machine is slow, a broken command does not wait for it


class Ran:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


class CommandCase(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker().start()
        cls.scratch = scratch_dir("prismbus-command-")

    @classmethod
    def tearDownClass(cls):
        alive, log = cls.broker.alive(), cls.broker.log()
        cls.broker.remove()
        subprocess.run(["rm", "-rf", cls.scratch], check=True)
        if not alive:
            raise AssertionError(f"the broker ended during the tests\n{log}")

    def setUp(self):
        self.ns = self.id().split(".")[-1] + "-" + os.urandom(3).hex()

    def environment(self):
        return {**os.environ, "PRISMBUS_BROKER": self.broker.requests}

    def run_command(self, *arguments, text="", timeout=SECONDS):
        done = subprocess.run([PRISMBUS, "--timeout", timeout, *arguments], input=text.encode(), capture_output=True,
                              env=self.environment(), timeout=120, check=False)
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def done(self, *arguments, **more):
        """Runs it, and it must succeed."""
        ran = self.run_command(*arguments, **more)
        self.assertEqual(ran.code, 0, ran.err)
        self.assertEqual(ran.err, "")
        return ran

    def refused(self, code, *arguments, says="", **more):
        """Runs it, and it must end with that code and one line on stderr."""
        ran = self.run_command(*arguments, **more)
        self.assertEqual(ran.code, code, ran.err + ran.out)
        self.assertTrue(ran.err.startswith("prismbus: "), ran.err)
        self.assertEqual(ran.err.count("\n"), 1, ran.err)
        self.assertIn(says, ran.err)
        return ran

    def file(self, name, text):
        path = os.path.join(self.scratch, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def rev(self):
        return self.done("status", "--json").json["rev"]
