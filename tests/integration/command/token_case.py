# The base of the tests of `init`, `token` and `keys`: a folder, and the command run in it as a shell would. No broker.
import json
import os
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))

from command_case import PRISMBUS, Ran  # noqa: E402

from broker_process import scratch_dir  # noqa: E402

__all__ = ["TokenCase", "mode_of"]


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


class TokenCase(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = scratch_dir("prismbus-token-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.folder], check=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_command(self, *arguments, text=""):
        done = subprocess.run([PRISMBUS, *arguments], input=text.encode(), capture_output=True, cwd=self.folder,
                              env={**os.environ, "PRISMBUS_BROKER": "ipc:///nonexistent/broker"}, timeout=120, check=False)
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def done(self, *arguments, **more):
        ran = self.run_command(*arguments, **more)
        self.assertEqual((ran.code, ran.err), (0, ""), ran.out)
        return ran

    def refused(self, code, *arguments, says="", **more):
        ran = self.run_command(*arguments, **more)
        self.assertEqual(ran.code, code, ran.err + ran.out)
        self.assertTrue(ran.err.startswith("prismbus: "), ran.err)
        self.assertEqual(ran.err.count("\n"), 1, ran.err)
        self.assertIn(says, ran.err)
        return ran

    def init(self, name="security"):
        self.done("init", "--secure", name)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def keys(self, name="security/tokens.jwks"):
        return json.loads(self.read(name))["keys"]

    def write_keys(self, keys, name="keys.jwks", mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as file:
            json.dump({"keys": keys}, file)
        os.chmod(self.path(name), mode)
        return name

    @staticmethod
    def soon(seconds=3600):
        return int(time.time()) + seconds
