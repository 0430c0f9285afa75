# Rights that end, on connections that live on (A3, I10): a revocation ends what is answered and what is pushed within a
# second, an expiry the answers at that moment and the push within two periods; a program that follows is told, and a
# neighbour notices nothing. Seen by a raw client and a raw subscriber, and by the C++ library through `prismbus watch`.
#   PRISMBUS_FULL=1   also waits for the second period behind an expiry (up to two minutes)
import hashlib
import itertools
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from command_process import Watch, run_command
from prismbus_seal import period_of
from prismbus_wire import decode
from secured import open_frame
from secured_case import KEY, Secured
from waiting import eventually, remaining_ms

SLACK = float(os.environ.get("PRISMBUS_TIME_SLACK", "1"))  # sanitizers are slower
SECOND = SLACK * 1.0
ROUND_TRIP = SLACK * 0.2  # on a machine with other things to do
FULL = os.environ.get("PRISMBUS_FULL") == "1"
LEEWAY = 60  # seconds a token counts beyond its `exp`
ROWS = 3000  # of the namespace whose snapshot is read in pages
PAGE_BYTES = 4096
QUEUED = 1000  # reads of one connection, below what a broker lets it queue


class Asking(threading.Thread):
    """One connection that asks the same again and again; when each was asked, when answered, and whether it was granted."""

    def __init__(self, client, op, pages=False, refusals=10**9, **fields):
        super().__init__(daemon=True)
        self.client, self.op, self.fields, self.pages, self.refusals = client, op, fields, pages, refusals
        self.rows, self.codes, self.told, self.over = [], set(), [], threading.Event()
        self.start()

    def run(self):
        after = {}
        while not self.over.is_set() and self.refusals > 0:
            asked = time.time()
            reply = self.client.ask(self.op, **self.fields, **after)
            self.rows.append((asked, time.time(), reply["ok"]))
            if not reply["ok"]:
                self.codes.add(reply["error"]["code"])
                self.refusals -= 1
            elif self.op == "keys":
                self.told += reply["keys"]
            # The page after a refusal goes on where the last one ended, as a client would that hopes.
            if self.pages and reply["ok"]:
                after = {"after": reply["after"]} if reply["more"] else {}

    def refused(self):
        return not self.rows[-1][2] if self.rows else False

    def end(self):
        self.over.set()
        self.join()
        return self

    @property
    def last_granted(self):
        return max((answered for _, answered, ok in self.rows if ok), default=0)

    @property
    def last_asked_and_granted(self):
        return max((asked for asked, _, ok in self.rows if ok), default=0)

    @property
    def first_refused(self):
        return min((answered for _, answered, ok in self.rows if not ok), default=float("inf"))


class Follower(Watch):
    """A program of the library; keeps what it was told of its state, and when."""

    def __init__(self, *args, **options):
        self.states = []
        super().__init__(*args, **options)

    def take(self, line):
        if line["type"] == "state":
            self.states.append((time.time(), line))
        super().take(line)

    def remove(self):
        """With TERM: what it prints ends with a whole line."""
        if self.process.poll() is None:
            self.stop()

    def await_stale(self, what, seconds=30 * SLACK):
        eventually(lambda: self.states, seconds, f"{what} told to the program")
        moment, line = self.states[0]
        assert line["state"] == "stale", line
        return moment, line["why"]


class RightsEnd(Secured):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for first in range(0, ROWS, 1000):
            cls.admin.txn([{"op": "put", "ns": "big", "key": f"{n:05}", "value": n} for n in range(first, first + 1000)])
        cls.figures = {}
        cls.numbers = itertools.count()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for name, seconds in cls.figures.items():
            print(f"{name:<58} {seconds * 1000:8.1f} ms")

    def setUp(self):
        self.mark = os.urandom(8).hex()

    def measured(self, name, seconds, at_most=SECOND):
        self.figures[f"{self.id().rsplit('.', 1)[1][5:40]}: {name}"] = seconds
        self.assertLessEqual(seconds, at_most, name)

    def token(self, sub, read=("c", "big"), **claims):
        """Issued a while ago, as every real one is; the mark makes it another one in each test."""
        return self.security.token(sub, list(read), iat=int(time.time()) - 5, jti=self.mark, **claims)

    def asking(self, shown, op, **fields):
        client = self.client_of(shown)
        self.addCleanup(client.close)
        asking = Asking(client, op, **fields)
        self.addCleanup(asking.end)
        eventually(lambda: asking.rows, what="the first answer")
        self.assertEqual(asking.codes, set())
        return asking

    def follower(self, token, *args):
        path = self.security.write(f"{os.urandom(4).hex()}.token", token + "\n")
        watch = Follower(self.broker.requests, *args, env={"PRISMBUS_SERVER_KEY": self.security.public,
                                                           "PRISMBUS_TOKEN_FILE": path})
        self.addCleanup(watch.remove)
        watch.await_subscribed()
        return watch

    def revoke(self, token):
        """When it was asked for; it is answered when it is in force."""
        began = time.time()
        self.admin.put("_system.revoked", f"token/{hashlib.sha256(token.encode()).hexdigest()}", {"reason": "left"})
        return began

    def write_until(self, over, socket=None, pace_ms=5 * SLACK):
        """Puts one value after another until over(); the frames that came meanwhile, each with its time. The last value."""
        frames, value = [], None
        while not over():
            value = next(self.numbers)
            self.admin.put("c", KEY, value)
            deadline = time.monotonic() + pace_ms / 1000
            while socket is not None and socket.poll(remaining_ms(deadline)):
                frames.append((time.time(), socket.recv()))
        return frames, value

    def over_at(self, moment):
        return lambda: time.time() >= moment

    # ---- revocation

    def test_a_revocation_ends_answers_within_a_second_and_no_neighbours(self):
        token, beside = self.token("leaver"), self.token("neighbour")
        kept = [self.asking(beside, "get", ns="c", key=KEY),
                self.asking(beside, "snapshot", ns="big", pages=True, max_bytes=PAGE_BYTES)]
        lost = {"get": self.asking(token, "get", ns="c", key=KEY),
                "page of a snapshot": self.asking(token, "snapshot", ns="big", pages=True, max_bytes=PAGE_BYTES),
                "changes": self.asking(token, "changes", since={"big": 0}, limit=10),
                "keys": self.asking(token, "keys"),
                "hello": self.asking(token, "hello", token=token, refusals=10)}  # more, and it is cut
        eventually(lambda: len(lost["page of a snapshot"].rows) > 3, what="pages")
        began = self.revoke(token)
        eventually(lambda: all(asking.refused() for asking in lost.values()), 30 * SLACK, "an end")
        goes_on = len(kept[0].rows)
        eventually(lambda: len(kept[0].rows) > goes_on + 50, what="the neighbour's answers")
        for name, asking in lost.items():
            asking.end()
            self.assertEqual(asking.codes, {"unauthenticated"}, name)
            self.assertLess(asking.last_granted, asking.first_refused, f"{name}: no answer after a refusal")
            self.measured(name, max(asking.last_granted - began, 0))
        for asking in kept:
            self.assertEqual(asking.end().codes, set())

    def test_a_snapshot_is_not_read_to_its_end_across_the_revocation(self):
        client = self.client_of(self.token("reader"))
        self.addCleanup(client.close)
        page = client.call("snapshot", ns="big", max_bytes=PAGE_BYTES)
        self.assertTrue(page["more"])
        self.revoke(client.token)
        for _ in range(3):
            error = self.refused(client, "unauthenticated", "snapshot", ns="big", max_bytes=PAGE_BYTES, after=page["after"])
            self.assertEqual(set(error), {"code", "message", "reason"})
            self.assertEqual(error["reason"], "revoked")
        with self.client_of(self.token("other")) as other:  # nor by somebody's else connection with the revoked token
            self.refused(other, "unauthenticated", "snapshot", ns="big", after=page["after"], token=client.token)
            rest = [entry for part in other.pages("snapshot", ns="big", max_bytes=PAGE_BYTES, after=page["after"])
                    for entry in part["entries"]]
            self.assertEqual(len(rest) + len(page["entries"]), ROWS)

    def waiting_refused(self, *requests):
        """Requests that are answered at the second revision from here, of which the first is the revocation."""
        client, silent = self.client_of(self.token("waiter")), self.client_of(self.token("silent"))
        self.addCleanup(client.close)
        self.addCleanup(silent.close)
        silent.hello(token=silent.token, follow={"ns": ["c"]})
        self.admin.put("c", KEY, next(self.numbers))
        head = self.admin.call("changes", since={"c": 0})["heads"]["c"]
        waiting = {name: client.send(op, **fields(head["rev"] + 2, head["seq"] + 1)) for name, op, fields in requests}
        self.assertTrue(client.ask("get", ns="c", key=KEY)["ok"])
        self.assertIsNone(client.receive(0), "the others wait")
        self.assertEqual([name for name, number in waiting.items() if number in client.answered], [])
        self.revoke(client.token)
        self.admin.put("c", KEY, next(self.numbers))
        for name, number in waiting.items():
            with self.subTest(name):
                reply = client.wait(number)
                self.assertFalse(reply["ok"], repr(reply)[:1000])
                self.assertIn(reply["error"]["code"], ("unauthenticated", "permission_denied"))

    def test_reads_that_waited_for_a_revision_are_judged_at_it(self):
        self.waiting_refused(("get", "get", lambda rev, _: {"ns": "c", "key": KEY, "min_rev": rev}),
                             ("get at", "get", lambda rev, _: {"ns": "c", "key": KEY, "at": rev}),
                             ("mget", "mget", lambda rev, _: {"ns": "c", "keys": [KEY], "min_rev": rev}),
                             ("list", "list", lambda rev, _: {"ns": "c", "min_rev": rev}),
                             ("changes", "changes", lambda rev, _: {"under": "c", "since_rev": rev}))

    def test_a_wait_for_followers_is_judged_when_it_is_answered(self):
        patience = int(500 * SLACK)
        self.waiting_refused(("wait_applied", "wait_applied",
                              lambda _, seq: {"ns": "c", "seq": seq, "timeout_ms": patience}))

    def test_reads_that_waited_for_their_turn_are_judged_when_they_get_it(self):
        socket, client = self.subscriber("c"), self.client_of(self.token("queue"))
        self.addCleanup(client.close)
        # A queue of reads that each cost more than they answer, and `keys` behind them; the revocation is not in it.
        for _ in range(QUEUED):
            client.send("list", ns="big", glob="*none")
        asked = {client.send("keys") for _ in range(5)}
        began = self.revoke(client.token)
        revoked = self.admin.call("status")["applied"]
        self.admin.put("c", KEY, next(self.numbers))
        replies = [client.receive(60) for _ in range(QUEUED + len(asked))]
        took = time.time() - began
        later = [reply for reply in replies if reply["rev"] >= revoked]
        self.assertTrue(later, "the revocation overtook part of the queue")
        granted = [reply for reply in later if reply["ok"]]
        keys = [row for reply in replies if reply["id"] in asked and reply["ok"] for row in reply["keys"]]
        frames, _ = self.write_until(self.over_at(time.time() + 0.1), socket)  # all of them sealed behind the revocation
        with self.subTest("the stream is closed to keys that were told behind it"):
            opened = [frame for _, frame in frames if open_frame(frame, distinct(keys)) is not None]
            self.assertEqual(f"{len(opened)} of {len(frames)} open", f"0 of {len(frames)} open")
        with self.subTest("no answer of a later revision"):
            self.assertEqual(f"{len(granted)} of {len(later)} granted, {took:.1f} s after it",
                             f"0 of {len(later)} granted, {took:.1f} s after it")

    def test_a_revocation_closes_the_stream_within_a_second_to_every_key_ever_told(self):
        token, beside = self.token("listener"), self.token("neighbour")
        socket = self.subscriber("c")
        lost, kept = self.asking(token, "keys"), self.asking(beside, "keys")
        before, _ = self.write_until(self.over_at(time.time() + 0.2), socket)
        began = self.revoke(token)
        after, _ = self.write_until(self.over_at(began + SECOND + ROUND_TRIP), socket)
        lost.end(), kept.end()
        keys, others = distinct(lost.told), distinct(kept.told)
        self.assertTrue(all(open_frame(frame, keys) is not None for _, frame in before), "open before the revocation")
        opened = [at for at, frame in after if open_frame(frame, keys) is not None]
        self.measured("last frame that opens", max(max(opened, default=began) - began, 0))
        late = [frame for at, frame in after if at > began + SECOND]
        self.assertGreater(len(late), 10)
        plain = [open_frame(frame, others) for frame in late]
        self.assertTrue(all(body is not None for body in plain), "the neighbour opens each")
        self.assertEqual(kept.codes, set())

    def test_a_program_that_follows_a_busy_namespace_is_told_within_a_second(self):
        admin = self.security.write("revoker.token", self.security.token("revoker", admin=["**"]) + "\n")
        token = self.token("program")
        watch, neighbour = self.follower(token, "c"), self.follower(self.token("neighbour"), "c")
        path = self.security.write("lost.token", token + "\n")
        writing = threading.Event()
        writer = threading.Thread(target=lambda: self.write_until(writing.is_set), daemon=True)
        writer.start()
        self.addCleanup(writer.join)
        self.addCleanup(writing.set)
        code, out, err = run_command(self.broker.requests, "token", "revoke", path, "--reason", "left",
                                     env={"PRISMBUS_SERVER_KEY": self.security.public, "PRISMBUS_TOKEN_FILE": admin})
        done = time.time()
        self.assertEqual(code, 0, out + err)
        told, why = watch.await_stale("the revocation")
        self.assertIn("revoked", why)
        shown = watch.values["c", KEY]
        self.measured("the program is told, after `token revoke`", max(told - done, 0), SECOND + ROUND_TRIP)
        before = neighbour.seq["c"]
        eventually(lambda: neighbour.seq["c"] > before + 20, what="the neighbour's changes")
        self.assertEqual(watch.values["c", KEY], shown, "nothing is shown after that")
        self.assertEqual(neighbour.states, [])

    # A right that nobody uses ends unnoticed for a while: nothing is pushed that could not be opened.
    def test_programs_that_follow_a_quiet_namespace_are_told_within_a_second(self):
        token = self.token("quiet")
        watches = [self.follower(token, "big") for _ in range(3)]

        def idle():
            rows = [row for row in self.admin.call("subscribers", ns="big")["subscribers"] if row["principal"] == "quiet"]
            since = [time.time() - row["last_seen"] / 1e6 for row in rows if row["state"] == "live"]
            return len(since) == 3 and min(since) > 0.3
        eventually(idle, 60, "three followers with nothing to say", every=0.05)
        began = self.revoke(token)
        told = [watch.await_stale("the revocation") for watch in watches]
        self.assertTrue(all("revoked" in why for _, why in told), told)
        self.measured("the slowest of three programs is told", max(at for at, _ in told) - began, SECOND + ROUND_TRIP)

    # ---- expiry

    def test_an_expiry_ends_answers_at_its_moment_and_tells_no_key_behind_the_second_period(self):
        end = int(time.time() + 2 + SLACK)
        token, beside = self.token("ending", exp=end - LEEWAY), self.token("neighbour")
        asking = {"get": self.asking(token, "get", ns="c", key=KEY), "keys": self.asking(token, "keys"),
                  "page of a snapshot": self.asking(token, "snapshot", ns="big", pages=True, max_bytes=PAGE_BYTES)}
        kept = self.asking(beside, "keys")
        watch, neighbour = self.follower(token, "c"), self.follower(beside, "c")
        eventually(lambda: all(a.refused() for a in asking.values()), 10 + 10 * SLACK, "the end")
        told, why = watch.await_stale("the expiry")
        self.assertIn("expired", why)
        self.measured("the program is told, after the expiry", max(told - end, 0), 2 * SECOND)
        for name, one in asking.items():
            one.end()
            self.assertEqual(one.codes, {"unauthenticated"}, name)
            self.assertGreaterEqual(one.first_refused, end, f"{name}: not before")
            self.measured(f"{name}: last asked and granted", max(one.last_asked_and_granted - end, 0), 0.05 * SLACK)
        keys, socket = distinct(asking["keys"].told), self.subscriber("c")
        ends_in = max(row["period"] for row in keys)
        frames, _ = self.write_until(self.over_at(time.time() + 0.3), socket)
        self.assertLessEqual(ends_in, minute_of(end, period_of(frames[-1][1][2:])) + 1, "the period of the end and one more")
        if FULL:
            last = self.push_ends(socket, keys, ends_in, kept)
            self.assertLessEqual(watch.values["c", KEY], last, "nothing is shown that no key of it opens")
        before = neighbour.seq["c"]
        self.write_until(lambda: neighbour.seq["c"] > before)
        self.assertEqual((neighbour.states, kept.end().codes), ([], set()))

    def push_ends(self, socket, keys, last, kept):
        """Waits for the period behind the last told one: nothing of it opens, whatever was kept. The last value that did."""
        began, last_opened, value, closed = time.time(), time.time(), -1, 0
        deadline = time.monotonic() + 150
        while closed < 5 and time.monotonic() < deadline:
            frames, _ = self.write_until(self.over_at(time.time() + 0.02), socket, pace_ms=200)
            others = distinct(kept.told)
            for at, frame in frames:
                plain = open_frame(frame, keys)
                self.assertEqual(plain is not None, period_of(frame[2:]) <= last)
                self.assertIsNotNone(open_frame(frame, others), "the neighbour opens each")
                if plain is None:
                    closed += 1
                else:
                    last_opened, value = at, max([value, *values_of(plain)])
        self.assertEqual(closed, 5)
        self.measured("push opens for so long behind it", last_opened - began, 120)
        return value


def distinct(rows):
    return list({(row["ns"], row["kind"], row["period"]): row for row in rows}.values())


def values_of(plain):
    return [change["value"] for row in decode(plain) for change in row.get("changes", ())]


def minute_of(moment, period):
    """The period of a moment, in the generation of `period`."""
    return period >> 40 << 40 | int(moment) // 60


if __name__ == "__main__":
    unittest.main(verbosity=2)
