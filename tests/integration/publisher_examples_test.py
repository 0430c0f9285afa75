# The programs of publisher/examples, run as their first lines say: with a broker, and the outbox's also without one and
# again when it is back. `prismbus outbox` shows what it left.
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

from broker_process import BIN, Broker, scratch_dir  # noqa: E402

SECONDS = 60
NOBODY = "tcp://127.0.0.1:1"


def run(program, *arguments, folder=None):
    return subprocess.run([os.path.join(BIN, program), *arguments], cwd=folder, capture_output=True, text=True,
                          timeout=SECONDS, check=False)


class PublisherExamples(unittest.TestCase):
    def setUp(self):
        self.broker = Broker().start()
        self.addCleanup(self.broker.remove)
        self.folder = scratch_dir("prismbus-examples-")

    def listing(self):
        done = run("prismbus", "outbox", "outbox", "--reveal", "--json", folder=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_first_example_compares_before_it_sets(self):
        done = run("prismbus_example_publisher", self.broker.requests)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("second with the old revision: conflict", done.stdout)

    def test_puts_that_leave_together_share_transactions(self):
        done = run("prismbus_example_coalesce", self.broker.requests, "1500")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        puts, transactions = re.fullmatch(r"(\d+) puts in (\d+) transactions\n", done.stdout).groups()
        self.assertEqual(puts, "1500")
        self.assertLess(int(transactions), 750)
        got = run("prismbus", "get", "example.ticks", "SYM1499", "--broker", self.broker.requests)
        self.assertEqual(got.stdout.strip(), "15.0")

    def test_the_outbox_keeps_writes_while_no_broker_answers_and_applies_them_when_one_does(self):
        done = run("prismbus_example_outbox", NOBODY, "outbox", folder=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 writes wait for a broker", done.stdout)
        before = self.listing()
        self.assertEqual([write["changes"][0]["key"] for write in before["pending"]], ["BTC-USDT", "ETH-USDT"])
        self.assertEqual(before["pending"][0]["changes"][0]["value"], 1.5)
        done = run("prismbus_example_outbox", self.broker.requests, "outbox", folder=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("write 1 applied", done.stdout)
        self.assertIn("0 writes wait for a broker", done.stdout)
        self.assertEqual(self.listing()["pending"], [])
        got = run("prismbus", "get", "example.fees", "BTC-USDT", "--broker", self.broker.requests)
        self.assertEqual(got.stdout.strip(), "1.5")

    def test_outcomes_are_listed_until_they_are_acknowledged(self):
        run("prismbus_example_outbox", NOBODY, "outbox", folder=self.folder)
        self.assertEqual(run("prismbus", "outbox", "outbox", "--acknowledge-all", folder=self.folder).returncode, 0)
        self.assertEqual(len(self.listing()["pending"]), 2)
        nowhere = run("prismbus", "outbox", "nowhere", "--json", folder=self.folder)
        self.assertEqual(nowhere.returncode, 4)
        self.assertEqual(json.loads(nowhere.stdout)["error"]["code"], "not_found")


if __name__ == "__main__":
    unittest.main()
