# What hostile peers do, each in a process of its own until it is told to stop: functions for multiprocessing's spawn.
# A process may be confined to a quarter of a core, so that what the witness feels is the broker's work and not the
# attacker's.
import contextlib
import multiprocessing
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import zmtp
from curve_peer import CurvePeer, GREETING as CURVE_GREETING
from prismbus_wire import encode
from waiting import eventually

CGROUPS = "/sys/fs/cgroup/cpu"  # version 1; version 2 has its files one level higher
SOURCE = "127.0.0.2"  # attackers come from an address of their own
HELLO = encode({"op": "hello", "id": 3})


class Target:
    """A broker as an attacker sees it; `server_key` when it speaks CURVE."""

    def __init__(self, requests, changes, server_key=None):
        self.requests, self.changes, self.server_key = requests, changes, server_key

    def peer(self, kind=b"DEALER", shaken=True, seconds=2, **options):
        """A connection to the socket of that kind; None when the broker does not take it."""
        endpoint = self.changes if kind == b"SUB" else self.requests
        try:
            if self.server_key is None:
                peer = zmtp.Peer(endpoint, seconds, source=SOURCE, **options)
            else:
                peer = CurvePeer(endpoint, self.server_key, seconds, source=SOURCE, **options)
        except OSError:
            return None
        if shaken and not peer.shake_hands(kind):
            peer.reset()
            return None
        return peer


class Tally:
    """What an attacker did so far, for the test to read."""

    def __init__(self, context):
        self.done, self.bytes, self.frames = (context.Value("Q", 0, lock=False) for _ in range(3))
        self.shortest_ms, self.longest_ms = (context.Value("Q", 0, lock=False) for _ in range(2))  # that a connection lived


def endless_message(target, tally, stop, kind, size):
    """Frames of `size` bytes with MORE, for ever; once cut, again."""
    def some_frames(peer):
        return b"".join(peer.frame(b"x" * size, zmtp.MORE) for _ in range(max(1, (64 << 10) // (size + 2))))

    while not stop.is_set():
        peer = target.peer(kind, seconds=0.5)
        if peer is None:
            continue
        piece = some_frames(peer)
        while not stop.is_set() and peer.send(piece):
            tally.bytes.value += len(piece)
            if target.server_key is not None:  # a nonce is good once
                piece = some_frames(peer)
        tally.done.value += 1
        peer.reset()


def malformed(target, tally, stop, kind, seed):
    """Handshakes and frames with bytes changed, cut off, doubled; whole frames of noise; each on a new connection."""
    rng = random.Random(seed)
    greeting = zmtp.GREETING if target.server_key is None else CURVE_GREETING
    good = greeting + zmtp.ready(kind) + zmtp.frame(b"", zmtp.MORE) + zmtp.frame(HELLO)
    while not stop.is_set():
        peer = target.peer(kind, shaken=False)
        if peer is None:
            continue
        if rng.random() < 0.5:
            sent = bytearray(good)
            for _ in range(rng.randint(1, 6)):
                sent[rng.randrange(len(sent))] = rng.randrange(256)
            sent = bytes(sent[:rng.randint(1, len(sent))]) * rng.randint(1, 2)
            frames = 1
        else:
            frames = rng.randint(1, 200)
            sent = b"".join(zmtp.frame(rng.randbytes(rng.choice((0, 1, 3, 40, 300))), rng.choice((0, 0, 1, 4, 7, 64)))
                            for _ in range(frames))
            sent = (good if rng.random() < 0.5 else greeting + zmtp.ready(kind)) + sent
        peer.send(sent)
        tally.done.value += 1  # connections: most are cut at the first frame that is wrong
        tally.frames.value += frames
        peer.reset()


def noise_requests(target, tally, stop, kind, seed):
    """Well framed messages whose payload is noise, or nearly a request: answered or dropped, the connection lives."""
    rng = random.Random(seed)
    while not stop.is_set():
        peer = target.peer(kind)
        if peer is None:
            continue
        batch_size = 200 if target.server_key is None else 20  # each is sealed
        for _ in range(50):
            payload = bytearray(HELLO if rng.random() < 0.5 else rng.randbytes(rng.randint(1, 60)))
            payload[rng.randrange(len(payload))] = rng.randrange(256)
            batch = (peer.frame(b"", zmtp.MORE) + peer.frame(bytes(payload)) for _ in range(batch_size))
            if stop.is_set() or not peer.send(b"".join(batch)):
                break
            tally.done.value += batch_size
            peer.socket.setblocking(False)
            while peer.receive():
                pass
            peer.socket.settimeout(2)
        peer.reset()


def subscriptions(target, tally, stop, kind, seed):
    """As many topics as are taken, each another one, and unsubscriptions of what nobody asked for."""
    n = 0
    while not stop.is_set():
        peer = target.peer(b"SUB")
        if peer is None:
            continue
        sending = True
        while sending and not stop.is_set():
            sending = peer.send(b"".join(peer.frame(b"\x01ns%d.%d/" % (seed, n + i)) for i in range(1000)) +
                                peer.frame(b"\x00never%d/" % n))
            n += 1000
            tally.done.value += 1000
        peer.reset()


def spinning(target, tally, stop, kind, argument):
    """Nobody's attacker: takes its share of the machine and leaves the broker alone."""
    del target, kind, argument
    while not stop.is_set():
        tally.done.value += 1


def pings(target, tally, stop, kind, seed):
    """PINGs as fast as they go, and no PONG is read."""
    del seed
    while not stop.is_set():
        peer = target.peer(kind, seconds=0.3, receive_buffer=4096)
        if peer is None:
            continue
        flood = zmtp.ping(b"0123456789abcdef") * 2000
        while not stop.is_set() and peer.send(flood):
            tally.done.value += 2000
        peer.reset()


def stalled_handshakes(target, tally, stop, kind, seed):
    """A crowd that stops somewhere in its handshake and stays as long as it may."""
    rng = random.Random(seed)
    crowd = []
    while not stop.is_set():
        peer = target.peer(kind, shaken=False)
        if peer is not None:
            if target.server_key is not None and rng.random() < 0.5:
                peer.say_hello()
            else:
                peer.send(zmtp.GREETING[:rng.randint(0, 64)])
            crowd.append(peer)
            tally.done.value += 1
        if peer is None or len(crowd) > 400:
            crowd.pop(0).reset()
    for peer in crowd:
        peer.reset()


def forged_ids(target, tally, stop, kind, seed):
    """Routing ids that are taken, that libzmq would give out next, that are as long as may be."""
    rng = random.Random(seed)
    while not stop.is_set():
        peer = target.peer(shaken=False)
        if peer is None:
            continue
        identity = rng.choice((b"same", b"\0" + (1804289383 + rng.randint(-5, 60)).to_bytes(4, "big"), b"x" * 255,
                               b"\0" * rng.randint(1, 5)))
        if peer.shake_hands(kind, identity):
            peer.send(peer.frame(b"", zmtp.MORE) + peer.frame(HELLO))
        tally.done.value += 1
        peer.reset()


def rushing_requests(target, tally, stop, kind, seed):
    """Requests without waiting for answers, far beyond any rate; replies are read."""
    del seed
    while not stop.is_set():
        peer = target.peer(kind, seconds=0.2)
        if peer is None:
            continue
        batch = (peer.frame(b"", zmtp.MORE) + peer.frame(HELLO)) * 200
        while not stop.is_set() and peer.send(batch):
            tally.done.value += 200
            if not peer.receive(1 << 20):
                break
        peer.reset()


@contextlib.contextmanager
def quarter_core(pid):
    """Gives how that process is held back: by the kernel when its control groups may be written, else by nothing."""
    group = os.path.join(CGROUPS, f"prismbus-attack-{pid}")
    try:
        os.mkdir(group)
        for name, value in (("cpu.cfs_period_us", 20_000), ("cpu.cfs_quota_us", 5_000), ("cgroup.procs", pid)):
            with open(os.path.join(group, name), "w", encoding="ascii") as file:
                file.write(str(value))
        how = "a quarter core by its control group"
    except OSError:
        with contextlib.suppress(OSError):
            os.rmdir(group)
        group, how = None, "not confined: control groups cannot be written"
    try:
        yield how
    finally:
        if group is not None:
            eventually(lambda: not os.path.exists(f"/proc/{pid}"), what="the end of the attacker")
            os.rmdir(group)


@contextlib.contextmanager
def attack(target, what, kind, argument, confined=True):
    """Runs it beside the test; gives its tally and how it is confined."""
    spawn = multiprocessing.get_context("spawn")
    tally, stop = Tally(spawn), spawn.Event()
    process = spawn.Process(target=what, args=(target, tally, stop, kind, argument), daemon=True)
    process.start()
    with quarter_core(process.pid) if confined else contextlib.nullcontext("not confined") as how:
        try:
            yield tally, how
        finally:
            stop.set()
            process.join(20)
            if process.is_alive():
                process.kill()
                process.join()
