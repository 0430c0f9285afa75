# The commands for a stopped store, as an operator uses them: check, restore, rebuild; what they print, how they end,
# and that a running broker is never disturbed. Every example of their --help has its counterpart here.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import Broker, run_broker
from prismbus_client import Client

MAP = ["--map-bytes", "1GiB"]


class Stopped(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(args=["--fold-changes-min", "1", "--fold-wait-ms", "0"])
        self.addCleanup(self.broker.remove)
        self.broker.start()
        self.client = Client(self.broker.requests)
        self.addCleanup(self.client.close)
        for number in range(50):
            self.client.put("care.a", f"k{number % 20}", {"n": number})
        self.client.delete("care.a", "k3")

    def refused(self, *args, code=1):
        status, out, err = run_broker(*args)
        self.assertEqual(status, code, out + err)
        self.assertEqual(len(err.strip().splitlines()), 1, err)
        return err

    def test_check_reports_a_sound_directory_while_a_broker_runs_on_it(self):
        status, out, err = run_broker("check", "--data-dir", self.broker.data_dir)
        self.assertEqual((status, err), (0, ""), out)
        self.assertIn("51 records to revision 51", out)
        self.assertTrue(out.endswith("sound\n"), out)

    def test_rebuild_makes_the_same_state_of_the_same_history(self):
        before = self.client.list("care.a")
        epoch = self.client.hello()["epoch"]
        self.assertIn("another broker is running", self.refused("rebuild", "--data-dir", self.broker.data_dir, *MAP))
        self.assertEqual(self.broker.stop(), 0)
        state = os.path.join(self.broker.data_dir, "state", "data.mdb")
        with open(state, "r+b") as file:
            file.truncate(8192)
        status, out, _ = run_broker("check", "--data-dir", self.broker.data_dir)
        self.assertEqual(status, 1, out)
        self.assertIn("the state's LMDB pages are damaged", out)
        self.assertIn("prismbusd rebuild", out)
        status, out, err = run_broker("rebuild", "--data-dir", self.broker.data_dir, *MAP)
        self.assertEqual((status, err), (0, ""), out)
        self.assertEqual(run_broker("check", "--data-dir", self.broker.data_dir)[0], 0)
        self.broker.start()
        client = Client(self.broker.requests)
        self.assertEqual(client.list("care.a"), before)
        self.assertEqual(client.hello()["epoch"], epoch)
        client.close()

    def test_what_is_no_backup_and_no_store_is_refused_in_one_line(self):
        directory = os.path.join(self.broker.scratch, "new")
        nonsense = os.path.join(self.broker.scratch, "nonsense")
        with open(nonsense, "wb") as file:
            file.write(b"not a backup")
        self.assertIn("not a prismbus backup", self.refused("restore", nonsense, "--data-dir", directory))
        self.assertIn("No such file", self.refused("restore", nonsense + "x", "--data-dir", directory))
        self.assertFalse(os.path.exists(directory))
        self.assertIn("not a prismbus backup", self.refused("check", nonsense, code=2))
        for missing in (["--data-dir", directory], [nonsense + "x"]):
            self.assertIn(f"{missing[-1]}: No such file or directory", self.refused("check", *missing, code=2))
        os.mkdir(directory)
        self.assertIn(f"{directory}/state is not there", self.refused("check", "--data-dir", directory, code=2))
        os.rmdir(directory)
        self.assertIn("holds no journal", self.refused("rebuild", "--data-dir", directory))

    def test_every_mistake_of_a_command_line_is_one_line_and_exit_code_2(self):
        for words in (["check"], ["restore"], ["restore", "x"], ["rebuild"], ["check", "--bogus", "--data-dir", "x"],
                      ["rebuild", "--data-dir", "x", "--map-bytes", "much"]):
            self.assertTrue(self.refused(*words, code=2).startswith("prismbusd: "))


if __name__ == "__main__":
    unittest.main(verbosity=2)
