# What is pushed to whom, and that rights which end, end everywhere: the sealed stream seen by a raw subscriber, opened by the
# contract's formulas alone; revocation on live connections (I10).
import hashlib
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from prismbus_seal import leaf_of, period_of
from secured import open_frame
from secured_case import CANARY, KEY, Secured


class Stream(Secured):
    def opened_by_the_contract(self, frame):
        """The body, by the key that the contract derives from the master for the period the frame names."""
        with open(self.security.path("stream.master"), "rb") as file:
            master = file.read()
        ns, period = frame[:frame.index(b"/")].decode(), period_of(frame[frame.index(b"/") + 1:])
        key = leaf_of(master, self.admin.greeting["epoch"], period, ns)
        return open_frame(frame, [{"ns": ns, "kind": "leaf", "period": period, "key": key}])

    def frames_of(self, socket, ns, rounds=1):
        """The frames that `rounds` puts to `ns` bring, in order; markers and other names are passed over."""
        frames = []
        for n in range(rounds):
            value = f"{CANARY}-{os.urandom(4).hex()}"
            self.admin.put(ns, KEY, value, note=CANARY)
            deadline = time.monotonic() + 20
            while len(frames) <= n and time.monotonic() < deadline:
                if not socket.poll(1000):
                    continue
                frame = socket.recv()
                self.assertNotIn(CANARY.encode(), frame)
                if frame.startswith(ns.encode() + b"/") and value.encode() in self.opened_by_the_contract(frame):
                    frames.append(frame)
            self.assertEqual(len(frames), n + 1, "a frame for each put, sealed as the contract derives it")
        return frames

    def test_a_raw_subscriber_of_everything_sees_no_key_value_or_note(self):
        socket = self.subscriber()
        for ns in ("a", "a.b", "c", "_system.policy"):
            if ns.startswith("_"):
                self.admin.put(ns, "z", {"roles": {CANARY: ["read"]}})
            else:
                self.frames_of(socket, ns, 3)
        self.admin.delete("_system.policy", "z")
        end = time.monotonic() + 2  # markers too
        while time.monotonic() < end and socket.poll(100):
            self.assertNotIn(CANARY.encode(), socket.recv())

    def test_told_keys_open_what_may_be_read_and_nothing_else(self):
        socket = self.subscriber()
        frames = {ns: self.frames_of(socket, ns)[0] for ns in ("a", "a.b", "a.b.c", "a-b", "c", "d.e")}
        for rights, readable in ((["a.b"], {"a.b"}), (["a.b.**"], {"a.b", "a.b.c"}), (["a.**"], {"a", "a.b", "a.b.c"}),
                                 (["a", "a.b.c"], {"a", "a.b.c"}), (["**"], set(frames)), ([], set())):
            keys = self.client("reader", rights).call("keys")["keys"]
            opened = {ns for ns, frame in frames.items() if open_frame(frame, keys) is not None}
            self.assertEqual(opened, readable, rights)
            if opened:
                self.assertIn(CANARY.encode(), open_frame(frames[min(opened)], keys))

    def test_a_change_of_the_rules_closes_the_stream_to_former_keys(self):
        socket = self.subscriber()
        leaver = self.client("leaver", ["c"])
        keys = leaver.call("keys")["keys"]
        self.assertIsNotNone(open_frame(self.frames_of(socket, "c")[0], keys))
        self.admin.put("_system.policy", "c", {"deny": {"leaver": ["read"]}})
        for frame in self.frames_of(socket, "c", 5):
            self.assertIsNone(open_frame(frame, keys))
        self.assertEqual(leaver.call("keys")["keys"], [])
        self.admin.delete("_system.policy", "c")


class Revocation(Secured):
    def test_a_revoked_token_ends_at_once_and_others_go_on(self):
        lost, kept = self.client("alice", ["c"]), self.client("bob", ["c"])
        digest = hashlib.sha256(lost.token.encode()).hexdigest()
        self.assertTrue(lost.ask("get", ns="c", key=KEY)["ok"])
        self.admin.put("_system.revoked", f"token/{digest}", {"reason": "lost"})
        for op, fields in (("get", {"ns": "c", "key": KEY}), ("keys", {}), ("snapshot", {"ns": "c"})):
            self.refused(lost, "unauthenticated", op, **fields)
        self.refused(self.stranger(), "unauthenticated", "hello", token=lost.token)
        self.assertTrue(kept.ask("get", ns="c", key=KEY)["ok"])

    def test_a_principal_is_revoked_up_to_a_time(self):
        old = self.client("carol", ["c"])
        self.admin.put("_system.revoked", "sub/carol", {"before": int(time.time()) * 1_000_000 + 999_999})
        self.refused(old, "unauthenticated", "get", ns="c", key=KEY)
        undated = self.security.token("carol", ["c"], iat=int(time.time()) + 30)
        with self.client_of(undated) as younger:
            self.assertTrue(younger.ask("get", ns="c", key=KEY)["ok"])

    def test_revocations_outlive_a_restart(self):
        client = self.client("dave", ["c"])
        self.admin.put("_system.revoked", "sub/dave", {"before": int(time.time() + 5) * 1_000_000})
        self.broker.kill()
        self.broker.restart_on_its_ports()
        type(self).admin.close()
        type(self).admin = self.client_of(self.security.admin())
        self.refused(self.stranger(), "unauthenticated", "hello", token=client.token)


if __name__ == "__main__":
    unittest.main(verbosity=2)
