# The `prismbus` command as a child process: run to its end, or `watch` with its lines read as they come.
import json
import os
import subprocess
import threading

from broker_process import BIN
from waiting import DEFAULT_SECONDS, eventually

PROGRAM = os.path.join(BIN, "prismbus")


def run_command(endpoint, *args, text=None, seconds=60, env=None):
    """(exit code, standard output, standard error)."""
    done = subprocess.run([PROGRAM, *args], input=text, capture_output=True, text=True, timeout=seconds, check=False,
                          env={**os.environ, "PRISMBUS_BROKER": endpoint, "NO_COLOR": "1", **(env or {})},
                          stdin=subprocess.DEVNULL if text is None else None)
    return done.returncode, done.stdout, done.stderr


class Watch:
    """`prismbus watch NS --json`; keeps the state that its lines tell, as somebody who only reads them would."""

    def __init__(self, endpoint, *args, env=None):
        self.process = subprocess.Popen([PROGRAM, "watch", *args, "--json"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "PRISMBUS_BROKER": endpoint, **(env or {})})
        self.values, self.seq, self.hashes, self.types = {}, {}, {}, []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.take(json.loads(line))

    def take(self, line):
        self.types.append(line["type"])
        for entry in line.get("entries", ()):
            self.values[entry["ns"], entry["key"]] = entry["value"]
        for change in line.get("changes", ()):
            if change["op"] == "delete":
                self.values.pop((line["ns"], change["key"]), None)
            else:
                self.values[line["ns"], change["key"]] = change["value"]
        for ns, head in line.get("heads", {}).items():
            self.seq[ns] = head["seq"]
        if "seq" in line:
            self.seq[line["ns"]] = line["seq"]

    def await_subscribed(self, seconds=DEFAULT_SECONDS):
        eventually(lambda: "subscribed" in self.types or self.process.poll() is not None, seconds, "`subscribed`")

    def await_seq(self, ns, seq, seconds=60):
        eventually(lambda: self.seq.get(ns, 0) >= seq, seconds, f"seq {seq} of {ns}; types {self.types[-5:]}")

    def stop(self):
        """TERM; the exit code."""
        self.process.terminate()
        code = self.process.wait(DEFAULT_SECONDS)
        self.reader.join(DEFAULT_SECONDS)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.stop()
