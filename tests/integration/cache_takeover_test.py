# Processes that share a cache directory: the one that writes is killed, another goes on, and a process that starts from
# disk, with no broker, sees what was written by either (I5). The seed is printed and settable.
import os
import random
import secrets
import subprocess
import sys
import threading
import unittest

import zmq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

from broker_process import BIN, Broker, scratch_dir
from prismbus_client import Client
from waiting import eventually

NS = "takeover.test"
ROUNDS = 4
SEED = int(os.environ.get("PRISMBUS_SEED", "4107"))


class Keeper:
    """A process with the cache. `role`, `seq`, `rung`, `written`: what it said last."""

    def __init__(self, case, directory, key_file):
        self.process = subprocess.Popen([os.path.join(BIN, "cache_keeper"), case.broker.requests, directory, key_file, NS],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.role, self.seq, self.rung, self.written, self.first = "", 0, "", 0, None
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        case.addCleanup(self.kill)

    def read(self):
        for line in self.process.stdout:
            role, seq, rung, written = line.split()
            said = (role, int(seq), rung, int(written))
            self.first = self.first or said
            self.role, self.seq, self.rung, self.written = said

    def end(self):
        """Lets it end; it writes what it was told."""
        self.process.stdin.close()
        self.process.wait(60)
        self.kill()

    def kill(self):
        self.process.kill()  # nothing when it has ended
        self.process.wait()
        self.thread.join()
        self.process.stdin.close()
        self.process.stdout.close()


class Takeover(unittest.TestCase):
    def setUp(self):
        self.broker = Broker().start()
        self.addCleanup(self.broker.remove)
        context = zmq.Context()
        self.addCleanup(context.destroy, linger=0)
        self.client = Client(self.broker.requests, context)
        self.scratch = scratch_dir("prismbus-takeover-")
        self.last = 0

    def put(self):
        self.last = self.client.put(NS, f"key{self.last % 7}", self.last + 1)["seq"]

    def key_file(self):
        path = os.path.join(self.scratch, "cache.key")
        with open(path, "w", encoding="ascii") as file:
            os.chmod(path, 0o600)
            file.write(secrets.token_hex(32) + "\n")
        return path

    def run_a_chain_of_takeovers(self, key_file):
        random.seed(SEED)
        print(f"PRISMBUS_SEED={SEED}")
        cache = os.path.join(self.scratch, "cache")
        self.put()
        writer = Keeper(self, cache, key_file)
        eventually(lambda: writer.role == "writer" and writer.seq == self.last, what="the first process writes")
        for _ in range(ROUNDS):
            reader = Keeper(self, cache, key_file)
            eventually(lambda: reader.seq == self.last, what="a second process follows")
            self.assertEqual(reader.role, "reader")
            for _ in range(random.randrange(1, 40)):
                self.put()
            writer.kill()  # in the middle of what it writes
            for _ in range(random.randrange(0, 10)):
                self.put()
            eventually(lambda: reader.role == "writer", what="the reader takes over")
            self.put()
            eventually(lambda: reader.seq == self.last and reader.written > 0, what="it goes on")
            writer = reader
        writer.end()
        self.broker.kill()
        last = Keeper(self, cache, key_file)
        eventually(lambda: last.first, what="a start from disk")
        self.assertEqual(last.first[:3], ("writer", self.last, "disk"))

    def test_the_writer_is_killed_again_and_again_and_the_next_one_goes_on(self):
        self.run_a_chain_of_takeovers("")

    def test_the_same_with_an_encrypted_cache(self):
        self.run_a_chain_of_takeovers(self.key_file())


if __name__ == "__main__":
    unittest.main(verbosity=2)
