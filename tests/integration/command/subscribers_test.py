# prismbus subscribers and put --wait-applied, with followers of an independent client that ack what a test says.
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import unittest

import zmq

from command_case import PRISMBUS, CommandCase

from broker_process import Broker
from prismbus_client import Client

NOT_APPLIED = 15


class Follower:
    """One connection that follows `ns`; from start() on it acks every seq it is told is behind, or refuses it."""

    def __init__(self, endpoint, ns, instance, reason=None):
        self.context = zmq.Context()
        self.client = Client(endpoint, self.context)
        self.ns, self.reason = ns, reason
        self.client.hello(client={"name": "t", "version": "1", "instance": instance}, follow={"ns": [ns]})
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def start(self):
        self.thread.start()
        return self

    def run(self):
        applied = {}
        while not self.over.is_set():
            rejected = [{"ns": ns, "seq": seq, "key": "k", "reason": self.reason} for ns, seq in applied.items()
                        if self.reason]
            behind = self.client.call("ack", applied=applied, rejected=rejected, latency_us=[1500], state="live")["behind"]
            applied = {ns: head["seq"] for ns, head in behind.items()}
            self.over.wait(0.01)

    def stop(self):
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()
        self.context.destroy(linger=0)


class Screen:
    """A terminal of so many columns, and what is drawn on it."""

    def __init__(self, columns):
        self.outer, self.inner = os.openpty()
        self.text = ""
        self.resize(columns)

    def resize(self, columns, process=None):
        fcntl.ioctl(self.inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        if process:
            process.send_signal(signal.SIGWINCH)  # as the kernel tells a terminal's foreground

    def frame(self, wanted, seconds=60):
        """The lines of the next whole table that is as wanted."""
        deadline = time.monotonic() + seconds
        while True:
            *whole, self.text = self.text.split("\x1b[H\x1b[J")
            for text in whole:
                lines = re.sub("\x1b\\[[0-9;]*m", "", text).split("\r\n")[:-1]
                if lines and wanted(lines):
                    return lines
            if not select.select([self.outer], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"no such table came: {whole} {self.text}")
            self.text += os.read(self.outer, 65536).decode()

    def close(self):
        os.close(self.outer)
        os.close(self.inner)


class WithFollowers(CommandCase):
    def follower(self, instance, reason=None, acks=True):
        follower = Follower(self.broker.requests, self.ns, instance, reason)
        self.addCleanup(follower.stop)
        return follower.start() if acks else follower


class WaitApplied(WithFollowers):
    def test_put_waits_until_all_have_applied_it(self):
        self.follower("one")
        self.follower("two")
        said = self.done("put", self.ns, "k", "1", "--wait-applied", "all").out
        self.assertEqual(said.split()[-2:], ["applied", "2"])
        self.assertEqual(self.done("put", self.ns, "k", "2", "--wait-applied", "1", "--json").json["seq"], 2)

    def test_one_line_says_who_refused_and_who_is_silent(self):
        self.follower("one")
        self.follower("strict", reason="must be > 5")
        self.follower("mute", acks=False)
        ran = self.refused(NOT_APPLIED, "put", self.ns, "k", "1", "--wait-applied", "all", timeout="1",
                           says="1 applied, 1 rejected (strict: k: must be > 5), 1 silent (mute)")
        self.assertIn("written as rev", ran.err)
        self.assertEqual(ran.out, "")
        self.assertEqual(self.done("get", self.ns, "k").out, "1\n")

    def test_as_json_the_error_tells_what_was_written_and_who_has_it(self):
        self.follower("one")
        self.follower("strict", reason="must be > 5")
        self.follower("mute", acks=False)
        error = self.refused(NOT_APPLIED, "put", self.ns, "k", "1", "--wait-applied", "all", "--json", timeout="1").json["error"]
        entry = self.done("get", self.ns, "k", "--json").json
        self.assertEqual((error["code"], error["rev"], error["epoch"]), ("rejected", entry["entry"]["rev"], entry["epoch"]))
        self.assertEqual((error["seq"], error["version"], error["applied"]), (1, 1, 1))
        self.assertEqual((error["rejected"], error["silent"]), (["strict"], ["mute"]))
        self.assertEqual(error["reasons"], [{"instance": "strict", "key": "k", "reason": "must be > 5"}])

    def test_a_number_is_enough_or_not(self):
        self.follower("one")
        self.follower("mute", acks=False)
        self.done("put", self.ns, "k", "1", "--wait-applied", "1")
        self.refused(NOT_APPLIED, "put", self.ns, "k", "2", "--wait-applied", "2", timeout="1", says="1 silent (mute)")

    def test_nobody_follows_and_the_write_is_done(self):
        self.assertIn("applied 0", self.done("put", self.ns, "k", "1", "--wait-applied", "all").out)

    def test_what_is_no_number_is_refused_before_anything_is_written(self):
        for word in ("0", "some", "-1", "1x", ""):
            self.refused(2, "put", self.ns, "k", "1", f"--wait-applied={word}", says="--wait-applied")
        self.refused(4, "get", self.ns, "k")


class Subscribers(WithFollowers):
    def test_a_row_for_each_follower_and_a_line_that_sums_up(self):
        self.follower("one")
        self.follower("strict", reason="must be > 5")
        self.follower("mute", acks=False)
        self.refused(NOT_APPLIED, "put", self.ns, "k", "1", "--wait-applied", "all", timeout="1")
        out = self.done("subscribers", self.ns).out.splitlines()
        rows = {line.split()[0]: line for line in out[1:-1]}
        self.assertEqual(set(rows), {"one", "strict", "mute"})
        self.assertIn("1.5 ms", rows["one"])
        self.assertTrue(rows["strict"].rstrip().endswith("must be > 5"))
        self.assertEqual(out[-1], "3 followers: 1 behind, 1 with refusals, 0 silent")
        by_name = {row["instance"]: row for row in self.done("subscribers", self.ns, "--json").json["subscribers"]}
        self.assertEqual((by_name["one"]["applied"], by_name["one"]["lag"]), ({self.ns: 1}, 0))
        self.assertEqual(by_name["mute"]["lag"], 1)
        self.assertEqual(by_name["strict"]["rejected"][0]["reason"], "must be > 5")

    def test_watch_looks_again_and_again(self):
        self.follower("one")
        out = self.done("subscribers", self.ns, "--watch", "--count", "2").out
        self.assertEqual(out.count("INSTANCE"), 2)
        self.assertEqual(out.count("1 follower:"), 2)
        self.refused(2, "subscribers", "--count", "2", says="--watch")

    def test_watch_fits_its_table_to_the_terminal_as_it_is_now(self):
        self.follower("strict", reason="must be more than 5 and less than 7, says the desk")
        self.follower("collector-7f9c6d-of-the-second-desk", acks=False)
        self.refused(NOT_APPLIED, "put", self.ns, "k", "1", "--wait-applied", "all", timeout="1")
        screen = Screen(columns=300)
        self.addCleanup(screen.close)
        process = subprocess.Popen([PRISMBUS, "subscribers", self.ns, "--watch"], stdout=screen.inner, env=self.environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wide = screen.frame(lambda lines: lines[0].endswith("LAST REASON"))
        self.assertIn("LAST SEEN", wide[0])
        self.assertTrue(any(line.endswith("says the desk") for line in wide), wide)
        screen.resize(80, process)
        narrow = screen.frame(lambda lines: max(map(len, lines)) <= 80)
        for column in ("INSTANCE", "NAME", "STATE", "APPLIED", "LAG", "REJECTED"):
            self.assertIn(column, narrow[0])
        self.assertNotIn("LAST SEEN", narrow[0])
        rows = {line.split()[0]: line.split() for line in narrow[1:-1]}
        self.assertEqual(len(rows), 2, narrow)
        self.assertTrue(any(name.startswith("collector-") for name in rows), narrow)
        self.assertIn("1", rows["strict"])
        self.assertTrue(" ".join(rows["strict"]).endswith("…"), narrow)
        screen.resize(300, process)
        screen.frame(lambda lines: lines[0].endswith("LAST REASON") and len(lines[0]) > 80)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)

    def test_watch_goes_on_when_the_broker_went_away(self):
        broker = Broker().start()
        self.addCleanup(broker.remove)
        process = subprocess.Popen([PRISMBUS, "--timeout", "0.3", "--broker", broker.requests, "subscribers", "--watch",
                                    "--count", "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertTrue(process.stdout.readline().startswith("0 followers:"))
        broker.kill()
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out, err), (0, "", "prismbus: subscribers: no broker answers; looking again\n"))
        self.refused(3, "--broker", "tcp://127.0.0.1:1", "subscribers", "--watch", timeout="0.3", says="no broker answered")

    def test_nobody_follows(self):
        self.assertEqual(self.done("subscribers", self.ns).out, "0 followers: 0 behind, 0 with refusals, 0 silent\n")


if __name__ == "__main__":
    unittest.main()
