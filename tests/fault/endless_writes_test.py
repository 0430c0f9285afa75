# Writes without an end under retention: disk and memory stay flat after the first turns, the floor moves on, a put
# takes as long after many trims as before the first one, with values from 16 B to 1 MiB. Prints what it measured.
# Short form: retention of 1,000 revisions. Long form: --minutes 30 --revisions 10000 (--per-second spares the disk).
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import Broker, run_broker
from prismbus_client import Client
from waiting import eventually

KEYS, WINDOW = 500, 8
SIZE_LEAST, SIZE_MOST = 16, (1 << 20) - 64  # of the value's text
STRIDES = 16  # the floor moves by this part of the retention
FLAT_DISK, FLAT_SMALL_DISK = 1.25, 1.5  # few revisions of very different sizes need now more, now less
FLAT_MEMORY = 1.25
MEMORY_SLACK = 32 << 20
P99_FACTOR = 1.5


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30 if os.environ.get("PRISMBUS_FULL") else 0)
    parser.add_argument("--revisions", type=int, default=10_000 if os.environ.get("PRISMBUS_FULL") else 1_000)
    parser.add_argument("--turns", type=int, default=10, help="without --minutes: so often everything is replaced")
    parser.add_argument("--per-second", type=float, default=0, help="puts a second; 0 = as fast as they are answered")
    parser.add_argument("--seed", type=int, default=random.getrandbits(32))
    parser.add_argument("--judge-p99", action="store_true", help="also fail when puts have become slower")
    return parser.parse_args()


def some_size(dice):
    """16 B to 1 MiB, small ones more often: half are below 1 KiB, a twentieth above 500 KiB."""
    return int(SIZE_LEAST * (SIZE_MOST / SIZE_LEAST) ** (dice.random() ** 1.5))


def wait_until(moment):
    eventually(lambda: time.monotonic() >= moment, 60, "that moment", every=0.001)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Disk:
    def __init__(self, data_dir):
        self.files = {env: os.path.join(data_dir, env, "data.mdb") for env in ("journal", "state")}

    def bytes(self):
        return {env: os.stat(path).st_blocks * 512 for env, path in self.files.items()}


def anonymous_bytes(pid):
    """Memory that is no page of a mapped file: those are the system's to take back."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) << 10
    return 0


class Writer:
    """Puts with a few in flight; the time of each from sending to its answer, by the revision it got."""

    def __init__(self, endpoint, dice):
        self.client, self.dice = Client(endpoint), dice
        self.pool = bytes(dice.getrandbits(8) for _ in range(1 << 16)) * 17
        self.sent, self.times, self.rev, self.bytes = {}, [], 0, 0

    def put(self):
        size = some_size(self.dice)
        start = self.dice.randrange(1 << 16)
        key = f"key/{self.dice.randrange(KEYS)}"
        self.bytes += size
        now = time.monotonic()
        self.sent[self.client.send("put", ns="endless.a", key=key, value=self.pool[start:start + size])] = now

    def step(self):
        while len(self.sent) < WINDOW:
            self.put()
        reply = self.client.receive(30)
        assert reply is not None, "a put is answered"
        began = self.sent.pop(reply["id"])
        if not reply["ok"]:
            assert reply["error"]["code"] == "overloaded", reply
            wait_until(time.monotonic() + reply["error"]["retry_after_ms"] / 1000)
            return
        self.times.append((time.monotonic() - began) * 1000)
        self.rev = reply["rev"]

    def finish(self):
        while self.sent:
            reply = self.client.receive(30)
            self.sent.pop(reply["id"])
            self.rev = max(self.rev, reply["rev"])


def watch(writer, broker, disk, status, samples):
    figures = status.call("status")
    sizes = disk.bytes()
    samples.append({"rev": figures["applied"], "floor": figures["floor"], "memory": anonymous_bytes(broker.pid),
                    **sizes})


def flat(name, samples, factor, slack=0):
    """From a third of the run on nothing is larger than what the first third needed, but for the factor."""
    third = len(samples) // 3
    before = max(sample[name] for sample in samples[:third])
    after = max(sample[name] for sample in samples[third:])
    print(f"{name}: at most {before / 1e6:.1f} MB in the first third, {after / 1e6:.1f} MB after", flush=True)
    assert after <= before * factor + slack, f"{name} grows: {before} -> {after}"


def check_floor_stands_firm(client, samples, last, revisions):
    for sample in samples[len(samples) // 3:]:
        behind = sample["rev"] - sample["floor"]
        assert behind >= revisions, f"what is to be kept is gone: {sample}"
    gone = client.ask("changes", under="", since_rev=1)
    assert gone["error"]["code"] == "compacted", gone
    assert gone["error"]["floor"] > 1
    assert client.call("changes", under="", since_rev=last - revisions, limit=1)["ok"]


def main():
    asked = arguments()
    print(f"seed {asked.seed}", flush=True)
    args = ["--retention-revisions", str(asked.revisions), "--retention-age", "0", "--retention-age-min", "0",
            "--fold-wait-ms", "500"]
    with Broker(args=args, map_bytes=64 << 30 if asked.minutes else 8 << 30) as broker:
        broker.start()
        disk, status = Disk(broker.data_dir), Client(broker.requests)
        writer = Writer(broker.requests, random.Random(asked.seed))
        samples, began = [], time.monotonic()
        look_at = 0
        last_rev = asked.revisions * (asked.turns + 1)
        while time.monotonic() < began + asked.minutes * 60 if asked.minutes else writer.rev < last_rev:
            if asked.per_second:
                wait_until(began + len(writer.times) / asked.per_second)
            writer.step()
            if writer.rev >= look_at:
                look_at = writer.rev + max(asked.revisions // STRIDES, 100)
                watch(writer, broker, disk, status, samples)
        seconds = time.monotonic() - began
        writer.finish()
        check_floor_stands_firm(status, samples, writer.rev, asked.revisions)
        print(f"{writer.rev} puts of {writer.bytes / writer.rev / 1000:.1f} kB on average in {seconds:.0f} s; kept "
              f"{asked.revisions}, trim cycles {samples[-1]['floor'] // max(asked.revisions // STRIDES, 1)}", flush=True)
        for env in ("journal", "state"):
            flat(env, samples, FLAT_DISK if asked.minutes else FLAT_SMALL_DISK)
        flat("memory", samples, FLAT_MEMORY, MEMORY_SLACK)
        first, last = writer.times[:asked.revisions], writer.times[-asked.revisions:]
        for name, times in (("before the first trim", first), ("at the end", last)):
            print(f"put {name}: p50 {percentile(times, 0.5):.2f} ms, p99 {percentile(times, 0.99):.2f} ms, worst "
                  f"{max(times):.1f} ms", flush=True)
        if asked.judge_p99:
            assert percentile(last, 0.99) <= P99_FACTOR * percentile(first, 0.99), "puts have become slower"
        assert broker.stop(30) == 0, broker.log()
        code, out, error = run_broker("check", "--data-dir", broker.data_dir, seconds=600)
        print(out.splitlines()[0], flush=True)
        assert code == 0, out + error


if __name__ == "__main__":
    main()
