# The examples of services that start without a broker, as their users run them: live, then from disk, encrypted or not,
# from a seed that `prismbus export --seed` wrote, and from nothing.
import json
import os
import secrets
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import BIN, Broker, scratch_dir
from command_process import run_command

ENCRYPTED = os.path.join(BIN, "prismbus_example_encrypted")
EXAMPLE = os.path.join(BIN, "prismbus_example_offline")


class OfflineStart(unittest.TestCase):
    def run_example(self, *args, program=EXAMPLE):
        done = subprocess.run([program, self.requests, *args], capture_output=True, text=True, timeout=60, check=False)
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

    def test_an_encrypted_cache_opens_with_its_key_alone(self):
        broker = Broker().start()
        self.addCleanup(broker.remove)
        self.requests = broker.requests
        scratch = scratch_dir()
        cache = os.path.join(scratch, "cache")

        def make_key(name, mode):
            path = os.path.join(scratch, name)
            with open(path, "w", encoding="ascii") as file:
                os.chmod(path, mode)
                file.write(secrets.token_hex(32) + "\n")
            return path

        key, other = make_key("cache.key", 0o600), make_key("other.key", 0o600)
        self.assertEqual(run_command(self.requests, "put", "example.accounts", "login", '"canary-login"')[0], 0)
        self.assertEqual(self.run_example(cache, key, program=ENCRYPTED), (0, "login canary-login from memory\n", ""))
        broker.kill()
        for name in os.listdir(cache):
            with open(os.path.join(cache, name), "rb") as file:
                self.assertNotIn(b"canary", file.read())
        code, out, err = self.run_example(cache, key, program=ENCRYPTED)
        self.assertEqual((code, out), (0, "login canary-login from disk\n"))
        self.assertNotIn("canary", err)  # a slow machine may log that the broker is away
        code, _, err = self.run_example(cache, other, program=ENCRYPTED)
        self.assertEqual(code, 3)
        self.assertIn("event=cache_file_dropped", err)
        self.assertIn("cannot start: example.accounts: no broker answered yet", err)
        code, _, err = self.run_example(cache, make_key("open.key", 0o644), program=ENCRYPTED)
        self.assertEqual(code, 2)
        self.assertRegex(err, r"cannot start: cache\.key_file: .*/open\.key is open to others: chmod 0600 it")

    def test_a_seed_leaves_out_what_is_excluded(self):
        broker = Broker().start()
        self.addCleanup(broker.remove)
        path = os.path.join(scratch_dir(), "seed")
        for ns in ("example.fees", "example.accounts", "example.accounts.eu"):
            self.assertEqual(run_command(broker.requests, "put", ns, "key", f'"value of {ns}"')[0], 0)

        def export(*excluded):
            words = [word for pattern in excluded for word in ("--exclude", pattern)]
            return run_command(broker.requests, "export", "example", "--subtree", *words, "--seed", path, "--json")

        code, out, err = export("example.accounts.**", "example.none")
        self.assertEqual(code, 0, err)
        self.assertEqual({key: json.loads(out)[key] for key in ("namespaces", "keys", "excluded")},
                         {"namespaces": 1, "keys": 1, "excluded": 2})
        with open(path, "rb") as file:
            seed = file.read()
        self.assertIn(b"value of example.fees", seed)
        self.assertNotIn(b"accounts", seed)
        os.remove(path)
        code, _, err = export("**")
        self.assertNotEqual(code, 0)
        self.assertIn("everything in example is excluded", err)
        code, _, err = export("example.*")
        self.assertEqual(code, 2)
        self.assertIn("--exclude", err)
        self.assertFalse(os.path.exists(path))

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
