# Crowds: one connection that floods beside many that ask one thing at a time, and more subscribers than the broker
# has descriptors. Nobody is served twice before the others, what is too much is `overloaded` with a time to come
# back after, and who does not fit is turned away while the others are served (I8).
import multiprocessing
import os
import statistics
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import zmq

from broker_case import BrokerCase
from broker_process import Broker
from prismbus_client import Client
from prismbus_stream import Lane
from waiting import eventually

ASKERS, ROUNDS = 20, 15
SLACK = float(os.environ.get("PRISMBUS_TIME_SLACK", "1"))


def flood(endpoint, op, fields, window, answered, stop):
    """Keeps `window` requests under way on one DEALER, however they are answered."""
    client = Client(endpoint)
    under_way = 0
    while not stop.is_set():
        while under_way < window:
            client.send(op, **fields)
            under_way += 1
        reply = client.receive(5)
        if reply is None:
            continue
        under_way -= 1
        answered.value += 1
    client.close()


class Flood(BrokerCase):
    broker_args = ("--reads-waiting-max", "4000")

    def setUp(self):
        super().setUp()
        for index in range(200):
            self.client.put(self.ns, f"k{index:03}", "x" * 200)

    def rounds(self, op, **fields):
        """The median of a number of rounds, in s: askers that ask one thing each, all of them at once."""
        askers = [self.new_client() for _ in range(ASKERS)]
        took = []
        for _ in range(ROUNDS):
            start = time.monotonic()
            ids = [asker.send(op, **fields) for asker in askers]
            for asker, request in zip(askers, ids):
                self.assertTrue(asker.wait(request, 30 * SLACK)["ok"])
            took.append(time.monotonic() - start)
        return statistics.median(took)

    def behind(self, op, flooded, window, asked):
        """How many requests' time a round takes beside one connection with `window` of them under way."""
        answered, stop = multiprocessing.Value("Q", 0), multiprocessing.Event()
        flooder = multiprocessing.Process(target=flood, args=(self.broker.requests, op, flooded, window, answered, stop))
        flooder.start()
        try:
            eventually(lambda: answered.value > window, 30 * SLACK, "the flood")
            before, start = answered.value, time.monotonic()
            round_takes = self.rounds(op, **asked)
            each = (time.monotonic() - start) / (answered.value - before + ASKERS * ROUNDS)
        finally:
            stop.set()
            flooder.join(10)
            if flooder.is_alive():
                flooder.kill()
        print(f"{ASKERS} askers beside {window} of `{op}` of one connection: a round takes the time of "
              f"{round_takes / each:.0f} requests, {round_takes * 1000:.1f} ms")
        return round_takes / each

    # First come, first served, a round would stand behind the whole window; taking turns, behind about as many
    # requests as there are askers, and what the machine does between.

    def test_a_connection_that_floods_lists_takes_turns_with_those_that_ask_one_at_a_time(self):
        self.assertLess(self.behind("list", {"ns": self.ns}, 900, {"ns": self.ns, "limit": 1}), 900 / 2)

    def test_a_connection_that_floods_gets_takes_turns_with_those_that_ask_one_at_a_time(self):
        asked = {"ns": self.ns, "key": "k001"}
        self.assertLess(self.behind("get", asked, 8000, asked), 8000 / 2)

    def test_too_many_reads_of_one_connection_are_overloaded_and_say_when_to_come_back(self):
        client = self.new_client()
        ids = [client.send("list", ns=self.ns) for _ in range(3000)]  # a quarter of 4,000 may wait
        replies = [client.wait(request, 60) for request in ids]
        refused = [reply["error"] for reply in replies if not reply["ok"]]
        self.assertTrue(refused, "3,000 reads at once all found room")
        for error in refused:
            self.assertEqual(error["code"], "overloaded")
            self.assertGreaterEqual(error["retry_after_ms"], 20)
        self.assertGreater(sum(reply["ok"] for reply in replies), 1000)
        self.assertTrue(self.client.ask("list", ns=self.ns)["ok"])


class Descriptors(unittest.TestCase):
    def test_subscribers_beyond_descriptors_are_turned_away_and_come_in_when_there_is_room(self):
        with Broker(nofile=256) as broker:
            broker.start()
            client = Client(broker.requests)
            early = Lane(broker.changes)
            early.follow(["a"])
            early.ask_barrier()
            eventually(lambda: early.is_barrier(*(early.receive(0.1) or (None, None, None))), 10, "the first barrier")
            context = zmq.Context()
            crowd = []
            for _ in range(400):
                socket = context.socket(zmq.SUB)
                socket.setsockopt(zmq.SUBSCRIBE, b"a/")
                socket.setsockopt(zmq.LINGER, 0)
                socket.connect(broker.changes)
                crowd.append(socket)
            for value in range(50):  # served all the while: the requests, and who was there before
                client.put("a", "k", value)
            seqs = []
            while len(seqs) < 50:
                got = early.receive(5)
                self.assertIsNotNone(got, "the subscriber that was there first is cut off")
                if got[0] == "sets":
                    seqs += [each["seq"] for each in got[2] if each["changes"]]
            self.assertEqual(seqs, list(range(1, 51)))
            self.assertTrue(broker.alive())
            for socket in crowd:
                socket.close()
            late = Lane(broker.changes)
            start = time.monotonic()
            late.follow(["a"])
            late.ask_barrier()
            eventually(lambda: late.is_barrier(*(late.receive(0.1) or (None, None, None))), 10 * SLACK, "room again")
            print(f"room again {time.monotonic() - start:.2f} s after 400 subscribers left")
            early.close()
            late.close()
            client.close()
            context.destroy(linger=0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
