# SIGKILL under write load, again and again: no acknowledged write lost, nothing there that was never sent, nothing
# doubled by retries, no seq or revision missing, and a quick return (I1, I2, I7). --kills N and --seed S by command.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import argparse
import random
import subprocess
import time
from types import SimpleNamespace

from broker_process import Broker, milliseconds_since, run_broker
from ledger import classify
from ledger_writer import Address, Writer
from prismbus_client import Client
from prismbus_replica import Replica
from waiting import eventually

WRITERS = 6
RETURN_P99_MS = 250
# How eagerly the state takes changes in, another one after each restart: kills meet every fold, few or none.
FOLDS = [[], ["--fold-changes-min", "1", "--fold-wait-ms", "0"],
         ["--fold-changes-min", "50", "--fold-changes-max", "60", "--fold-wait-ms", "20"]]
OPTIONS = argparse.ArgumentParser()
OPTIONS.add_argument("--kills", type=int, default=500 if os.environ.get("PRISMBUS_FULL") else 25)
OPTIONS.add_argument("--seed", type=int, default=None)


class Kills(unittest.TestCase):
    kills, seed = 25, 1

    def test_I1_I2_I7_kills_under_load_lose_double_and_invent_nothing(self):
        rng = random.Random(self.seed)
        with Broker() as broker:
            address, returns, started = Address(), [], time.monotonic()
            writers = [Writer(number, address, broker.scratch, self.seed) for number in range(WRITERS)]
            returns.append(self.start(broker, address))
            for writer in writers:
                writer.start()
            for number in range(self.kills):
                broker.args = rng.choice(FOLDS)
                self.load_for_a_while(writers, rng)
                broker.kill()
                if rng.random() < 0.15:
                    self.kill_while_starting(broker, rng)
                returns.append(self.start(broker, address))
                if (number + 1) % 50 == 0:
                    print(f"{number + 1} kills, {sum(w.acknowledged for w in writers)} acked", flush=True)
            for writer in writers:
                writer.stopping.set()
            for writer in writers:
                writer.join(60)
                self.assertFalse(writer.is_alive(), "a writer could not decide its writes")
                self.assertIsNone(writer.problem)
            verdict = self.hold_against_ledgers(broker, writers)
            self.report(verdict, returns, writers, time.monotonic() - started)
            self.assertTrue(verdict.sound(), f"{verdict}\n{vars(verdict)}"[:4000])
            self.assertEqual(broker.stop(), 0)
            code, out, err = run_broker("check", "--data-dir", broker.data_dir, seconds=120)
            self.assertEqual(code, 0, out + err)

    def start(self, broker, address):
        """Milliseconds from exec to the first answer."""
        start = time.monotonic()
        broker.start(60)
        client = Client(broker.requests)
        client.ask("get", ns="kill.s0", key="w0/1", seconds=60)
        took = milliseconds_since(start)
        client.close()
        address.move(broker.requests)
        return took

    def load_for_a_while(self, writers, rng):
        """Until a random number of further acknowledgements: the kill meets the broker at any point of a commit."""
        wanted = sum(writer.acknowledged for writer in writers) + rng.randrange(1, 400)
        eventually(lambda: sum(w.acknowledged for w in writers) >= wanted or any(w.problem for w in writers), 60,
                   "progress of the writers", every=0.0005)

    def kill_while_starting(self, broker, rng):
        broker.spawn()
        try:
            broker.process.wait(rng.uniform(0.001, 0.04))
        except subprocess.TimeoutExpired:
            pass
        broker.kill()

    def hold_against_ledgers(self, broker, writers):
        client = Client(broker.requests)
        rows = client.namespaces(under="kill")
        sets, heads = client.changes(since={row["ns"]: 0 for row in rows})
        replica = Replica(under=["kill"])
        replica.epoch = client.hello()["epoch"]
        for change_set in sets:
            self.assertEqual(replica.apply(change_set["ns"], change_set), "applied")
        self.assertEqual(replica.differences({row["ns"]: row for row in rows}), [])
        listed = {(entry["ns"], entry["key"]): (entry["value"], entry["rev"])
                  for entry in client.list("kill", subtree=True)}
        held = {(ns, key): (entry.value, entry.rev) for ns, space in replica.names.items()
                for key, entry in space.entries.items()}
        self.assertEqual(held, listed, "the list is the replay of all change sets")
        self.assertEqual({ns: head["seq"] for ns, head in heads.items()}, {row["ns"]: row["seq"] for row in rows})
        client.close()
        return classify([writer.ledger for writer in writers], sets)

    def report(self, verdict, returns, writers, seconds):
        returns.sort()
        p50, p99 = returns[len(returns) // 2], returns[min(len(returns) - 1, int(len(returns) * 0.99))]
        print(f"{self.kills} kills, seed {self.seed}, {seconds:.0f} s: {verdict}; "
              f"{sum(w.duplicates for w in writers)} repeats answered as duplicates; "
              f"exec to first answer p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {returns[-1]:.0f} ms", flush=True)
        self.assertLess(p99, float(os.environ.get("PRISMBUS_RETURN_P99_MS", RETURN_P99_MS)))


class Classification(unittest.TestCase):
    """The judge itself: each kind of failure, made by hand, is found."""

    def judge(self, sets, attempts, acks=(), refused=()):
        ledger = SimpleNamespace(attempts={name: [("a", "k")] for name in attempts}, acks=dict(acks),
                                 refused=set(refused))
        return classify([ledger], [{"ns": "a", "seq": seq, "rev": rev, "note": name, "changes": [{"key": "k"}]}
                                   for seq, rev, name in sets])

    def test_a_whole_history_is_sound_and_unanswered_writes_may_be_there(self):
        verdict = self.judge([(1, 1, "x"), (2, 2, "y")], "xyz", {"x": 1})
        self.assertTrue(verdict.sound())
        self.assertEqual(verdict.recovered, ["y"])

    def test_every_failure_is_found(self):
        self.assertEqual(self.judge([(1, 1, "x")], "xy", {"y": 2}).lost, ["y"])
        self.assertEqual(self.judge([(1, 1, "x")], "x", {"x": 7}).lost, ["x"])
        self.assertEqual(self.judge([(1, 1, "z")], "x").phantom, ["z"])
        self.assertEqual(self.judge([(1, 1, "x")], "x", refused="x").phantom, ["x"])
        self.assertEqual(self.judge([(1, 1, "x"), (2, 2, "x")], "x").duplicated, ["x"])
        self.assertEqual(self.judge([(1, 1, "x"), (3, 2, "y")], "xy").holes, [("a", 3)])
        self.assertEqual(self.judge([(1, 1, "x"), (2, 3, "y")], "xy").holes, [("rev", 2)])


if __name__ == "__main__":
    options, rest = OPTIONS.parse_known_args()
    Kills.kills = options.kills
    Kills.seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    print(f"seed {Kills.seed}", flush=True)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
