# The request side of an independent client: one DEALER, many requests in flight, replies matched by id.
# Written from proto/PROTOCOL.md; used by one thread. It retries nothing by itself: tests want to see every answer.
import itertools
import random
import time

import zmq

from prismbus_wire import Pairs, decode, encode
from waiting import DEFAULT_SECONDS, NeverCame, remaining_ms

TRANSPORT_BYTES = 9 << 20


class Refused(Exception):
    """The broker answered `ok: false`; `code` and `error` are its."""

    def __init__(self, reply):
        super().__init__(f"{reply['error'].get('code')}: {reply['error']}")
        self.reply = reply
        self.error = reply["error"]
        self.code = reply["error"]["code"]


def tune(socket):
    """The options every client needs (PROTOCOL section 1); never a heartbeat of ZeroMQ, never a routing id."""
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, 0)
    socket.setsockopt(zmq.RCVHWM, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, TRANSPORT_BYTES)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    return socket


class Client:
    def __init__(self, endpoint, context=None):
        self.socket = self.tuned((context or zmq.Context.instance()).socket(zmq.DEALER))
        self.socket.connect(endpoint)
        self.endpoint = endpoint
        self.answered = {}  # replies that came while another one was waited for
        self.ids = itertools.count(random.getrandbits(40))

    def tuned(self, socket):
        """The socket before it connects."""
        return tune(socket)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- plain requests and replies

    def send_frames(self, *frames):
        self.socket.send_multipart(frames)

    def send_payload(self, payload):
        self.send_frames(b"", payload)

    def send(self, op, /, **fields):
        """Sends one request and gives its id; `id` may be chosen by the caller."""
        request_id = fields.pop("id", None)
        if request_id is None:
            request_id = next(self.ids)
        self.send_payload(encode(Pairs(("op", op), ("id", request_id), *fields.items())))
        return request_id

    def receive(self, seconds=DEFAULT_SECONDS):
        """The next reply of any id, as a map; None when there is none in time."""
        frames = self.receive_frames(seconds)
        if frames is None:
            return None
        assert len(frames) == 2 and frames[0] == b"", f"a reply is [empty][payload], got {frames!r}"
        return decode(frames[1])

    def receive_frames(self, seconds=DEFAULT_SECONDS):
        if not self.socket.poll(int(seconds * 1000)):
            return None
        return self.socket.recv_multipart()

    def wait(self, request_id, seconds=DEFAULT_SECONDS):
        """The reply to that request, failed ones too."""
        deadline = time.monotonic() + seconds
        while request_id not in self.answered:
            reply = self.receive(remaining_ms(deadline) / 1000)
            if reply is None:
                raise NeverCame(f"no answer to request {request_id} within {seconds} s")
            self.answered[reply["id"]] = reply
        return self.answered.pop(request_id)

    def ask(self, op, /, seconds=DEFAULT_SECONDS, **fields):
        """One request, its reply, failed or not."""
        return self.wait(self.send(op, **fields), seconds)

    def call(self, op, /, seconds=DEFAULT_SECONDS, **fields):
        """One request, its reply; raises Refused when it failed."""
        reply = self.ask(op, seconds, **fields)
        if not reply["ok"]:
            raise Refused(reply)
        return reply

    def call_all(self, op, requests, seconds=60, window=256):
        """Many requests of one op with at most `window` in flight; replies in the order of `requests`."""
        deadline = time.monotonic() + seconds
        replies, waiting = [], []
        for fields in requests:
            waiting.append(self.send(op, **fields))
            if len(waiting) >= window:
                replies.append(self.wait(waiting.pop(0), deadline - time.monotonic()))
        replies += [self.wait(request_id, deadline - time.monotonic()) for request_id in waiting]
        return replies

    # ---- operations by name

    def hello(self, **fields):
        return self.call("hello", **fields)

    def get(self, ns, key, **fields):
        return self.call("get", ns=ns, key=key, **fields)["entry"]

    def put(self, ns, key, value, **fields):
        return self.call("put", ns=ns, key=key, value=value, **fields)

    def delete(self, ns, key, **fields):
        return self.call("delete", ns=ns, key=key, **fields)

    def txn(self, do, conditions=None, **fields):
        if conditions is not None:
            fields["if"] = conditions
        return self.call("txn", do=do, **fields)

    def pages(self, op, /, **fields):
        """Every page of a paged op, the first without a cursor."""
        while True:
            page = self.call(op, **fields)
            yield page
            if not page["more"]:
                return
            fields["after"] = page["after"]

    def list(self, ns, **fields):
        return [entry for page in self.pages("list", ns=ns, **fields) for entry in page["entries"]]

    def namespaces(self, **fields):
        return [row for page in self.pages("namespaces", **fields) for row in page["namespaces"]]

    def changes(self, **fields):
        """All sets and the last head of each namespace named."""
        sets, heads = [], {}
        for page in self.pages("changes", **fields):
            sets += page["sets"]
            heads.update(page["heads"])
        return sets, heads


def revision_now(client):
    """The applied revision: any reply carries it."""
    return client.ask("namespaces", under="none.such")["rev"]
