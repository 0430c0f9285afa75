# A crash writes no memory to disk, and no other process of the same user reads it: the broker that holds keys, the
# command that holds a token (A6, I10). Both run where a core may be as large as it likes, and as a user without rights;
# a broker without security shows that such a core would be seen.
import json
import os
import resource
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import Broker, scratch_dir
from command_process import PROGRAM
from gateway_client import HttpClient
from secured import SecureClient, Security
from tls_files import TlsFiles

NOBODY = 65534
MAPPED_FILES = 0x18C  # of a coredump_filter: private and shared, ordinary and DAX (core(5))
ADDRESS_SANITIZED = "ASAN_OPTIONS" in os.environ  # whose runtime needs a process that can be looked into


def drop_rights():
    """In a child: as a user who cannot look into others, where this one may become him."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def as_unprivileged():
    """In a child: so, and with cores as large as can be."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    drop_rights()


def can_run(program):
    try:
        done = subprocess.run([program, "--version"], preexec_fn=drop_rights, capture_output=True, check=False)
        return done.returncode == 0
    except PermissionError:
        return False


def give_away(path):
    """To the user of drop_rights()."""
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", path], check=True)


class Unprivileged(Broker):
    """In a directory of its own, where it may leave a core as large as it likes."""

    def __init__(self, cwd, **options):
        super().__init__(**options)
        self.cwd = cwd
        give_away(self.scratch)

    def in_child(self):
        os.chdir(self.cwd)
        as_unprivileged()
        super().in_child()


class NoCore(unittest.TestCase):
    def setUp(self):
        self.cwd = scratch_dir("prismbus-core-")
        give_away(self.cwd)
        if not can_run(PROGRAM):
            self.skipTest("another user cannot run what is built here")

    def secured(self):
        security = Security()
        give_away(os.path.dirname(security.dir))
        broker = Unprivileged(self.cwd, args=["--security", security.dir])
        self.addCleanup(broker.remove)
        return security, broker.start()

    def watch(self, env, endpoint):
        process = subprocess.Popen([PROGRAM, "watch", "a", "--json"], cwd=self.cwd, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=as_unprivileged,
                                   env={**os.environ, "PRISMBUS_BROKER": endpoint, **env})
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))
        for line in process.stdout:
            if json.loads(line)["type"] == "subscribed":
                return process
        self.fail("the watch ended")

    def aborted(self, process):
        """SIGABRT; whether a core was dumped, and what lies in the directory then."""
        os.kill(process.pid, signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGABRT
        self.assertTrue(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT, status)
        return os.WCOREDUMP(status), os.listdir(self.cwd)

    def closed(self, pid):
        """Nobody dumps it, attaches to it or reads its memory: not even another process of its user."""
        with self.subTest("its limit"), open(f"/proc/{pid}/limits", encoding="ascii") as file:
            limit = next(line.split()[4:6] for line in file if line.startswith("Max core file size"))
            self.assertIn(limit, (["1", "1"], ["0", "0"]), "no core, and no way to allow one")
        with self.subTest("its filter"), open(f"/proc/{pid}/coredump_filter", encoding="ascii") as file:
            self.assertEqual(int(file.read(), 16) & MAPPED_FILES, 0, "no mapped file is part of a core")
        with self.subTest("to its own user"):
            if not ADDRESS_SANITIZED:
                self.assertFalse(self.can_be_read(pid), "not dumpable")

    def can_be_read(self, pid):
        """By a process of the same user without further rights: the kernel shows it what is dumpable."""
        read = [subprocess.run(["cat", f"/proc/{pid}/{name}"], preexec_fn=drop_rights, capture_output=True,
                               check=False).returncode == 0 for name in ("environ", "auxv", "maps")]
        owned = os.stat(f"/proc/{pid}/environ").st_uid == (NOBODY if os.getuid() == 0 else os.getuid())
        self.assertEqual(set(read), {owned}, "both ways to see it say the same")
        return owned

    def test_what_would_leave_a_core_is_seen_to_do_so(self):
        broker = Unprivileged(self.cwd).start()
        self.addCleanup(broker.remove)
        self.assertTrue(self.can_be_read(broker.pid))
        dumped, left = self.aborted(broker.process)
        if not dumped:
            self.skipTest("this machine writes no cores")
        self.assertTrue(left or not core_lies_here())

    def test_a_broker_that_holds_keys_leaves_no_core(self):
        security, broker = self.secured()
        with SecureClient(broker.requests, security.public, security.admin()) as client:
            client.put("a", "k", 1)
        self.closed(broker.pid)
        self.assertEqual(self.aborted(broker.process), (False, []))

    def test_a_broker_that_holds_a_key_of_tls_alone_leaves_no_core(self):
        files = TlsFiles()
        give_away(files.dir)
        broker = Unprivileged(self.cwd, args=files.args())
        self.addCleanup(broker.remove)
        http = HttpClient(broker.start().ready["gateway"][0], tls=files.client())
        self.addCleanup(http.close)
        self.assertEqual(http.get("/health").status, 200)
        self.closed(broker.pid)
        self.assertEqual(self.aborted(broker.process), (False, []))

    def test_a_command_that_holds_a_token_leaves_no_core(self):
        security, broker = self.secured()
        path = security.write("watcher.token", security.token("watcher", ["a"]) + "\n")
        give_away(security.dir)
        env = {"PRISMBUS_SERVER_KEY": security.public, "PRISMBUS_TOKEN_FILE": path}
        process = self.watch(env, broker.requests)
        self.closed(process.pid)
        with self.subTest("when it crashes"):
            self.assertEqual(self.aborted(process), (False, []))


def core_lies_here():
    """Where cores go on this machine: into the directory of the process, or elsewhere."""
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
        return not file.read().startswith(("|", "/"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
