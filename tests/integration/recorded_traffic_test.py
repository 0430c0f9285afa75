# Whoever records the stream and learns keys elsewhere, or later: what a raw subscriber received from a broker with security on
# is tried with every key that somebody else was ever told, and with all that follows from those by the contract's formulas.
# None of it opens; the right keys open all of it, so that this can fail (I10).
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from prismbus_seal import keyed_hash, node, open_body, period_of
from secured import open_frame
from secured_case import CANARY, KEY, Secured

WRITES = 4
RECORDED = ("a.b", "a.b.c", "c")  # written to while the recorder listens


def topic_and_body(frame):
    end = frame.index(b"/") + 1
    return frame[:end], frame[end:]


def derived(row, ns):
    """All that could be a leaf of `ns` to who holds this key and knows the formulas, whatever the row says the key is for."""
    segments = ns.split(".")
    for skip in range(len(segments) + 1):
        for last in range(skip, len(segments) + 1):
            below = node(row["key"], segments[skip:last])
            yield below
            yield keyed_hash(below, b"\x00")


class Recorded(Secured):
    def record(self, socket, rounds=WRITES):
        """The sealed frames that so many writes to each recorded namespace bring, as (namespace, topic, body)."""
        wanted, frames = rounds * len(RECORDED), []
        for number in range(rounds):
            for ns in RECORDED:
                self.admin.put(ns, KEY, f"{CANARY}-{number}", note=CANARY)
        end = time.monotonic() + 20
        while len(frames) < wanted and time.monotonic() < end:
            if not socket.poll(1000):
                continue
            topic, body = topic_and_body(socket.recv())
            ns = topic[:-1].decode()
            if ns in RECORDED and period_of(body) is not None:
                frames.append((ns, topic, body))
        self.assertGreaterEqual(len(frames), wanted, "a frame for each write")
        return frames

    def keys_of(self, *args, **rights):
        """All that `keys` tells a principal, page by page."""
        return [row for page in self.client(*args, **rights).pages("keys") for row in page["keys"]]

    def opened(self, frames, rows):
        """How many bodies open with anything that follows from `rows`; their periods are not looked at."""
        count = 0
        for ns, topic, body in frames:
            candidates = {key for row in rows for key in derived(row, ns)}
            count += any(open_body(key, topic, body) is not None for key in candidates)
        return count

    def none_opens(self, frames, rows, who):
        self.assertTrue(rows, f"{who} was told keys")
        self.assertEqual(f"{self.opened(frames, rows)} of {len(frames)} open for {who}", f"0 of {len(frames)} open for {who}")

    def all_open(self, frames, rows, who):
        self.assertEqual(self.opened(frames, rows), len(frames), who)
        for _, topic, body in frames:  # and as the contract says, not by trying
            self.assertIn(CANARY.encode(), open_frame(topic + body, rows))

    def rule(self, key, value):
        self.admin.put("_system.policy", key, value)
        self.addCleanup(self.admin.delete, "_system.policy", key)

    def test_keys_of_others_open_nothing_that_was_recorded(self):
        frames = self.record(self.subscriber())
        of_b = [frame for frame in frames if frame[0].startswith("a.b")]
        of_c = [frame for frame in frames if frame[0] == "c"]
        self.all_open(frames, self.keys_of("all", ["**"]), "who may read all")
        self.all_open(of_b, self.keys_of("owner", ["a.b.**"]), "who may read a.b and below")
        self.all_open(of_c, self.keys_of("of-c", ["c"]), "who may read c")
        self.none_opens(of_b, self.keys_of("other", ["c", "d.e", "a-b"]), "another principal")
        self.none_opens(of_c, self.keys_of("owner", ["a.**"]), "who may read everything but it")
        self.none_opens(of_b, self.keys_of("above", ["a"]), "the parent, without what is below it")
        below = [frame for frame in frames if frame[0] == "a.b.c"]
        self.none_opens(below, self.keys_of("parent", ["a.b"]), "the parent of a.b.c alone")
        self.none_opens([frame for frame in frames if frame[0] == "a.b"], self.keys_of("child", ["a.b.c.**"]), "what is below a.b")

    def test_keys_of_the_parents_siblings_open_nothing_that_was_recorded(self):
        for ns in ("a.x", "a.x.c", "a.b2", "a.bc"):
            self.admin.put(ns, KEY, 1)
        frames = [frame for frame in self.record(self.subscriber()) if frame[0] == "a.b.c"]
        self.all_open(frames, self.keys_of("owner", ["a.b.c"]), "who may read a.b.c")
        siblings = self.keys_of("sibling", ["a.x.**", "a.b2.**", "a.bc.**"])
        self.assertEqual({row["kind"] for row in siblings}, {"node"})
        self.none_opens(frames, siblings, "the parent's siblings, whole")
        self.rule("a.b.**", {"deny": {"nearly": ["read"]}})
        self.none_opens(frames, self.keys_of("nearly", ["a.**"]), "the grandparent, with a deny on the parent")

    def test_keys_of_before_a_revocation_open_nothing_that_was_recorded_after_it(self):
        socket = self.subscriber()
        leaver = self.client("leaver", ["a.b.**", "c"])
        kept = [row for page in leaver.pages("keys") for row in page["keys"]]
        before = self.record(socket)
        self.all_open(before, kept, "the leaver, before")
        self.admin.put("_system.revoked", "sub/leaver", {"before": int(time.time() * 1_000_000) + 1_000_000, "reason": "left"})
        self.refused(leaver, "unauthenticated", "keys")
        after = self.record(socket)
        generation = {period_of(body) >> 40 for _, _, body in before}, {period_of(body) >> 40 for _, _, body in after}
        self.assertLess(max(generation[0]), min(generation[1]), "the generation was raised with the revocation")
        self.none_opens(after, kept, "the leaver, after")
        self.all_open(before, kept, "the leaver, what was sealed before")
        self.all_open(after, self.keys_of("stays", ["a.b.**", "c"]), "who stays")


if __name__ == "__main__":
    unittest.main(verbosity=2)
