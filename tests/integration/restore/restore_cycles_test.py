# Backup under load, wipe, restore, restart on the same ports, with clients connected all the time: every client, of both
# implementations, ends on the new epoch with the broker's state, and none goes on with the old history in silence. What
# is written after a restore has the revisions and seqs that lost writes had before it: only the epoch tells them apart.
# --cycles N and --seed S by command.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

import argparse
import json
import random
import shutil
import subprocess
import threading
import time

import zmq

from broker_process import Broker, run_broker
from prismbus_client import Client
from prismbus_follower import Follower, heads_of
from prismbus_wire import encode
from waiting import eventually

NS, KEYS, PROBES = "cycle.a", 40, 3
PROBE = os.environ.get("PRISMBUS_PROBE", "")
OPTIONS = argparse.ArgumentParser()
OPTIONS.add_argument("--cycles", type=int, default=100 if os.environ.get("PRISMBUS_FULL") else 5)
OPTIONS.add_argument("--seed", type=int, default=None)


class Probe:
    """The C++ subscriber in a process of its own."""

    def __init__(self, endpoint):
        self.process = subprocess.Popen([PROBE, endpoint, NS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def show(self):
        self.process.stdin.write("show\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        return code


class Load(threading.Thread):
    """Writes until told to stop or until the broker is gone."""

    def __init__(self, endpoint, tag, rng):
        super().__init__(daemon=True)
        self.endpoint, self.tag, self.rng = endpoint, tag, rng
        self.acked, self.stopping = 0, threading.Event()

    def run(self):
        client = Client(self.endpoint, zmq.Context.instance())
        waiting, n = [], 0
        while not self.stopping.is_set():
            value = [self.tag, n, "x" * self.rng.randrange(300)]
            waiting.append(client.send("put", ns=NS, key=f"k{self.rng.randrange(KEYS)}", value=value))
            n += 1
            while len(waiting) >= 16 and not self.stopping.is_set():
                reply = client.receive(0.05)
                if reply is not None:
                    waiting.remove(reply["id"])
                    self.acked += bool(reply["ok"])
        client.close()


class Cycles(unittest.TestCase):
    cycles, seed = 5, 1

    def test_I6_every_client_ends_on_the_new_history_and_none_goes_on_in_silence(self):
        rng = random.Random(self.seed)
        with Broker(args=["--heartbeat-ms", "100", "--fold-changes-min", "30", "--fold-wait-ms", "20"]) as broker:
            backups = os.path.join(broker.scratch, "backups")
            broker.args += ["--backup-dir", backups]
            broker.start()
            # Where its clients look for it: the same ports for ever.
            broker.want_requests, broker.want_changes = broker.ready["requests"], broker.ready["changes"]
            self.requests = broker.requests
            client = Client(self.requests)
            for key in range(KEYS):
                client.put(NS, f"k{key}", 0)
            probes = [Probe(self.requests) for _ in range(PROBES)]
            follower = Follower(self.requests, ns=[NS])
            follower.join()
            self.await_equal(client, probes, follower)
            epochs, lost, slowest = {client.hello()["epoch"]}, 0, 0.0
            client.close()
            for cycle in range(self.cycles):
                path, gone = self.back_up_under_load(broker, f"b{cycle}", rng)
                resyncs = [probe.show()["resyncs"] for probe in probes]
                events = len(follower.events)
                broker.kill() if rng.random() < 0.5 else self.assertEqual(broker.stop(), 0)
                self.restore(broker, path, replace=rng.random() < 0.5)
                start = time.monotonic()
                eventually(broker.try_start, 30, "the restart on the same ports", every=0.1)
                client = Client(self.requests)
                epoch = client.hello()["epoch"]
                self.assertNotIn(epoch, epochs, "a restore begins another history")
                epochs.add(epoch)
                # Other writes, under the revisions and seqs that the lost ones had.
                for _ in range(rng.choice((0, 1, gone, gone + 3))):
                    client.put(NS, f"k{rng.randrange(KEYS)}", [f"after {cycle}", rng.random()])
                self.await_equal(client, probes, follower)
                slowest = max(slowest, time.monotonic() - start)
                for probe, before in zip(probes, resyncs):
                    shown = probe.show()
                    self.assertEqual(shown["silent"], 0)
                    self.assertGreater(shown["resyncs"], before, "the application saw that it happened")
                self.assertIn("snapshot", follower.events[events:])
                lost += gone
                client.close()
                if (cycle + 1) % 10 == 0:
                    print(f"{cycle + 1} cycles", flush=True)
            print(f"{self.cycles} cycles, seed {self.seed}: {PROBES + 1} clients on {len(epochs)} epochs, {lost} writes "
                  f"after the backups wiped, 0 silent resumes; all equal {slowest:.2f} s after exec at most", flush=True)
            self.assertEqual([probe.stop() for probe in probes], [0] * PROBES)
            follower.close()
            self.assertEqual(broker.stop(), 0)
            status, out, _ = run_broker("check", "--data-dir", broker.data_dir)
            self.assertEqual(status, 0, out)

    def back_up_under_load(self, broker, name, rng):
        """(path, how many revisions came after the backup and before the wipe)."""
        client = Client(self.requests)
        load = Load(self.requests, name, random.Random(rng.random()))
        load.start()
        more = load.acked + rng.randrange(20, 200)
        eventually(lambda: load.acked >= more, 60, "progress of the load")
        path = client.call("backup", name=name, seconds=60)["path"]
        more = load.acked + rng.randrange(1, 60)
        eventually(lambda: load.acked >= more, 60, "progress of the load after the backup")
        load.stopping.set()
        load.join(60)
        status, out, err = run_broker("check", path)
        self.assertEqual(status, 0, out + err)
        kept = int(out.split(" to ")[1].split(",")[0])
        gone = client.hello()["rev"] - kept
        self.assertGreater(gone, 0)
        client.close()
        return path, gone

    def restore(self, broker, path, replace):
        if not replace:
            shutil.rmtree(broker.data_dir)
        status, out, err = run_broker("restore", path, "--data-dir", broker.data_dir, *(["--replace"] if replace else []))
        self.assertEqual(status, 0, out + err)
        os.unlink(path)
        for name in os.listdir(broker.scratch):
            if name.startswith("data.replaced-"):
                shutil.rmtree(os.path.join(broker.scratch, name))

    def await_equal(self, client, probes, follower):
        epoch = client.hello()["epoch"]
        head = client.namespaces(under=NS)[0]
        entries = {entry["key"]: encode(entry["value"]).hex() for entry in client.list(NS)}
        for probe in probes:
            shown = {}

            def equal(probe=probe, shown=shown):
                shown.update(probe.show())
                return (shown["epoch"], shown["seq"], shown["hash"], shown["live"], shown["entries"]) == (
                    epoch, head["seq"], head["hash"], True, entries)

            try:
                eventually(equal, 30, "a subscriber equal to the broker", every=0.01)
            except AssertionError as error:
                shown.pop("entries", None)
                raise AssertionError(f"{error}: {shown}, broker epoch {epoch}, {head}") from None
        heads = heads_of(client, NS)
        follower.run_until(lambda f: f.replica.epoch == epoch and f.reached(heads) and not f.replica.differences(heads))
        values = {key: encode(value).hex() for key, value in follower.replica.at(NS).values().items()}
        self.assertEqual(values, entries)


if __name__ == "__main__":
    options, rest = OPTIONS.parse_known_args()
    Cycles.cycles = options.cycles
    Cycles.seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    print(f"seed {Cycles.seed}", flush=True)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
