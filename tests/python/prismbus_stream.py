# The stream side of an independent client: one SUB on one lane of the broker, topics, barriers, frames.
# Written from proto/PROTOCOL.md section 5; used by one thread.
import os

import zmq

from prismbus_client import tune
from prismbus_wire import BARRIER_PREFIX, EVERYTHING, HEARTBEAT_TOPIC, NONCE_BYTES, split_frame


def topics(ns=(), under=()):
    """The subscriptions that follow exact namespaces and whole subtrees ("" = everything but `_*`)."""
    wanted = [name.encode() + b"/" for name in ns]
    for name in under:
        wanted += EVERYTHING if name == "" else [name.encode() + b"/", name.encode() + b"."]
    return wanted


class Lane:
    def __init__(self, endpoint, context=None):
        self.socket = tune((context or zmq.Context.instance()).socket(zmq.SUB))
        self.socket.connect(endpoint)
        self.barrier_topic = None

    def close(self):
        self.socket.close()

    def follow(self, ns=(), under=()):
        self.socket.setsockopt(zmq.SUBSCRIBE, HEARTBEAT_TOPIC)
        for topic in topics(ns, under):
            self.socket.setsockopt(zmq.SUBSCRIBE, topic)

    def ask_barrier(self):
        """A fresh nonce; the former one is left. The broker answers once every subscription before it is in force."""
        if self.barrier_topic is not None:
            self.socket.setsockopt(zmq.UNSUBSCRIBE, self.barrier_topic)
        self.barrier_topic = BARRIER_PREFIX + os.urandom(NONCE_BYTES)
        self.socket.setsockopt(zmq.SUBSCRIBE, self.barrier_topic)

    def receive_frame(self, seconds):
        """The next frame as it came; None when there is none in time."""
        if not self.socket.poll(int(seconds * 1000)):
            return None
        frames = self.socket.recv_multipart()
        assert len(frames) == 1, f"a stream message is one frame, got {len(frames)}"
        return frames[0]

    def receive(self, seconds):
        """(kind, name, body) of the next frame; None when there is none in time."""
        frame = self.receive_frame(seconds)
        return None if frame is None else split_frame(frame)

    def is_barrier(self, kind, name, body):
        """Is this the answer to the barrier asked last? Anything but exactly its map is not."""
        return (kind == "barrier" and name == self.barrier_topic and isinstance(body, dict)
                and set(body) == {"epoch", "run", "rev"})
