# Joining and staying joined (PROTOCOL section 6): hello, subscriptions, barrier, snapshot, catching up, live, and again
# after anything that may have cost a frame. One thread calls step(); `events` says what happened, for the tests.
# It does not `ack`: markers, heartbeats and barriers are what its completeness rests on here.
import random
import time

from prismbus_client import Client, Refused
from prismbus_replica import Replica
from prismbus_stream import Lane
from waiting import NeverCame

BARRIER_FIRST_SECONDS, BARRIER_MOST_SECONDS = 0.25, 5.0
GAP_HOLD_SECONDS = 0.08
BUFFER_FRAMES = 100_000


class Follower:
    def __init__(self, endpoint, ns=(), under=(), context=None, page=None):
        self.endpoint, self.context = endpoint, context
        self.ns, self.under = list(ns), list(under)
        self.page = {} if page is None else page  # extra fields of every `changes`, e.g. a small limit
        self.client, self.lanes, self.replica = None, {}, None
        self.since_rev = {}  # under -> the revision its last complete answer was of
        self.hello = None
        self.run = None
        self.events = []  # names of what happened: joined, snapshot, gap, hash, silent, barrier_again, other_run
        self.quiet_until = 0.0  # silence of the stream up to here is no reason to worry
        self.gap_since = {}

    def close(self):
        for lane in self.lanes.values():
            lane.close()
        if self.client is not None:
            self.client.close()
        self.lanes, self.client = {}, None

    # ---- joining

    def join(self, seconds=30):
        """From nothing, or from the state held, to live; raises NeverCame after `seconds`."""
        deadline = time.monotonic() + seconds
        self.close()
        self.client = Client(self.endpoint, self.context)
        self.hello = self.client.hello(seconds=seconds, follow={"ns": self.ns, "under": self.under},
                                       client={"name": "tests", "version": "1", "labels": {}})
        self.run = self.hello["run"]
        buffer = []
        self.open_lane("changes")
        if self.replica is None or self.replica.epoch != self.hello["epoch"]:
            self.load_snapshot()
        self.await_barriers(buffer, deadline)
        self.catch_up()
        for name, sets in buffer:
            self.take_sets(name, sets)
        self.beat(self.hello["heartbeat_ms"])
        self.events.append("joined")

    def open_lane(self, lane_name):
        endpoints = self.hello[lane_name]
        lane = Lane(endpoints[0].replace("*", "127.0.0.1"), self.context)
        lane.follow(self.ns, self.under)
        lane.ask_barrier()
        lane.joined = False
        self.lanes[lane_name] = lane

    def load_snapshot(self):
        """Into a new state that replaces the old one whole."""
        fresh = Replica(self.ns, self.under)
        fresh.epoch = self.hello["epoch"]
        lanes = set()
        since_rev = {}
        for scope in [{"ns": name} for name in self.ns] + [{"under": name} for name in self.under]:
            first = None
            for chunk in self.client.pages("snapshot", epoch=fresh.epoch, **scope):
                first = chunk["rev"] if first is None else first
                fresh.add_chunk(chunk)
                lanes |= {head["lane"] for head in chunk["heads"].values()}
            if "under" in scope:
                since_rev[scope["under"]] = first
        self.replica, self.since_rev = fresh, since_rev
        for lane_name in lanes - set(self.lanes):
            self.open_lane(lane_name)
        self.events.append("snapshot")

    def await_barriers(self, buffer, deadline):
        """Keeps what arrives; asks anew, with doubling and jitter, until every lane answered."""
        patience = BARRIER_FIRST_SECONDS
        while True:
            waiting = [lane for lane in self.lanes.values() if not lane.joined]
            if not waiting:
                return
            ask_again = time.monotonic() + patience
            while time.monotonic() < ask_again and not all(lane.joined for lane in waiting):
                for lane in self.lanes.values():
                    self.buffer_frame(lane, buffer)
            for lane in waiting:
                if not lane.joined:
                    lane.ask_barrier()
            patience = min(BARRIER_MOST_SECONDS, patience * 2) * random.uniform(0.8, 1.2)
            if time.monotonic() > deadline:
                raise NeverCame("no barrier came back")

    def buffer_frame(self, lane, buffer):
        frame = lane.receive(0.01)
        if frame is None:
            return
        kind, name, body = frame
        if lane.is_barrier(kind, name, body):
            lane.joined = True
        elif kind == "sets" and len(buffer) < BUFFER_FRAMES:
            buffer.append((name, body))

    # ---- catching up

    def catch_up(self):
        """`changes` since what is known; a namespace whose history is gone there is read whole again."""
        while True:
            try:
                known = {name: self.replica.at(name).seq for name in self.ns}
                if known:
                    self.take_pages(self.client.pages("changes", since=known, epoch=self.replica.epoch, **self.page))
                for under in self.under:
                    self.catch_up_under(under)
                return
            except Refused as refused:
                if refused.code not in ("compacted", "other_history"):
                    raise
                self.hello = self.client.hello()
                self.load_snapshot()

    def catch_up_under(self, under):
        pages = self.client.pages("changes", under=under, since_rev=self.since_rev[under], epoch=self.replica.epoch,
                                  **self.page)
        last = self.take_pages(pages)
        self.since_rev[under] = last["rev"]  # of the page with `more: false`

    def take_pages(self, pages):
        for page in pages:
            for change_set in page["sets"]:
                self.replica.apply(change_set["ns"], change_set)
            last = page
        return last

    # ---- live

    def beat(self, next_ms):
        self.quiet_until = time.monotonic() + 3 * next_ms / 1000 * random.uniform(1.0, 1.5)

    def step(self, seconds=0.05):
        """Takes at most one frame of each lane; joins again when something may have been lost."""
        for lane in list(self.lanes.values()):
            frame = lane.receive(seconds)
            if frame is not None and not self.take_frame(lane, *frame):
                return
        overdue = [name for name, since in self.gap_since.items() if time.monotonic() > since + GAP_HOLD_SECONDS]
        if overdue:
            self.gap_since.clear()
            self.catch_up()
        if time.monotonic() > self.quiet_until:
            self.events.append("silent")
            self.join()

    def take_frame(self, lane, kind, name, body):
        """False when it joined again meanwhile."""
        if kind == "sets":
            return self.take_sets(name, body)
        if kind == "heartbeat":
            self.beat(body["next_ms"])
            if body["run"] != self.run:
                return self.join_again("other_run")
        elif lane.is_barrier(kind, name, body):
            return self.join_again("barrier_again")
        return True

    def take_sets(self, name, sets):
        if not self.replica.covers(name):
            raise AssertionError(f"a frame of {name} reached a follower of {self.ns} and {self.under}")
        for change_set in sets:
            verdict = self.replica.apply(name, change_set)
            if verdict == "gap":
                if name not in self.gap_since:
                    self.events.append("gap")
                    self.gap_since[name] = time.monotonic()
            elif verdict == "hash":
                self.events.append("hash")
                self.load_snapshot()
                self.catch_up()
            elif verdict == "epoch":
                return self.join_again("other_epoch")
        return True

    def join_again(self, why):
        self.events.append(why)
        self.join()
        return False

    def run_until(self, condition, seconds=30, what="the follower's condition"):
        deadline = time.monotonic() + seconds
        while not condition(self):
            if time.monotonic() > deadline:
                raise NeverCame(f"{what} did not come within {seconds} s; events {self.events}")
            self.step()

    def reached(self, heads):
        """Has it applied up to these heads?"""
        return all(self.replica.at(name).seq >= head["seq"] for name, head in heads.items())


def heads_of(client, under=""):
    """{ns: head} at the broker now, from `namespaces`."""
    return {row["ns"]: row for row in client.namespaces(under=under)}
