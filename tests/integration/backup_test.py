# The op `backup`, and what an operator does with the file: checked, restored into a fresh directory or over an old one,
# served again under a new epoch. Under load it holds one moment: a prefix of the history, nothing else.
import hashlib
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import zmq

from broker_process import Broker, run_broker
from prismbus_client import Client
from prismbus_follower import Follower
from waiting import eventually

FOLD_AT_ONCE = ["--fold-changes-min", "1", "--fold-wait-ms", "0"]


class Load(threading.Thread):
    """Writes k0, k1, ... each with its number, until stopped; `acked` is how many were."""

    def __init__(self, endpoint):
        super().__init__(daemon=True)
        self.endpoint, self.acked, self.problem = endpoint, 0, None
        self.stopping = threading.Event()

    def run(self):
        client = Client(self.endpoint, zmq.Context.instance())
        waiting, n = [], 0
        while not self.stopping.is_set():
            waiting.append(client.send("put", ns="load.a", key=f"k{n % 5000}", value=n))
            n += 1
            if len(waiting) >= 64:
                reply = client.wait(waiting.pop(0))
                if not reply["ok"]:
                    self.problem = reply
                    break
                self.acked += 1
        for request in waiting:
            self.acked += bool(client.wait(request)["ok"])
        client.close()


class Backups(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(args=list(FOLD_AT_ONCE))
        self.addCleanup(self.broker.remove)
        self.backups = os.path.join(self.broker.scratch, "backups")
        self.broker.args += ["--backup-dir", self.backups]
        self.broker.start()
        self.client = Client(self.broker.requests)
        self.addCleanup(self.client.close)

    def restored(self, path, *more):
        directory = os.path.join(self.broker.scratch, "restored")
        status, out, err = run_broker("restore", path, "--data-dir", directory, *more)
        self.assertEqual((status, err), (0, ""), out)
        broker = Broker(data_dir=directory, args=FOLD_AT_ONCE)
        self.addCleanup(broker.remove)
        return broker.start()

    def test_the_reply_tells_the_file_and_its_hash_and_check_finds_it_sound(self):
        self.client.put("care.a", "k", 1)
        reply = self.client.call("backup", name="first.backup")
        path = os.path.join(self.backups, "first.backup")
        with open(path, "rb") as file:
            content = file.read()
        self.assertEqual(reply["path"], path)
        self.assertEqual(reply["bytes"], len(content))
        self.assertEqual(reply["sha256"], hashlib.sha256(content).hexdigest())
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600, "it holds every value")
        self.assertEqual(os.listdir(self.backups), ["first.backup"])
        status, out, err = run_broker("check", path)
        self.assertEqual((status, err), (0, ""), out)
        self.assertIn("sound", out)

    def test_a_name_that_exists_or_is_no_plain_name_is_refused(self):
        self.client.call("backup", name="one")
        for name in ("one", "../one", "a/b", ".hidden", "", "a\nb", "..", "x" * 121):
            reply = self.client.ask("backup", name=name)
            self.assertEqual((reply["ok"], reply["error"]["code"], reply["error"]["field"]),
                             (False, "invalid_argument", "name"), name)
        self.assertEqual(os.listdir(self.backups), ["one"])

    def test_one_at_a_time_a_second_one_is_told_to_come_back(self):
        asked = [self.client.send("backup", name=f"b{n}") for n in range(40)]
        replies = [self.client.wait(request) for request in asked]
        refused = [reply["error"] for reply in replies if not reply["ok"]]
        self.assertEqual({error["code"] for error in refused}, {"overloaded"})
        self.assertTrue(all(error["retry_after_ms"] > 0 for error in refused))
        self.assertEqual(len(os.listdir(self.backups)), len(replies) - len(refused))
        self.assertEqual(self.client.call("status")["backup"], False)

    def test_without_a_backup_dir_the_refusal_names_the_setting(self):
        with Broker() as broker:
            broker.start()
            client = Client(broker.requests)
            error = client.ask("backup", name="x")["error"]
            self.assertEqual(error["code"], "unsupported")
            self.assertIn("--backup-dir", error["message"])
            client.close()

    def test_under_load_it_is_one_moment_writes_and_reads_go_on_and_it_restores_to_that_moment(self):
        load = Load(self.broker.requests)
        load.start()
        self.addCleanup(load.stopping.set)
        while load.acked < 3000 and load.problem is None:
            self.client.get("load.a", "k0") if load.acked else None
        paths = []
        for n in range(3):
            before = load.acked
            paths.append(self.client.call("backup", name=f"under-load-{n}", seconds=60)["path"])
            self.assertIsNone(load.problem)
            self.assertEqual(self.client.get("load.a", "k0")["key"], "k0")
            while load.acked == before and load.problem is None:
                pass
        load.stopping.set()
        load.join(60)
        self.assertIsNone(load.problem)
        broker = self.restored(paths[-1])
        client = Client(broker.requests)
        held = {entry["key"]: entry["value"] for entry in client.list("load.a")}
        last = client.hello()["rev"]
        self.assertGreaterEqual(last, 3000)
        expected = {}
        for number in range(last):
            expected[f"k{number % 5000}"] = number
        self.assertEqual(held, expected, "exactly the first revisions, each whole")
        client.close()
        self.assertEqual(broker.stop(), 0)
        status, out, _ = run_broker("check", "--data-dir", broker.data_dir)
        self.assertEqual(status, 0, out)

    def test_a_broker_that_is_told_to_stop_gives_its_backup_up_and_leaves_no_part_of_it(self):
        for number in range(60):
            self.client.put("care.big", f"k{number}", os.urandom(1 << 20)[:-16])
        asked = self.client.send("backup", name="cut-short")
        eventually(lambda: any(name.startswith(".") for name in self.in_backups()), what="a backup under way")
        self.assertEqual(self.broker.stop(), 0)
        # Answered when the broker was quick enough to finish it, or told that it was given up.
        reply = self.client.wait(asked)
        self.assertTrue(reply["ok"] or reply["error"]["code"] == "unavailable", reply)
        self.assertEqual(self.in_backups(), ["cut-short"] if reply["ok"] else [])

    def in_backups(self):
        return os.listdir(self.backups) if os.path.isdir(self.backups) else []

    def test_a_restore_is_another_history_whose_changes_carry_its_epoch(self):
        old = self.client.hello()["epoch"]
        for number in range(30):
            self.client.put("care.a", f"k{number}", number)
        path = self.client.call("backup", name="b")["path"]
        broker = self.restored(path)
        client = Client(broker.requests)
        new = client.hello()["epoch"]
        self.assertNotEqual(new, old)
        self.assertEqual(client.ask("list", ns="care.a", epoch=old)["error"]["code"], "other_history")
        sets, _ = client.changes(since={"care.a": 0})
        self.assertEqual({change_set["epoch"] for change_set in sets}, {new})
        follower = Follower(broker.requests, ns=["care.a"])
        follower.join()
        self.assertEqual(follower.replica.at("care.a").values(), {f"k{n}": n for n in range(30)})
        follower.close()
        client.put("care.a", "k0", "goes on")
        self.assertEqual(client.get("care.a", "k0")["version"], 2)
        client.close()

    def test_a_directory_in_use_is_refused_and_replaced_only_when_told_to(self):
        self.client.put("care.a", "k", "kept in the backup")
        path = self.client.call("backup", name="b")["path"]
        self.client.put("care.a", "k", "written later")
        directory = self.broker.data_dir
        status, _, err = run_broker("restore", path, "--data-dir", directory)
        self.assertEqual(status, 1)
        self.assertIn("--replace", err)
        status, _, err = run_broker("restore", path, "--data-dir", directory, "--replace")
        self.assertEqual(status, 1)
        self.assertIn("another broker is running", err)
        self.assertEqual(self.client.get("care.a", "k")["value"], "written later")
        self.assertEqual(self.broker.stop(), 0)
        status, out, err = run_broker("restore", path, "--data-dir", directory, "--replace")
        self.assertEqual((status, err), (0, ""), out)
        aside = [name for name in os.listdir(self.broker.scratch) if name.startswith("data.replaced-")]
        self.assertEqual(len(aside), 1)
        self.assertEqual(run_broker("check", "--data-dir", os.path.join(self.broker.scratch, aside[0]))[0], 0)
        self.broker.start()
        client = Client(self.broker.requests)
        self.assertEqual(client.get("care.a", "k")["value"], "kept in the backup")
        client.close()

    def test_a_damaged_backup_is_refused_naming_the_record_and_nothing_is_made(self):
        for number in range(30):
            self.client.put("care.a", f"k{number}", "v" * 100)
        path = self.client.call("backup", name="b")["path"]
        with open(path, "r+b") as file:
            file.seek(2000)
            byte = file.read(1)
            file.seek(2000)
            file.write(bytes([byte[0] ^ 4]))
        directory = os.path.join(self.broker.scratch, "never")
        status, _, err = run_broker("restore", path, "--data-dir", directory)
        self.assertEqual(status, 1)
        self.assertRegex(err, r"b: record \d+ ")
        self.assertFalse(os.path.exists(directory))
        status, out, _ = run_broker("check", path)
        self.assertEqual(status, 1)
        self.assertRegex(out, r"finding: .*b: record \d+ ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
