# The example of a service that starts without a broker, as its users run it: live, then from disk, from a seed that
# `prismbus export --seed` wrote, and from nothing.
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import BIN, Broker, scratch_dir
from command_process import run_command

EXAMPLE = os.path.join(BIN, "prismbus_example_offline")


class OfflineStart(unittest.TestCase):
    def run_example(self, *args):
        done = subprocess.run([EXAMPLE, self.requests, *args], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_a_service_starts_live_from_disk_from_a_seed_and_says_when_it_has_nothing(self):
        broker = Broker().start()
        self.addCleanup(broker.remove)
        self.requests = broker.requests
        scratch = scratch_dir()
        cache, seed = os.path.join(scratch, "cache"), os.path.join(scratch, "seed")
        for ns, key, value in (("example.fees", "maker_bps", "1.5"), ("example.limits", "max", "7")):
            self.assertEqual(run_command(self.requests, "put", ns, key, value)[0], 0)
        code, out, err = run_command(self.requests, "export", "example", "--subtree", "--seed", seed)
        self.assertEqual((code, out), (0, ""), err)

        def expect(rung, *args):
            code, out, err = self.run_example(*args)
            self.assertEqual(code, 0, err)
            self.assertIn(f"example.fees: 1 keys from {rung}\nexample.limits: 1 keys from {rung}\nmaker 1.5 bps\n", out)

        expect("memory", cache)
        broker.kill()
        expect("disk", cache)
        expect("disk", cache, seed)
        expect("seed", os.path.join(scratch, "empty"), seed)
        code, _, err = self.run_example(os.path.join(scratch, "other"))
        self.assertEqual(code, 3)
        self.assertIn("example.fees: no broker answered yet, and neither cache nor seed holds it", err)

    def test_a_seed_of_what_was_never_written_is_an_error_and_no_file(self):
        broker = Broker().start()
        self.addCleanup(broker.remove)
        path = os.path.join(scratch_dir(), "seed")
        code, _, err = run_command(broker.requests, "export", "no.such", "--seed", path)
        self.assertNotEqual(code, 0)
        self.assertIn("never been written", err)
        self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    unittest.main(verbosity=2)
