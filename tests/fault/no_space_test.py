# A full disk and a full map. Full disk: writes are read_only at once, reads and push go on, and writes resume by
# themselves within 2 s of space. Full map: read_only until a restart with a larger one. Nothing acknowledged is lost.
# The disk is filled to its last page, so the floor is 0 here: space_test.py has the full store that keeps its reserve.
# The disk is a small tmpfs of the test's own, which only root can mount: without it that part says that it is skipped.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import time

from broker_process import Broker, milliseconds_since, run_broker
from prismbus_client import Client
from prismbus_follower import Follower, heads_of
from small_disk import SmallDisk, can_mount
from waiting import eventually

CYCLES = int(os.environ.get("PRISMBUS_CYCLES", "100" if os.environ.get("PRISMBUS_FULL") else "3"))
REFUSAL_MS, RESUME_SECONDS = 100, 2.0
SLACK = float(os.environ.get("PRISMBUS_TIME_SLACK", "1"))  # sanitizers are slower


class NoSpace(unittest.TestCase):
    def put_until_refused(self, client, acked, prefix, size, most):
        """Puts growing the store until one is refused; the refusal, and what it took in ms."""
        for number in range(most):
            key, value = f"{prefix}-{number}", os.urandom(size)
            start = time.monotonic()
            reply = client.ask("put", ns="space.a", key=key, value=value, seconds=30)
            while not reply["ok"] and reply["error"]["code"] == "overloaded":  # nearly full: the next look tells
                start = time.monotonic()
                reply = client.ask("put", ns="space.a", key=key, value=value, seconds=30)
            if not reply["ok"]:
                return reply["error"], milliseconds_since(start)
            acked[key] = value
        raise AssertionError(f"{most} writes of {size} bytes were all taken")

    def assert_reads_all(self, client, acked):
        held = {entry["key"]: entry["value"] for entry in client.list("space.a")}
        self.assertEqual(set(held), set(acked))
        self.assertEqual(held, acked)
        some = next(iter(acked))
        self.assertEqual(client.get("space.a", some)["value"], acked[some])


class FullDisk(NoSpace):
    def setUp(self):
        if not can_mount():
            print("SKIPPED: mounting a tmpfs needs root; nothing was shown about a full disk", flush=True)
            self.skipTest("mounting a tmpfs needs root")

    def test_read_only_at_once_reads_and_push_go_on_and_writes_resume_by_themselves(self):
        refusals, resumes, acked = [], [], {}
        with SmallDisk() as disk, Broker(data_dir=os.path.join(disk.path, "data"),
                                      args=["--free-space-floor", "0"]) as broker:
            broker.start()
            client = Client(broker.requests)
            acked["first"] = b"1"
            client.put("space.a", "first", b"1")
            follower = Follower(broker.requests, ns=["space.a"])
            follower.join()
            for cycle in range(CYCLES):
                disk.fill()
                error, took = self.put_until_refused(client, acked, f"c{cycle}", 20_000, 300)
                self.assertEqual(error["code"], "read_only", error)
                refusals.append(took)
                self.while_full(broker, client, follower, acked)
                disk.free()
                start = time.monotonic()
                acked[f"again{cycle}"] = b"again"
                again = {"ns": "space.a", "key": f"again{cycle}", "value": b"again"}
                eventually(lambda again=again: client.ask("put", **again)["ok"], 30, "a write after space came",
                           every=0.02)
                resumes.append(time.monotonic() - start)
                self.client_deletes_to_make_room(client, acked)
            heads = heads_of(client, "space")
            follower.run_until(lambda f: f.reached(heads))
            self.assertEqual(follower.replica.differences(heads), [])
            self.assertEqual(follower.events.count("joined"), 1, f"the stream never broke: {follower.events}")
            follower.close()
            client.close()
            broker.kill()
            broker.start()
            client = Client(broker.requests)
            self.assert_reads_all(client, acked)
            client.close()
        print(f"{CYCLES} cycles: refused after {max(refusals):.1f} ms at most, "
              f"resumed after {max(resumes):.2f} s at most", flush=True)
        self.assertLess(max(refusals), REFUSAL_MS * SLACK)
        self.assertLess(max(resumes), RESUME_SECONDS * SLACK)

    def test_a_start_without_a_free_page_is_refused_and_says_so(self):
        with SmallDisk() as disk:
            disk.fill()
            data = os.path.join(disk.path, "data")
            code, _, log = run_broker("--data-dir", data, "--requests", "tcp://127.0.0.1:0", "--changes", "tcp://127.0.0.1:0",
                                      "--map-bytes", str(1 << 30))
            self.assertEqual(code, 3, log)
            self.assertIn("event=cannot_start", log)
            self.assertIn("No space left on device", log)
            disk.free()
            with Broker(data_dir=data) as broker:
                broker.start()

    def while_full(self, broker, client, follower, acked):
        """Writes stay refused and quick; every kind of read and a new join go on."""
        for number in range(20):
            start = time.monotonic()
            reply = client.ask("put", ns="space.a", key="refused", value=os.urandom(20_000))
            self.assertEqual(reply["error"]["code"], "read_only")
            self.assertLess(milliseconds_since(start), REFUSAL_MS * 5 * SLACK, f"refusal {number}")
        self.assert_reads_all(client, acked)
        late = Follower(broker.requests, ns=["space.a"])
        late.join()
        self.assertEqual(late.replica.at("space.a").values(), acked)
        late.close()
        beats = follower.hello["heartbeat_ms"] / 1000
        follower.run_until(lambda f, until=time.monotonic() + 2 * beats: time.monotonic() > until)
        self.assertEqual(follower.replica.at("space.a").values(), acked)

    def client_deletes_to_make_room(self, client, acked):
        """So that the next cycle begins with some of the file to use again."""
        for key in [key for key in acked if key.startswith("c")][:10]:
            client.delete("space.a", key)
            del acked[key]


class FullMap(NoSpace):
    def test_read_only_until_a_restart_with_a_larger_map(self):
        acked = {}
        with Broker(map_bytes=8 << 20) as broker:
            broker.start()
            client = Client(broker.requests)
            error, took = self.put_until_refused(client, acked, "m", 50_000, 1000)
            self.assertEqual(error["code"], "read_only", error)
            self.assertLess(took, 1000 * SLACK)
            self.assert_reads_all(client, acked)
            for number in range(50):
                reply = client.ask("put", ns="space.a", key=f"more{number}", value=b"x" * 5000)
                self.assertIn(reply.get("error", {}).get("code"), ("read_only",), "it stays so")
            client.close()
            self.assertEqual(broker.stop(), 0, broker.log())

            broker.start()
            client = Client(broker.requests)
            self.assert_reads_all(client, acked)
            self.assertEqual(client.ask("put", ns="space.a", key="k", value=os.urandom(50_000))["error"]["code"],
                             "read_only", "the same map is as full as it was")
            client.close()
            broker.stop()

            broker.map_bytes = 256 << 20
            broker.start()
            client = Client(broker.requests)
            self.assert_reads_all(client, acked)
            for number in range(200):
                acked[f"after{number}"] = os.urandom(50_000)
                client.put("space.a", f"after{number}", acked[f"after{number}"])
            self.assert_reads_all(client, acked)
            client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
