# Every example of every --help is run, by bash, against a broker that holds what the example speaks of: an example that
# no longer works fails here. An example that says "exit code N" may end with N. Each command has a broker of its own.
import os
import re
import signal
import subprocess
import time
import unittest

from command_case import PRISMBUS, ROOT

from broker_process import Broker, scratch_dir
from waiting import eventually

SECONDS = 60
TIERS = os.path.join(ROOT, "broker", "sample", "leverage_tiers.jsonl")
# What the examples find in their folder: files, and the programs they pipe from or run.
FILES = {
    "collector.yaml": "nats:\n  url: ${NATS_URL:-nats://localhost}\nsymbols: [BTC-USDT]\n",
    "limits.yaml": "rate: 5\n",
    "tiers.json": '{"BTC": [1, 2], "ETH": [3]}\n',
    "gateway.toml": "port = 8080\n[tls]\non = true\n",
    ".env": "PORT=8080\n",
    "changes.json": '{"do": [{"op": "put", "ns": "md.okx", "key": "a", "value": 1}]}\n',
    "programs/render-config": "#!/bin/sh\necho 'rate: 5'\n",
    "programs/make-changes": "#!/bin/sh\necho '{\"do\": [{\"op\": \"put\", \"ns\": \"md.okx\", \"key\": \"b\", \"value\": 1}]}'\n",
    "reload.sh": "#!/bin/sh\nexit 0\n",
    "programs/editor": "#!/bin/sh\necho '{rate: 7}' > \"$1\"\n",
}
# What each command's examples need before the first of them; revisions in examples are those of md.okx api/timeout.
OKX = "put md.okx api/timeout 30;put md.okx symbols/BTC-USDT true;put md.okx symbols/ETH-USDT true;put md.okx limits 1"
BEFORE = {
    "get": OKX + ";put md.okx tls/certificate --string PEM",
    "list": OKX,
    "watch": OKX,
    "delete": OKX,
    "txn": "put md.okx c 1;put md.okx primary true",
    "namespaces": OKX,
    "subscribers": OKX,
    "import": "",
    "export": "import collector.yaml md.collector;import collector.yaml services --as collector;"
              "import gateway.toml md.gateway;import .env md.gateway.env",
    "history": OKX,
    "diff": OKX + ";put md.okx api/timeout 31",
    "rollback": OKX + ";put md.okx api/timeout 31",
    "replay": OKX + ";put md.okx api/timeout 31",
    "changes": OKX,
    "snapshot": OKX,
    "put": "put md.okx limits 1",
    "token": "init --secure security",
    "keys": "init --secure security",
}
BURNED = {"put": 11, "delete": 11, "txn": 10}  # revisions to get out of the way


def commands():
    text = subprocess.run([PRISMBUS, "--help"], capture_output=True, text=True, check=True).stdout
    listed = text.split("Subcommands:")[1].split("Exit codes")[0]
    return re.findall(r"^  (\S+)", listed, re.MULTILINE)


def examples(command):
    text = subprocess.run([PRISMBUS, command, "--help"], capture_output=True, text=True, check=True).stdout
    shown = text.split("Examples:\n")[1].split("\n\n")[0]
    return [line.strip() for line in shown.splitlines() if line.strip()]


class Place:
    """A folder with the files, and a broker."""

    def __init__(self):
        self.folder = scratch_dir("prismbus-examples-")
        for name, text in FILES.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            if text.startswith("#!"):
                os.chmod(path, 0o755)
        with open(TIERS, "rb") as source, open(os.path.join(self.folder, "tiers.jsonl"), "wb") as copy:
            copy.write(source.read())
        subprocess.run(["gzip", "-k", os.path.join(self.folder, "tiers.jsonl")], check=True)
        self.broker = Broker(args=self.backup_folder()).start()

    def backup_folder(self):
        path = os.path.join(self.folder, "backups")
        os.makedirs(path)
        return ["--backup-dir", path]

    def environment(self):
        path = os.pathsep.join([os.path.dirname(PRISMBUS), os.path.join(self.folder, "programs"), os.environ["PATH"]])
        return {**os.environ, "PRISMBUS_BROKER": self.broker.requests, "PATH": path, "EDITOR": "editor", "VISUAL": ""}

    def run(self, line):
        return subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=self.folder, env=self.environment(), text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)

    def watch(self, line):
        """Runs it while something changes, until it ends or has been seen at work; then TERM, as Ctrl-C would."""
        process = subprocess.Popen(["bash", "-o", "pipefail", "-c", line], cwd=self.folder, env=self.environment(), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                   start_new_session=True)
        ends = any(word in line for word in ("--once", "--count", "--until"))
        seen = time.monotonic() + (SECONDS if ends else 2)

        def over():
            for key, value in (("symbols/x", str(time.monotonic())), ("primary", "true")):
                self.run(f"prismbus put md.okx {key} {value}")
            return process.poll() is not None or time.monotonic() > seen

        eventually(over, SECONDS * 2, line)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        out, err = process.communicate(timeout=SECONDS)
        ended = process.returncode in ((0,) if ends else (0, -signal.SIGTERM, 128 + signal.SIGTERM))
        wrong = [text for text in err.splitlines() if text.startswith("prismbus: ") and "watching" not in text]
        return ended and not wrong, f"{process.returncode}\n{out}{err}"

    def remove(self):
        self.broker.remove()


class Examples(unittest.TestCase):
    def check(self, command):
        place = Place()
        self.addCleanup(place.remove)
        for n in range(BURNED.get(command, 0)):
            self.assertEqual(place.run(f"prismbus put burned n {n}").returncode, 0)
        for line in filter(None, BEFORE.get(command, "").split(";")):
            done = place.run("prismbus " + line)
            self.assertEqual(done.returncode, 0, line + "\n" + done.stderr)
        if command == "outbox":  # filled by the example program, which finds no broker there
            done = place.run("prismbus_example_outbox tcp://127.0.0.1:1 outbox")
            self.assertEqual(done.returncode, 0, done.stderr)
        lines = examples(command)
        self.assertGreater(len(lines), 0, command)
        for line in lines:
            with self.subTest(line):
                if "prismbus watch" in line:
                    fine, text = place.watch(line)
                    self.assertTrue(fine, f"{line}\nended with {text}")
                    continue
                done = place.run(line)
                said = re.search(r"exit code (\d+)", line)
                allowed = {0, int(said[1])} if said else {0}
                self.assertIn(done.returncode, allowed, f"{line}\n{done.stdout}{done.stderr}")


def test_of(command):
    return lambda self: self.check(command)


for each in commands():
    setattr(Examples, "test_every_example_of_" + each.replace("-", "_"), test_of(each))


if __name__ == "__main__":
    unittest.main()
