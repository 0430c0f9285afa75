# Storms: many subscribers in several processes (the C++ library, each with threads and sockets of its own). One
# process is stopped while changes go on; then the broker is killed and comes back with everybody following.
# storm_test.py [--subscribers N] [--processes P] [--namespaces K] [--stop SECONDS] [--rate PER_SECOND]
# Scaled by default; the full form is --subscribers 1000 --processes 10 --namespaces 100 --stop 30 --strict.
import argparse
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import BIN, Broker
from prismbus_client import Client
from waiting import eventually

CLOCK = "storm.clock"
BULK, BULK_WRITES, BULK_BYTES = "storm.bulk", 1500, 3000  # more than a stopped peer's queue and sockets hold
FRAMES_MAX = 100
ACK_SECONDS = 1  # the pace of acks at its fastest
SLACK = float(os.environ.get("PRISMBUS_TIME_SLACK", "1"))


class Crowd:
    """One process of subscribers."""

    def __init__(self, broker, count, names):
        self.count = count
        self.process = subprocess.Popen([os.path.join(BIN, "storm_subscribers"), broker.requests, str(count), CLOCK, *names],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline().split()
        assert line, "a process of subscribers ended"
        return [int(word) for word in line[1:]]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def ask_all(crowds, *words):
    for crowd in crowds:
        crowd.say(*words)
    return [crowd.hear() for crowd in crowds]


class Storm(unittest.TestCase):
    options = None

    def setUp(self):
        o = self.options
        self.broker = Broker(args=["--subscriber-frames-max", str(FRAMES_MAX)]).start()
        self.addCleanup(self.broker.remove)
        self.client = Client(self.broker.requests)
        self.addCleanup(self.client.close)
        self.names = [f"storm.n{index:03}" for index in range(o.namespaces)]
        for name in self.names + [BULK, CLOCK]:
            self.client.put(name, "k", 0)
        each = o.subscribers // o.processes
        # The bulk that overflows a queue goes to the first process alone, which is the one that is stopped.
        self.crowds = [Crowd(self.broker, each, self.names + ([BULK] if index == 0 else []))
                       for index in range(o.processes)]
        for crowd in self.crowds:
            self.addCleanup(crowd.end)
        self.total = each * o.processes
        self.assertEqual(sum(live for live, in ask_all(self.crowds, "live", 600 * SLACK)), self.total)

    def tick(self, seconds):
        """The clock is put at the rate asked for; every tenth put goes to another namespace as well."""
        pace = threading.Event()  # never set: the time between two puts
        start, count = time.monotonic(), 0
        while (due := start + count / self.options.rate) < start + seconds:
            pace.wait(max(0.0, due - time.monotonic()))
            self.client.put(CLOCK, "k", time.monotonic_ns())
            if count % 10 == 0:
                self.client.put(self.names[count // 10 % len(self.names)], "k", count)
            count += 1
        return count

    def heads_file(self, names):
        path = os.path.join(self.broker.scratch, "heads")
        rows = {row["ns"]: row for row in self.client.namespaces()}
        with open(path, "w", encoding="ascii") as file:
            for name in names:
                file.write(f"{name} {rows[name]['seq']} {rows[name]['hash']}\n")
        return path

    def test_a_stopped_process_holds_nobody_up_and_converges_when_it_goes_on(self):
        o = self.options
        # What else the machine does only adds to latencies: the scaled form may try again, the full one not.
        for again in range(1 if o.strict else 3):
            if self.stop_once():
                return
        self.fail(f"held up, or late to converge, {again + 1} times")

    def stop_once(self):
        o = self.options
        stopped, others = self.crowds[0], self.crowds[1:]
        self.tick(2)
        ask_all(others, "latency")
        self.tick(max(o.stop, 5))
        before = [p99 for _, p99, _ in ask_all(others, "latency")]
        stopped.process.send_signal(signal.SIGSTOP)
        self.client.call_all("put", ({"ns": BULK, "key": "k", "value": "x" * BULK_BYTES} for _ in range(BULK_WRITES)),
                             window=200)
        ask_all(others, "latency")
        self.tick(o.stop)
        figures = ask_all(others, "latency")
        during = [p99 for _, p99, _ in figures]
        heads = self.heads_file(self.names + [CLOCK, BULK])
        stopped.say("equal", heads, 30 * SLACK)
        start = time.monotonic()
        stopped.process.send_signal(signal.SIGCONT)
        equal, _ = stopped.hear()
        took = time.monotonic() - start
        print(f"{self.total} subscribers in {o.processes} processes, one stopped {o.stop} s: the others' p99 "
              f"{max(before)} us before, {max(during)} us during (n {sum(n for _, _, n in figures)}); the stopped "
              f"{stopped.count} equal after {took:.2f} s; broker {self.broker.rss_kib() // 1024} MiB")
        self.assertEqual(equal, stopped.count)
        others_heads = self.heads_file(self.names + [CLOCK])
        self.assertEqual(sum(count for count, _ in ask_all(others, "equal", others_heads, 30)), self.total - stopped.count)
        held_up = max(during) > max(1.5 * SLACK * max(before), max(before) + 2000 * SLACK)
        return took <= 2 * SLACK and not held_up

    def test_everybody_is_equal_again_soon_after_the_broker_was_killed(self):
        names = self.names + [CLOCK]
        self.tick(1)
        heads = self.heads_file(names)
        self.assertEqual(sum(count for count, _ in ask_all(self.crowds, "equal", heads, 60)), self.total)
        joins_before = sum(joins for joins, _ in ask_all(self.crowds, "figures"))
        self.client.close()
        self.broker.kill()
        self.broker.restart_on_its_ports()
        ready = time.monotonic()
        self.client = Client(self.broker.requests)
        self.client.put(CLOCK, "k", time.monotonic_ns())  # what only a subscriber that is back can show
        heads = self.heads_file(names)
        asked = self.client.ask("status")["requests"]  # those of this test among them
        counts = ask_all(self.crowds, "equal", heads, 60)
        took = time.monotonic() - ready
        live = ask_all(self.crowds, "live", 60)
        status = self.client.ask("status")
        since_ready = time.monotonic() - ready
        joins, resyncs = (sum(column) for column in zip(*ask_all(self.crowds, "figures")))
        each = (status["requests"] - status["acks"] - 4) / self.total
        print(f"{self.total} subscribers of {len(names)} namespaces, broker killed: all equal {took:.2f} s after ready; "
              f"{each:.2f} requests a subscriber and {status['acks'] / self.total:.2f} acks "
              f"({asked} of them before the heads were read), "
              f"{status['changes']} changes, {status['snapshots']} snapshots, joins {joins - joins_before}, "
              f"broker {self.broker.rss_kib() // 1024} MiB, chunk hits {status['chunk_hits']}, "
              f"change hits {status['change_hits']} of {status['change_hits'] + status['change_misses']}")
        self.assertEqual(sum(count for count, _ in counts), self.total)
        self.assertEqual(sum(count for count, in live), self.total)
        self.assertLessEqual(took, 5 * SLACK)
        self.assertLessEqual(each, 3)
        # Who is equal again acknowledges it, not before: all at once, then what changed since, no more than the pace allows.
        self.assertLessEqual(status["acks"] / self.total, 2 + since_ready / ACK_SECONDS)
        self.assertEqual((status["snapshots"], resyncs), (0, 0))
        # Who greeted twice is one follower as soon as the broker has seen the former connection end.
        eventually(lambda: self.client.ask("status")["followers"] == self.total, 30 * SLACK, "one follower each")
        self.assertLessEqual(self.broker.rss_kib(), (64 + self.total) * 1024)  # a mebibyte each, and its own


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=60)
    parser.add_argument("--processes", type=int, default=6)
    parser.add_argument("--namespaces", type=int, default=20)
    parser.add_argument("--stop", type=float, default=5)
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--strict", action="store_true", help="latencies are judged in one go")
    Storm.options, rest = parser.parse_known_args()
    unittest.main(argv=sys.argv[:1] + rest, verbosity=2)
