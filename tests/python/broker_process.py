# A real broker as a child process: data directory, free ports, ready file, signals. Dies with its test.
# PRISMBUS_BIN names the folder of prismbusd; everything else it makes lies in a temporary directory of its own.
import atexit
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from waiting import DEFAULT_SECONDS, eventually

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("PRISMBUS_BIN", os.path.join(ROOT, "build", "release", "bin"))
MAP_BYTES = 1 << 30  # reserved, not used: valgrind and small machines cannot map the default
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def scratch_dir(prefix="prismbus-"):
    """A directory of this process's own, gone when it ends."""
    path = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


class Broker:
    """start() ... kill() or stop(); may be started again on the same directory."""

    def __init__(self, data_dir=None, args=(), env=None, nofile=None, program="prismbusd",
                 requests=("tcp://127.0.0.1:0",), changes=("tcp://127.0.0.1:0",), map_bytes=MAP_BYTES):
        self.scratch = scratch_dir()
        self.data_dir = data_dir or os.path.join(self.scratch, "data")
        self.ready_file = os.path.join(self.scratch, "ready.json")
        self.log_path = os.path.join(self.scratch, "log")
        self.args, self.env, self.nofile = list(args), dict(env or {}), nofile
        self.program = program if os.path.isabs(program) else os.path.join(BIN, program)
        self.want_requests, self.want_changes, self.map_bytes = requests, changes, map_bytes
        self.process, self.ready = None, None

    def command(self):
        line = [self.program, "--data-dir", self.data_dir, "--ready-file", self.ready_file]
        for endpoint in self.want_requests:
            line += ["--requests", endpoint]
        for endpoint in self.want_changes:
            line += ["--changes", endpoint]
        if self.map_bytes is not None:
            line += ["--map-bytes", str(self.map_bytes)]
        return line + self.args

    def spawn(self):
        """Starts the process and does not wait for it."""
        if os.path.exists(self.ready_file):
            os.unlink(self.ready_file)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **self.env}, preexec_fn=self.in_child)
        return self

    def in_child(self):
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if self.nofile is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.nofile, self.nofile))

    def start(self, seconds=DEFAULT_SECONDS):
        self.spawn()
        return self.await_ready(seconds)

    def await_ready(self, seconds=DEFAULT_SECONDS):
        try:
            eventually(lambda: self.process.poll() is not None or os.path.exists(self.ready_file), seconds,
                       "the ready file", every=0.002)
            if self.process.poll() is not None:
                raise AssertionError(f"the broker ended with {self.process.returncode} instead of serving")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None
        with open(self.ready_file, encoding="utf-8") as file:
            self.ready = json.load(file)
        return self

    def restart_on_its_ports(self, seconds=DEFAULT_SECONDS):
        """Starts it again where its clients look for it; another process may hold a port for a moment."""
        wanted = self.want_requests, self.want_changes
        self.want_requests, self.want_changes = self.ready["requests"], self.ready["changes"]
        try:
            eventually(self.try_start, seconds, "the restart on the same ports", every=0.1)
        finally:
            self.want_requests, self.want_changes = wanted

    def try_start(self):
        try:
            self.start()
        except AssertionError:
            return False
        return True

    @property
    def requests(self):
        return self.ready["requests"][0]

    @property
    def changes(self):
        return self.ready["changes"][0]

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        if not os.path.exists(self.log_path):
            return "(no log)"
        with open(self.log_path, "rb") as file:
            return file.read()[-8000:].decode(errors="replace")

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        """SIGKILL, as a crash of the process would end it."""
        if self.alive():
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def ended(self, seconds=DEFAULT_SECONDS):
        """Waits for the end and gives the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the broker did not end within {seconds} s\n{self.log()}") from None

    def stop(self, seconds=DEFAULT_SECONDS):
        """TERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return self.ended(seconds)

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def grown_kib(self, before):
        """How much more memory it holds than `before`; 0 where that is not judged: sanitizers keep what is freed."""
        return self.rss_kib() - before if os.environ.get("PRISMBUS_MEMORY_JUDGED", "1") == "1" else 0

    def remove(self):
        """Ends it whatever its state and removes all it left."""
        self.kill()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            print(f"---- log of the broker\n{self.log()}\n----", file=sys.stderr)
        self.remove()


def run_broker(*args, seconds=DEFAULT_SECONDS, env=None):
    """Runs prismbusd to its end; (exit code, standard output, standard error). For command lines that are refused."""
    done = subprocess.run([os.path.join(BIN, "prismbusd"), *args], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=seconds, env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout, done.stderr


def milliseconds_since(start):
    return (time.monotonic() - start) * 1000
