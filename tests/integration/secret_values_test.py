# Namespaces that the policy calls secret: their values lie sealed on the disk, in the journal, in the state and in backups, and
# are read as everything else by whoever may; a directory or backup with any says whose master it needs, and is served with no
# other (I10, I9).
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import Broker, run_broker
from prismbus_client import Client
from secured import SecureClient, Security
from waiting import eventually

FOLD_AT_ONCE = ["--fold-changes-min", "1", "--fold-wait-ms", "0"]
NEVER_FOLD = ["--fold-changes-min", "60000", "--fold-wait-ms", "60000"]
SECRET, PUBLIC = b"canary-of-a-secret", b"canary-of-a-price"


def files_under(directory):
    for folder, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                yield os.path.join(folder, name), file.read()


class SecretValues(unittest.TestCase):
    def setUp(self):
        self.security = Security()
        self.start(Broker(args=["--security", self.security.dir, *self.fold()]))
        self.client.put("_system.policy", "risk.**", {"secret": True})

    def fold(self):
        return FOLD_AT_ONCE

    def start(self, broker):
        self.broker = broker
        self.addCleanup(broker.remove)
        self.broker.start()
        self.connect()

    def connect(self):
        self.client = SecureClient(self.broker.requests, self.security.public, self.security.admin())
        self.addCleanup(self.client.close)

    def again(self, *more):
        self.client.close()
        self.broker.kill()
        self.broker.args += list(more)
        self.broker.start()
        self.connect()

    def folded(self, rev):
        eventually(lambda: self.client.call("status")["folded"] >= rev, what=f"{rev} folded")

    def written(self):
        """A history with every kind of write in it; answers what is there at each revision."""
        shade = random.Random(7)
        now, moments = {}, {}
        for n in range(60):
            ns = shade.choice(["risk", "risk.accounts", "md.okx"])
            mark = (PUBLIC if ns == "md.okx" else SECRET).decode()
            key, value = f"k{n % 5}", {"token": f"{mark}-{n}", "pad": "x" * shade.choice([0, 1, 50, 5000])}
            if n % 9 == 8 and (ns, key) in now:
                rev = self.client.delete(ns, key)["rev"]
                del now[ns, key]
            elif n % 7 == 6:
                reply = self.client.txn([{"op": "put", "ns": "risk", "key": key, "value": value},
                                         {"op": "put", "ns": "md.okx", "key": key, "value": n}])
                rev = reply["rev"]
                now["risk", key], now["md.okx", key] = value, n
            else:
                rev = self.client.put(ns, key, value)["rev"]
                now[ns, key] = value
            moments[rev] = dict(now)
        return moments

    def read_everything(self, moments):
        last = max(moments)
        now = moments[last]
        for ns in ("risk", "risk.accounts", "md.okx"):
            want = {key: value for (name, key), value in now.items() if name == ns}
            self.assertEqual({row["key"]: row["value"] for row in self.client.list(ns)}, want)
            self.assertEqual({row["key"]: row["value"] for row in self.client.call("snapshot", ns=ns)["entries"]}, want)
            for key, value in want.items():
                self.assertEqual(self.client.get(ns, key)["value"], value)
            keys = sorted(want)
            self.assertEqual([row["value"] for row in self.client.call("mget", ns=ns, keys=keys)["entries"]],
                             [want[key] for key in keys])
        middle = sorted(moments)[len(moments) // 2]
        for rev in sorted(moments)[::7]:
            for ns in ("risk", "risk.accounts"):
                want = {key: value for (name, key), value in moments[rev].items() if name == ns}
                self.assertEqual({row["key"]: row["value"] for row in self.client.list(ns, at=rev)}, want, rev)
                for key in ("k0", "k1"):
                    reply = self.client.ask("get", ns=ns, key=key, at=rev)
                    self.assertEqual(reply["entry"]["value"] if reply["ok"] else None, want.get(key), (rev, ns, key))
        for row in self.client.call("history", ns="risk", key="k0")["versions"]:
            if row["op"] == "put":
                self.assertEqual(row["value"], moments[row["rev"]]["risk", "k0"])
        for row in self.client.call("diff", ns="risk", to=middle, **{"from": min(moments)})["changes"]:
            for side, rev in (("before", min(moments)), ("after", middle)):
                present = moments[rev].get(("risk", row["key"]))
                self.assertEqual(row.get(side, {}).get("value"), present, (side, row["key"]))
        seen = {}
        for change_set in self.client.call("changes", since={"risk": 0})["sets"]:
            for change in change_set["changes"]:
                seen[change["key"]] = change.get("value")
        self.assertEqual({key: value for key, value in seen.items() if value is not None},
                         {key: value for (ns, key), value in now.items() if ns == "risk"})

    def only_sealed_on_disk(self, directory):
        found = b"".join(content for _, content in files_under(directory))
        self.assertIn(PUBLIC, found, "what is no secret is there as it is, or this test could not fail")
        for path, content in files_under(directory):
            self.assertNotIn(SECRET, content, path)

    def check(self, what):
        status, out, err = run_broker("check", what)
        self.assertEqual((status, err), (0, ""), out)
        self.assertIn("sealed: to serve them the stream.master", out)
        return out

    def test_they_are_read_by_every_op_and_lie_sealed_on_the_disk(self):
        moments = self.written()
        self.read_everything(moments)
        self.folded(max(moments))
        self.read_everything(moments)
        self.again()
        self.read_everything(moments)
        self.only_sealed_on_disk(self.broker.data_dir)
        rows = {row["ns"]: row.get("secret", False) for row in self.client.namespaces()}
        self.assertEqual({ns for ns, secret in rows.items() if secret}, {"risk", "risk.accounts"})
        self.client.close()
        self.broker.stop()
        self.check(self.broker.data_dir)

    def test_no_other_master_serves_them_and_none_neither(self):
        self.client.put("risk", "k", SECRET.decode())
        self.client.close()
        self.broker.stop()
        other = Security()
        for args in ([], ["--security", other.dir]):
            broker = Broker(data_dir=self.broker.data_dir, args=args)
            self.addCleanup(broker.remove)
            self.assertFalse(broker.try_start(), args)
            self.assertIn("stream.master", broker.log(), args)
        with open(self.security.path("stream.master"), "rb") as file:
            other.write("stream.master", file.read())
        self.security = other
        self.start(Broker(data_dir=self.broker.data_dir, args=["--security", other.dir]))
        self.assertEqual(self.client.get("risk", "k")["value"], SECRET.decode())

    def test_a_backup_and_a_state_made_anew_need_no_key_and_stay_sealed(self):
        backups = os.path.join(self.broker.scratch, "backups")
        self.again("--backup-dir", backups)
        moments = self.written()
        self.folded(max(moments))
        path = self.client.call("backup", name="secret.backup")["path"]
        with open(path, "rb") as file:
            content = file.read()
        self.assertNotIn(SECRET, content)
        self.assertIn(PUBLIC, content)
        told = self.check(path).split("stream.master ")[1]
        restored = os.path.join(self.broker.scratch, "restored")
        status, out, err = run_broker("restore", path, "--data-dir", restored)
        self.assertEqual((status, err), (0, ""), out)
        self.assertEqual(out.split("stream.master ")[1], told.split("\n")[0] + "\n", "the same master")
        status, out, err = run_broker("rebuild", "--data-dir", restored)
        self.assertEqual((status, err), (0, ""), out)
        self.only_sealed_on_disk(restored)
        self.client.close()
        self.start(Broker(data_dir=restored, args=["--security", self.security.dir, *FOLD_AT_ONCE]))
        self.read_everything(moments)

    def test_what_was_written_before_stays_as_it_was_and_the_newest_rule_counts(self):
        self.client.put("later", "k", "plain-before")
        self.client.put("_system.policy", "later", {"secret": True})
        self.client.put("later", "k2", "sealed-after")
        self.client.put("_system.policy", "later", {"secret": False})
        self.folded(self.client.put("later", "k3", "plain-again")["rev"])
        found = b"".join(content for _, content in files_under(self.broker.data_dir))
        self.assertIn(b"plain-before", found)
        self.assertIn(b"plain-again", found)
        self.assertNotIn(b"sealed-after", found)
        self.assertEqual([row["value"] for row in self.client.list("later")],
                         ["plain-before", "sealed-after", "plain-again"])
        self.client.call("rollback", ns="later", to=self.client.get("later", "k2")["rev"])
        self.assertEqual([row["key"] for row in self.client.list("later")], ["k", "k2"])

    def test_without_security_nothing_can_be_made_secret(self):
        broker = Broker()
        self.addCleanup(broker.remove)
        broker.start()
        with Client(broker.requests) as client:
            reply = client.ask("put", ns="_system.policy", key="risk", value={"secret": True})
            self.assertEqual(reply["error"]["code"], "rejected")
            self.assertEqual(reply["error"]["path"], "value.secret")
            self.assertIn("security", reply["error"]["reason"])
            reply = client.ask("put", ns="_system.policy", key="risk", value={"secret": "yes"})
            self.assertEqual((reply["error"]["code"], reply["error"]["path"]), ("rejected", "value.secret"))


class SecretTail(SecretValues):
    """The same with a journal that is never folded: what a start replays."""

    def fold(self):
        return NEVER_FOLD

    def folded(self, rev):
        pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
