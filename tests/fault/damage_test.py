# Bits flipped and ends cut off in journal, state and backup, at random places, LMDB's own pages included. Whatever is
# served or restored then is what was written; the rest is refused, by name. LMDB's pages carry no checksum, so a flip in
# one may end the process that reads it: `prismbusd check` reads in a child, never dies itself, and names what is damaged.
# --trials N and --seed S by command.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import argparse
import random
import shutil
from collections import Counter

from broker_process import Broker, run_broker, scratch_dir
from prismbus_client import Client, Refused
from waiting import NeverCame

OPTIONS = argparse.ArgumentParser()
OPTIONS.add_argument("--trials", type=int, default=2000 if os.environ.get("PRISMBUS_FULL") else 200)
OPTIONS.add_argument("--seed", type=int, default=None)
FILES = ("journal", "state", "backup")
PAGE = 4096


def damage(rng, content):
    """(what was done, the damaged bytes): a flip anywhere, a flip near the head of a page, a cut."""
    kind = rng.choice(("flip", "flip", "page", "cut"))
    changed = bytearray(content)
    if kind == "cut":
        at = rng.randrange(len(content))
        return f"cut at {at}", content[:at]
    if kind == "flip":
        at = rng.randrange(len(content))
    else:  # the header of a page and the places of its records
        at = min(rng.randrange(len(content)) // PAGE * PAGE + rng.randrange(64), len(content) - 1)
    bit = 1 << rng.randrange(8)
    changed[at] ^= bit
    return f"flip of bit {bit} at {at}", bytes(changed)


class Truth:
    """What was written, and everything a client could be told about it."""

    def __init__(self, client):
        self.entries = {entry["key"]: entry for entry in client.list("hurt.a")}
        self.sets = {change_set["seq"]: change_set for change_set in client.changes(since={"hurt.a": 0})[0]}

    def wrong_answers(self, client):
        """Reads everything; every answer has to be true or a refusal. Returns (lines, refusals)."""
        wrong, refusals = [], 0
        for key, entry in self.entries.items():
            reply = client.ask("get", ns="hurt.a", key=key, seconds=10)
            if not reply["ok"]:
                refusals += 1
                if reply["error"]["code"] != "internal":
                    wrong.append(f"get {key}: {reply['error']}")
            elif reply["entry"] != entry:
                wrong.append(f"get {key} is another entry")
        try:
            if {entry["key"]: entry for entry in client.list("hurt.a")} != self.entries:
                wrong.append("list is another one")
        except Refused:
            refusals += 1
        try:
            for change_set in client.changes(since={"hurt.a": 0})[0]:
                if change_set != self.sets[change_set["seq"]]:
                    wrong.append(f"change set {change_set['seq']} is another one")
        except Refused:
            refusals += 1
        return wrong, refusals


class Damage(unittest.TestCase):
    trials, seed = 200, 1

    @classmethod
    def setUpClass(cls):
        cls.scratch = scratch_dir("prismbus-damage-")
        cls.sound = os.path.join(cls.scratch, "sound")
        with Broker(data_dir=cls.sound, args=["--fold-changes-min", "30", "--fold-wait-ms", "3600000", "--backup-dir",
                                              os.path.join(cls.scratch, "backups")]) as broker:
            broker.start()
            client = Client(broker.requests)
            for n in range(150):
                client.put("hurt.a", f"k{n % 50}", [n, "v" * (n * 37 % 400 if n % 10 else 7000)], note=f"note {n}",
                           req=[b"sessions", n + 1])
                if n % 17 == 16:
                    client.delete("hurt.a", f"k{n % 50}")
            cls.truth = Truth(client)
            cls.backup = client.call("backup", name="b")["path"]
            client.close()
            assert broker.stop() == 0, broker.log()
        cls.paths = {"journal": os.path.join(cls.sound, "journal", "data.mdb"),
                     "state": os.path.join(cls.sound, "state", "data.mdb"), "backup": cls.backup}
        cls.contents = {}
        for name, path in cls.paths.items():
            with open(path, "rb") as file:
                cls.contents[name] = file.read()

    def test_damage_is_refused_by_name_or_harmless_and_no_answer_is_ever_wrong(self):
        rng, outcomes, wrong = random.Random(self.seed), Counter(), []
        for trial in range(self.trials):
            name = FILES[trial % len(FILES)]
            what, content = damage(rng, self.contents[name])
            outcome, lines = (self.try_backup if name == "backup" else self.try_store)(name, content)
            outcomes[name, outcome] += 1
            wrong += [f"trial {trial}, {name}, {what}: {line}" for line in lines]
            for line in lines:
                print(f"trial {trial}, {name}, {what}: {line}", flush=True)
            if (trial + 1) % 200 == 0:
                print(f"{trial + 1} trials", flush=True)
        print(f"{self.trials} trials, seed {self.seed}: "
              + ", ".join(f"{name} {outcome} {count}" for (name, outcome), count in sorted(outcomes.items()))
              + f"; {len(wrong)} wrong", flush=True)
        self.assertEqual(wrong, [])
        unseen = sum(count for (_, outcome), count in outcomes.items() if outcome.startswith("ended, and"))
        self.assertLessEqual(unseen, 1 + self.trials // 500, "what ends a broker and check does not see stays rare")

    def try_backup(self, _name, content):
        path, directory = os.path.join(self.scratch, "hurt.backup"), os.path.join(self.scratch, "restored")
        with open(path, "wb") as file:
            file.write(content)
        wrong = []
        status, out, err = run_broker("check", path, seconds=60)
        if status == 0:
            wrong.append("check calls it sound")
        if path not in out + err:
            wrong.append(f"check does not name it: {out + err}")
        restored, out, err = run_broker("restore", path, "--data-dir", directory, seconds=60)
        if restored != 1 or os.path.exists(directory):
            wrong.append(f"restored with {restored}: {out + err}")
            shutil.rmtree(directory, ignore_errors=True)
        return "refused", wrong

    def try_store(self, name, content):
        directory = os.path.join(self.scratch, "hurt")
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(self.sound, directory)
        with open(os.path.join(directory, name, "data.mdb"), "wb") as file:
            file.write(content)
        wrong = []
        status, out, err = run_broker("check", "--data-dir", directory, seconds=120)
        if status not in (0, 1, 2):
            wrong.append(f"check ended with {status}: {(out + err)[-300:]}")
        if status == 1 and "finding: " not in out or status == 2 and name not in err:
            wrong.append(f"check names nothing: {out + err}")
        outcome, answers, refusals = self.serve(directory)
        wrong += answers
        if status == 0 and refusals:
            wrong.append(f"check calls it sound, and it was {outcome} with {refusals} refusals")
        if status == 0 and outcome != "served":
            return "ended, and check saw nothing", wrong  # counted, and bounded, at the end
        return outcome if outcome != "served" else "harmless" if status == 0 else "served in part", wrong

    def serve(self, directory):
        """(outcome, wrong answers, refusals). A broker may end over LMDB's own pages; it may not lie."""
        with Broker(data_dir=directory, args=["--fold-changes-min", "1", "--fold-wait-ms", "0"]) as broker:
            broker.spawn()
            try:
                broker.await_ready(30)
            except AssertionError:
                code = broker.process.poll()
                if code == 3:
                    return "refused at start", [], 0
                return ("ended at start", [], 0) if code is not None else ("hung", ["the broker hangs at its start"], 0)
            client = Client(broker.requests)
            try:
                wrong, refusals = self.truth.wrong_answers(client)
                return "served", wrong, refusals
            except NeverCame:
                if broker.process.poll() is None:
                    return "hung", ["the broker hangs"], 0
                return "ended while serving", [], 0
            finally:
                client.close()

    def test_what_is_not_damaged_is_sound_and_served_whole(self):
        self.assertEqual(self.serve(self.sound)[1:], ([], 0))
        self.assertEqual(run_broker("check", "--data-dir", self.sound)[0], 0)
        self.assertEqual(run_broker("check", self.backup)[0], 0)

    def test_a_wrong_answer_would_be_seen(self):
        """The judge itself: a truth that differs in one value."""
        with Broker(data_dir=self.sound) as broker:
            broker.start()
            client = Client(broker.requests)
            truth = Truth(client)
            key = next(iter(truth.entries))
            truth.entries[key] = {**truth.entries[key], "value": "another"}
            self.assertEqual(len(truth.wrong_answers(client)[0]), 2)
            client.close()


class Formats(unittest.TestCase):
    """A newer format is refused naming both; here of the backup, the disk's own stand in store_open_test.cpp."""

    def test_a_newer_backup_is_refused_naming_both_versions(self):
        path = os.path.join(scratch_dir(), "newer")
        with open(path, "wb") as file:
            file.write(b"PRISMBAK" + (2).to_bytes(8, "big") + bytes(100))
        for words in (("check", path), ("restore", path, "--data-dir", path + ".d")):
            status, out, err = run_broker(*words)
            self.assertNotEqual(status, 0, out)
            self.assertIn("has format 2, this program reads format 1", err)


if __name__ == "__main__":
    options, rest = OPTIONS.parse_known_args()
    Damage.trials = options.trials
    Damage.seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    print(f"seed {Damage.seed}", flush=True)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
