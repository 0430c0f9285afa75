# A writer under kills: a window of writes in flight, each with a request id and a line in the ledger before it is sent;
# after every death of the broker all undecided ones are sent again with the same request id, until decided (I7).
import os
import random
import threading
import time

import zmq

from ledger import Ledger
from prismbus_client import Client

WINDOW = 16  # far below the 64 keys of a writer: no two writes of one key are in flight together
KEYS = 64
SILENCE_SECONDS = 1.0
FINAL = {"not_found", "conflict", "invalid_argument", "too_large"}


class Address:
    """Where the broker is now; the harness moves it, writers look."""

    def __init__(self):
        self.endpoint, self.generation = None, 0
        self.changed = threading.Condition()

    def move(self, endpoint):
        with self.changed:
            self.endpoint, self.generation = endpoint, self.generation + 1
            self.changed.notify_all()

    def now(self):
        with self.changed:
            while self.endpoint is None:
                self.changed.wait(0.1)
            return self.endpoint, self.generation


class Writer(threading.Thread):
    def __init__(self, number, address, directory, seed):
        super().__init__(daemon=True)
        self.number, self.address = number, address
        self.ledger = Ledger(os.path.join(directory, f"writer-{number}.ledger"))
        self.rng = random.Random(seed * 100 + number)
        self.session = os.urandom(8)
        self.stopping = threading.Event()
        self.undecided = {}  # n -> (op, fields)
        self.sent = {}       # request id -> n
        self.n = 0
        self.acknowledged = 0  # read by the harness
        self.duplicates = 0
        self.problem = None

    def run(self):
        try:
            self.write_until_stopped()
        except Exception as error:  # pylint: disable=broad-except; the harness reports it
            self.problem = repr(error)

    def write_until_stopped(self):
        client, generation, heard = None, -1, 0.0
        while not self.stopping.is_set() or self.undecided:
            endpoint, now = self.address.now()
            if now != generation or time.monotonic() - heard > SILENCE_SECONDS:
                if client is not None:
                    client.close()
                client, generation, heard = Client(endpoint, zmq.Context.instance()), now, time.monotonic()
                self.sent.clear()
                self.send_again(client, list(self.undecided))
            if not self.stopping.is_set():
                self.send_new(client)
            reply = client.receive(0.02)
            while reply is not None:
                heard = time.monotonic()
                self.take(client, reply)
                reply = client.receive(0)
        client.close()

    def send_new(self, client):
        fresh = []
        while self.n - min(self.undecided, default=self.n + 1) < WINDOW - 1:
            self.n += 1
            self.undecided[self.n] = self.make(self.n)
            fresh.append(self.n)
        if fresh:
            self.ledger.attempt({self.name_of(n): self.keys_of(*self.undecided[n]) for n in fresh})
            self.send_again(client, fresh)

    def send_again(self, client, numbers):
        for n in numbers:
            op, fields = self.undecided[n]
            self.sent[client.send(op, req=[self.session, n], note=self.name_of(n), **fields)] = n

    def name_of(self, n):
        return f"w{self.number}-{n}"

    def make(self, n):
        """Mostly puts; transactions over two namespaces; deletes."""
        ns, key = f"kill.s{self.number % 3}", f"w{self.number}/{n % KEYS}"
        dice = self.rng.random()
        if dice < 0.7:
            return "put", {"ns": ns, "key": key, "value": [self.name_of(n), "x" * self.rng.randrange(200)]}
        if dice < 0.9:
            return "txn", {"do": [{"op": "put", "ns": name, "key": key, "value": self.name_of(n)}
                                  for name in (ns, "kill.both")]}
        return "delete", {"ns": ns, "key": key}

    @staticmethod
    def keys_of(op, fields):
        if op == "txn":
            return [(item["ns"], item["key"]) for item in fields["do"]]
        return [(fields["ns"], fields["key"])]

    def take(self, client, reply):
        n = self.sent.pop(reply["id"], None)
        if n is None:
            return
        name = self.name_of(n)
        if reply["ok"]:
            self.ledger.ack(name, reply["rev"])
            self.duplicates += bool(reply.get("duplicate"))
            self.acknowledged += 1
        elif reply["error"]["code"] in FINAL:
            if reply["error"]["code"] != "not_found":
                raise AssertionError(f"{name}: {reply}")
            self.ledger.refuse(name)
        else:  # unavailable, timeout, overloaded, read_only: not decided
            self.send_again(client, [n])
            return
        del self.undecided[n]
