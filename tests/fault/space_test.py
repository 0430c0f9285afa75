# A store that is full by its own measure, before the disk is: at its quota, or at the floor of free space. Values are
# read_only and say why; deletes, folds and reads go on; it heals by itself when the quota grows or space comes.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import signal
import time

from broker_process import Broker
from prismbus_client import Client
from small_disk import SmallDisk, can_mount
from waiting import eventually

FOLD_AT_ONCE = ["--fold-changes-min", "1", "--fold-wait-ms", "0"]
RESUME_SECONDS = 2.0
SLACK = float(os.environ.get("PRISMBUS_TIME_SLACK", "1"))  # sanitizers are slower
MIB = 1 << 20


class FullStore(unittest.TestCase):
    def fill(self, client, size=20_000, most=5000):
        """Puts values until one is refused; the refusal."""
        for number in range(most):
            key = f"{self.prefix}-{number}"
            reply = self.decided(client, "put", ns="space.a", key=key, value=os.urandom(size))
            if not reply["ok"]:
                self.prefix += "x"
                return reply["error"]
            self.held[key] = size
        raise AssertionError(f"{most} writes of {size} bytes were all taken")

    @staticmethod
    def decided(client, op, **fields):
        """Nearly full is `overloaded`: the next look at the disk tells."""
        while True:
            reply = client.ask(op, seconds=30, **fields)
            if reply["ok"] or reply["error"]["code"] != "overloaded":
                return reply

    def setUp(self):
        self.prefix, self.held = "k", {}

    def start(self, broker):
        broker.start()
        client = Client(broker.requests)
        self.addCleanup(client.close)
        return client

    def while_full(self, client):
        """Deletes and reads go on, what was applied is folded, and status says it."""
        eventually(lambda: self.folded(client), 30, "the fold of all that is applied")
        self.assertEqual(self.decided(client, "put", ns="space.a", key="no", value=b"x" * 20_000)["error"]["code"],
                         "read_only")
        status = client.call("status")
        self.assertTrue(status["read_only"], status)
        mixed = [{"op": "delete", "ns": "space.a", "key": next(iter(self.held))},
                 {"op": "put", "ns": "space.a", "key": "no", "value": b"x" * 20_000}]
        self.assertEqual(self.decided(client, "txn", do=mixed)["error"]["code"], "read_only", "not of deletes only")
        # Few: deletes give the pages of their values back, and the store would heal.
        for key in list(self.held)[:20]:
            reply = self.decided(client, "delete", ns="space.a", key=key)
            self.assertTrue(reply["ok"], reply)
            del self.held[key]
        self.assertEqual({entry["key"] for entry in client.list("space.a")}, set(self.held))
        eventually(lambda: self.folded(client), 30, "the fold of the deletes")

    @staticmethod
    def folded(client):
        status = client.call("status")
        return status["folded"] == status["applied"]

    def assert_heals(self, client):
        start = time.monotonic()
        eventually(lambda: client.ask("put", ns="space.a", key="healed", value=b"x" * 20_000)["ok"], 30,
                   "a write after space came", every=0.02)
        took = time.monotonic() - start
        self.assertLess(took, RESUME_SECONDS * SLACK)
        self.assertFalse(client.call("status")["read_only"])
        return took


class Quota(FullStore):
    def test_values_are_refused_at_the_quota_and_taken_again_when_it_is_raised(self):
        quota = 32 * MIB
        with Broker(args=[*FOLD_AT_ONCE]) as broker:
            config = os.path.join(broker.scratch, "prismbusd.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write('store_quota = "32MiB"\n')
            broker.args += ["--config", config]
            client = self.start(broker)
            error = self.fill(client)
            self.assertEqual(error["code"], "read_only", error)
            self.assertIn("--store-quota", error["message"])
            self.while_full(client)
            used = sum(os.path.getsize(os.path.join(broker.data_dir, part, "data.mdb")) for part in ("journal", "state"))
            self.assertGreater(client.call("status")["store_used"], quota * 0.6)
            self.assertLessEqual(client.call("status")["store_used"], quota)
            self.assertLess(used, quota * 1.5)
            self.fill(client)  # the pages that the deletes gave back
            client.close()
            self.assertEqual(broker.stop(), 0)
            client = self.start(broker)
            self.assertEqual(self.fill(client, most=100)["code"], "read_only", "a restart makes no room")
            with open(config, "w", encoding="utf-8") as file:
                file.write('store_quota = "256MiB"\n')
            broker.signal(signal.SIGHUP)
            self.assert_heals(client)


    def test_a_trim_makes_room_and_writes_under_retention_never_end(self):
        retention = ["--retention-revisions", "50", "--retention-age", "0s", "--retention-age-min", "0s"]
        with Broker(args=[*FOLD_AT_ONCE, "--store-quota", str(32 * MIB)]) as broker:
            client = self.start(broker)
            self.assertEqual(self.fill(client)["code"], "read_only")
            client.close()
            self.assertEqual(broker.stop(), 0)
            # The values stay, a few keys are written over: only their old versions can go.
            broker.args += retention
            client = self.start(broker)
            for key in list(self.held)[40:]:
                self.assertTrue(self.decided(client, "delete", ns="space.a", key=key)["ok"])
            start = time.monotonic()
            for number in range(1500):  # as much again as the quota
                reply = self.until_taken(client, "put", ns="space.a", key=f"over{number % 20}", value=os.urandom(20_000))
                self.assertTrue(reply["ok"], reply)
            self.assertLessEqual(client.call("status")["store_used"], 32 * MIB)
            print(f"30 MB through a store of 32 MiB in {time.monotonic() - start:.1f} s", flush=True)

    def until_taken(self, client, op, **fields):
        """Full for a moment, until retention has trimmed."""
        taken = {}

        def ask():
            taken["reply"] = client.ask(op, seconds=30, **fields)
            return taken["reply"]["ok"]

        eventually(ask, 30, "room after a trim", every=0.02)
        return taken["reply"]


class Floor(FullStore):
    def setUp(self):
        super().setUp()
        if not can_mount():
            print("SKIPPED: mounting a tmpfs needs root; nothing was shown about the free-space floor", flush=True)
            self.skipTest("mounting a tmpfs needs root")

    def test_the_floor_stays_free_and_writes_resume_when_space_comes(self):
        floor = 16 * MIB
        with SmallDisk() as disk, Broker(data_dir=os.path.join(disk.path, "data"), args=[
                *FOLD_AT_ONCE, "--free-space-floor", str(floor)]) as broker:
            client = self.start(broker)
            client.put("space.a", "first", 1)
            self.held["first"] = 1
            refused_at, took = [], []
            for _ in range(3):
                # Somebody else's file takes half of what is left above the floor.
                with open(disk.filler, "wb") as file:
                    file.write(bytes(max(0, (self.free(disk) - floor) // 2)))
                free = self.free(disk)
                eventually(lambda most=free + MIB: client.call("status")["disk_free"] < most, 10, "the next look")
                error = self.fill(client)
                self.assertEqual(error["code"], "read_only", error)
                self.assertIn("--free-space-floor", error["message"])
                refused_at.append(self.free(disk))
                self.while_full(client)
                disk.free()
                took.append(self.assert_heals(client))
                self.held["healed"] = 1
            self.assertGreaterEqual(min(refused_at), floor, "the floor was kept")
            print(f"free when refused: {[n >> 20 for n in refused_at]} MiB of a floor of 16; healed after "
                  f"{max(took):.2f} s at most", flush=True)

    @staticmethod
    def free(disk):
        fs = os.statvfs(disk.path)
        return fs.f_bavail * fs.f_frsize


if __name__ == "__main__":
    unittest.main(verbosity=2)
