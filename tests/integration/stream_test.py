# The change stream as a subscriber sees it: dense seqs, coalesced frames, markers, heartbeats, barriers, and topics
# that never bleed into each other (I3, I5, I6).
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import time

import zmq

from broker_case import BrokerCase
from prismbus_follower import Follower, heads_of
from prismbus_stream import Lane
from prismbus_wire import BARRIER_PREFIX, content_hash


def is_marker(frame):
    """Of a (when, kind, name, body)."""
    return frame[1] == "sets" and not frame[3][0]["changes"]


class StreamCase(BrokerCase):
    def lane(self, ns=(), under=()):
        """A lane whose subscriptions are proved in force by their barrier."""
        lane = Lane(self.broker.changes, self.context)
        self.addCleanup(lane.close)
        lane.follow(ns, under)
        lane.ask_barrier()
        self.await_barrier(lane)
        return lane

    def await_barrier(self, lane, seconds=10):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            frame = lane.receive(0.25)
            if frame is None:
                lane.ask_barrier()
            elif lane.is_barrier(*frame):
                return frame[2]
        raise AssertionError("no barrier came")

    def frames(self, lane, seconds, until=lambda seen: False):
        """(when, kind, name, body) of what comes within that time, heartbeats too."""
        seen, deadline = [], time.monotonic() + seconds
        while time.monotonic() < deadline and not until(seen):
            frame = lane.receive(max(0, min(0.1, deadline - time.monotonic())))
            if frame is not None:
                seen.append((time.monotonic(), *frame))
        return seen

    def sets(self, lane, count, seconds=20):
        """The next `count` change sets (no markers) as (ns, set)."""
        found = []
        deadline = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            frame = lane.receive(0.1)
            if frame is not None and frame[0] == "sets":
                found += [(frame[1], change_set) for change_set in frame[2] if change_set["changes"]]
        self.assertEqual(len(found), count)
        return found


class Sets(StreamCase):
    def test_a_change_set_is_what_changes_answers_later(self):
        lane = self.lane([self.ns])
        self.client.put(self.ns, "a", {"x": 1}, note="why")
        self.client.delete(self.ns, "a")
        pushed = [change_set for _, change_set in self.sets(lane, 2)]
        asked = self.client.changes(since={self.ns: 0})[0]
        for change_set in asked:
            self.assertEqual(change_set.pop("ns"), self.ns)
        self.assertEqual(pushed, asked)
        self.assertEqual(pushed[0]["changes"], [{"op": "put", "key": "a", "value": {"x": 1}, "version": 1}])

    def test_I3_seqs_leave_dense_and_ascending_under_load_and_frames_are_coalesced(self):
        lane = self.lane([self.ns])
        self.client.call_all("put", ({"ns": self.ns, "key": f"k{i}", "value": i} for i in range(3000)), window=1024)
        seqs, frames = [], 0
        deadline = time.monotonic() + 20
        while len(seqs) < 3000 and time.monotonic() < deadline:
            frame = lane.receive(0.1)
            if frame is not None and frame[0] == "sets":
                frames += 1
                seqs += [change_set["seq"] for change_set in frame[2] if change_set["changes"]]
        self.assertEqual(seqs, list(range(1, 3001)))
        self.assertLess(frames, 3000, "sets of one namespace share frames under load")

    def test_a_transaction_over_namespaces_is_a_frame_each_of_one_revision(self):
        names = [f"{self.ns}.{part}" for part in "abc"]
        lane = self.lane(under=[self.ns])
        reply = self.client.txn([{"op": "put", "ns": ns, "key": "k", "value": 1} for ns in names])
        found = self.sets(lane, 3)
        self.assertEqual(sorted(ns for ns, _ in found), names)
        self.assertEqual({change_set["rev"] for _, change_set in found}, {reply["rev"]})

    def test_topics_never_bleed_into_names_that_begin_alike(self):
        base = self.ns
        names = [base, base + "b", base + ".b", base + "-b", base + ".b.c", base + "_", base[:-1]]
        exact, subtree = self.lane([base]), self.lane(under=[base])
        for ns in names:
            self.client.put(ns, "k", ns)
        self.client.put(base, "last", 1)
        self.assertEqual({ns for ns, _ in self.sets(exact, 2)}, {base})
        self.assertEqual(sorted(ns for ns, _ in self.sets(subtree, 4)), [base, base, base + ".b", base + ".b.c"])
        for lane in (exact, subtree):
            late = [name for _, kind, name, _ in self.frames(lane, 0.3) if kind == "sets"]
            self.assertEqual([name for name in late if name in names[1:2] + names[3:4] + names[5:]], [])

    def test_following_everything_leaves_out_what_the_broker_keeps_for_itself(self):
        lane = self.lane(under=[""])
        self.assert_refused(self.client.ask("put", ns="_system.test", key="k", value=1), "unsupported")
        self.client.put(self.ns, "k", 1)
        self.assertEqual([ns for ns, _ in self.sets(lane, 1)], [self.ns])

    def test_the_longest_namespace_travels_unharmed(self):
        ns = (self.ns + "." + "n" * 120)[:120]
        lane = self.lane([ns])
        self.client.put(ns, "k", 1)
        self.assertEqual(self.sets(lane, 1)[0][0], ns)

    def test_a_value_of_a_mebibyte_is_pushed_whole(self):
        lane, value = self.lane([self.ns]), os.urandom(1_000_000)
        self.client.put(self.ns, "k", value)
        self.assertEqual(self.sets(lane, 1)[0][1]["changes"][0]["value"], value)


class Times(StreamCase):
    def test_markers_come_one_and_five_seconds_after_the_last_change(self):
        lane = self.lane([self.ns])
        self.client.put(self.ns, "a", 1)
        reply = self.client.put(self.ns, "b", 1)
        start = time.monotonic()
        frames = self.frames(lane, 9, until=lambda seen: sum(map(is_marker, seen)) == 2)
        markers = [(frame[0] - start, frame[3]) for frame in frames if is_marker(frame)]
        self.assertEqual(len(markers), 2)
        for (when, body), due in zip(markers, (1.0, 5.0)):
            self.assertGreater(when, due - 0.3)
            self.assertLess(when, due + 2.0)
            self.assertEqual(len(body), 1)
            revs = {entry["key"]: entry["rev"] for entry in self.client.list(self.ns)}
            marker = body[0]
            self.assertEqual((marker["seq"], marker["rev"], marker["lane"], marker["hash"]),
                             (2, reply["rev"], "changes", content_hash(revs)))
            self.assertEqual(set(marker), {"epoch", "seq", "rev", "time", "hash", "lane", "changes"})
        self.assertEqual([f for f in self.frames(lane, 2.5) if f[1] == "sets"], [], "and then it is quiet")

    def test_heartbeats_come_as_promised_and_name_the_run(self):
        hello = self.client.hello()
        lane = self.lane()
        beats = [f for f in self.frames(lane, 6, until=lambda seen: sum(1 for f in seen if f[1] == "heartbeat") == 3)
                 if f[1] == "heartbeat"]
        self.assertEqual(len(beats), 3)
        for _, _, _, body in beats:
            self.assertEqual((body["epoch"], body["run"]), (hello["epoch"], hello["run"]))
            self.assertGreaterEqual(body["rev"], hello["rev"])
            self.assertLessEqual(body["next_ms"], 30_000)
        for (before, *_, body), (after, *_) in zip(beats, beats[1:]):
            self.assertLess(after - before, 3 * body["next_ms"] / 1000)


class Barriers(StreamCase):
    def test_a_barrier_names_epoch_run_and_rev(self):
        rev = self.client.put(self.ns, "k", 1)["rev"]
        hello = self.client.hello()
        lane = Lane(self.broker.changes, self.context)
        self.addCleanup(lane.close)
        lane.ask_barrier()
        body = self.await_barrier(lane)
        self.assertEqual((body["epoch"], body["run"]), (hello["epoch"], hello["run"]))
        self.assertGreaterEqual(body["rev"], rev)

    def test_after_the_barrier_no_change_is_missed(self):
        for number in range(20):
            ns = f"{self.ns}-{number}"
            lane = self.lane([ns])
            self.client.put(ns, "k", number)
            self.assertEqual(self.sets(lane, 1)[0][1]["seq"], 1)
            lane.close()

    def test_only_a_subscription_of_exactly_22_bytes_is_answered(self):
        socket = self.context.socket(zmq.SUB)
        self.addCleanup(socket.close)
        socket.connect(self.broker.changes)
        ignored = [BARRIER_PREFIX, BARRIER_PREFIX + os.urandom(15), BARRIER_PREFIX + os.urandom(17),
                   b"\xffbat/" + os.urandom(16), b"\xff", BARRIER_PREFIX + os.urandom(200), os.urandom(300)]
        for topic in ignored:
            socket.setsockopt(zmq.SUBSCRIBE, topic)
        self.assertFalse(socket.poll(700), "none of these is answered")
        alone = self.context.socket(zmq.SUB)
        self.addCleanup(alone.close)
        alone.connect(self.broker.changes)
        topic = BARRIER_PREFIX + os.urandom(16)
        alone.setsockopt(zmq.SUBSCRIBE, topic)
        self.assertTrue(alone.poll(5000))
        self.assertTrue(alone.recv().startswith(topic))
        self.assertTrue(self.client.hello()["ok"])

    def test_messages_sent_to_the_stream_socket_are_ignored(self):
        socket = self.context.socket(zmq.XSUB)
        self.addCleanup(socket.close)
        socket.connect(self.broker.changes)
        for message in (b"hello", b"\x01", b"\x00" + b"never/subscribed", b"\x02x", b"", b"\x01" * 5000):
            socket.send(message)
        socket.send_multipart([b"\x01a", b"\x01b", b"c"])
        lane = self.lane([self.ns])
        self.client.put(self.ns, "k", 1)
        self.assertEqual(len(self.sets(lane, 1)), 1)


class Following(StreamCase):
    def test_I5_followers_of_names_and_subtrees_equal_the_broker_under_load(self):
        for number in range(30):
            self.client.put(f"{self.ns}.n{number % 3}", f"k{number}", number)
        exact = Follower(self.broker.requests, ns=[self.ns + ".n0", self.ns + ".none"], context=self.context)
        tree = Follower(self.broker.requests, under=[self.ns], context=self.context, page={"limit": 3})
        for follower in (exact, tree):
            self.addCleanup(follower.close)
            follower.join()
        for number in range(300):
            ns = f"{self.ns}.n{number % 5}"
            if number % 4:
                self.client.put(ns, f"k{number % 40}", number)
            else:
                self.client.ask("delete", ns=ns, key=f"k{number * 7 % 40}")
            if number == 150:
                tree.join()
        heads = heads_of(self.client, self.ns)
        for follower, names in ((exact, [self.ns + ".n0"]), (tree, list(heads))):
            wanted = {name: heads[name] for name in names}
            follower.run_until(lambda f, wanted=wanted: f.reached(wanted))
            self.assertEqual(follower.replica.differences(wanted), [])
            self.assertNotIn("hash", follower.events)

    def test_I6_a_restart_is_noticed_and_caught_up(self):
        follower = Follower(self.broker.requests, ns=[self.ns], context=self.context)
        self.addCleanup(follower.close)
        self.client.put(self.ns, "k", 1)
        follower.join()
        self.broker.kill()
        self.broker.restart_on_its_ports()
        self.client.ask("hello", seconds=30)
        self.client.put(self.ns, "k", 2)
        follower.run_until(lambda f: f.replica.at(self.ns).seq == 2, 60)
        self.assertGreaterEqual(follower.events.count("joined"), 2)
        self.assertEqual(follower.replica.differences(heads_of(self.client, self.ns)), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
