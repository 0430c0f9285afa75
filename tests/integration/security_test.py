# Nobody in where they do not belong: a broker with security on, through real sockets, by a client that is written from
# the contract. Negative cases first. I10 throughout: nothing of a namespace reaches who may not read it.
import json
import os
import sys
import time
import unittest

import zmq

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from prismbus_client import Client, tune
from secured import SecureClient, Security, curve
from secured_case import CANARY, KEY, Secured
from waiting import eventually

class Admission(Secured):
    def test_who_speaks_no_curve_gets_no_answer(self):
        with Client(self.broker.requests) as plain:
            plain.send("hello")
            self.assertIsNone(plain.receive(1))

    def test_who_has_another_key_of_the_broker_gets_no_answer(self):
        with SecureClient(self.broker.requests, zmq.curve_keypair()[0].decode()) as mistaken:
            mistaken.send("hello")
            self.assertIsNone(mistaken.receive(1))

    def test_without_a_token_hello_tells_only_what_a_join_needs(self):
        stranger = self.stranger()
        greeting = stranger.hello()
        self.assertEqual(greeting["principal"], "anonymous")
        self.assertTrue(greeting["sealed"] and greeting["stream_curve"])
        self.refused(stranger, "unauthenticated", "get", ns="a", key=KEY)
        self.refused(stranger, "unauthenticated", "ack", applied={})

    def test_bad_tokens_are_refused_and_then_the_connection_is_cut(self):
        good = self.security.token("x", ["a"])
        for bad in ("", "x", "a.b.c", good[:-4] + "AAAA", good + "x", good.split(".")[0] + ".." + good.split(".")[2]):
            self.refused(self.stranger(), "unauthenticated", "hello", token=bad)
        stubborn = self.stranger()
        for n in range(100):
            stubborn.send("hello", token=f"bad.{n}.token")
        answers = 0
        while stubborn.receive(1) is not None:
            answers += 1
        self.assertLess(answers, 40)
        self.assertEqual(self.admin.get("c", KEY)["value"], f"{CANARY}-value")

    def test_a_token_of_one_request_counts_for_that_one_alone(self):
        stranger = self.stranger()
        token = self.security.token("once", ["c"])
        self.assertTrue(stranger.call("get", ns="c", key=KEY, token=token)["ok"])
        self.refused(stranger, "unauthenticated", "get", ns="c", key=KEY)

    def test_a_hello_with_another_token_makes_it_somebody_else(self):
        client = self.client("first", ["c"])
        self.assertTrue(client.call("get", ns="c", key=KEY)["ok"])
        client.hello(token=self.security.token("second", ["a"]))
        self.refused(client, "permission_denied", "get", ns="c", key=KEY)


class Keys(Secured):
    def test_keys_that_come_and_go_count_at_once(self):
        client = self.client("steady", ["c"])
        self.security.add_key("second")
        later = self.security.token("later", ["c"], kid="second")
        eventually(lambda: self.stranger().ask("hello", token=later)["ok"], what="the new key in force")
        self.security.retire_key("first")
        eventually(lambda: not client.ask("get", ns="c", key=KEY)["ok"], what="the old key gone")
        self.refused(client, "unauthenticated", "get", ns="c", key=KEY)
        self.security.write("tokens.jwks", "{")  # what cannot be taken leaves the former keys in force
        eventually(lambda: "token_keys_not_taken" in self.broker.log(), what="the bad file told")
        self.assertTrue(self.stranger().ask("hello", token=later)["ok"])
        self.security.write_keys()
        type(self).admin.close()
        type(self).admin = self.client_of(self.security.admin())


# One row an operation, one column a role: what it gets. `-` = permission_denied, `+` = not that.
# Of namespace `a.b`; none = a token without rights, near = rights beside and below it, but not on it.
ROLES = {
    "none": {},
    "near": {"read": ["a", "a.b.c", "a-b", "d.**"], "write": ["a", "a.b.c", "a-b", "d.**"]},
    "reader": {"read": ["a.b"]},
    "writer": {"write": ["a.b"]},
    "below": {"read": ["a.**"], "write": ["a.**"]},
    "admin_only": {"admin": ["**"]},
    "everything": {"read": ["**"], "write": ["**"], "admin": ["**"]},
}
MATRIX = [
    # op, fields, none near reader writer below admin_only everything
    ("hello", {}, "+++++++"),
    ("status", {}, "+++++++"),
    ("get", {"ns": "a.b", "key": KEY}, "--+-+-+"),
    ("get", {"ns": "a.b", "key": "absent"}, "--+-+-+"),
    ("get", {"ns": "a.b", "key": KEY, "at": 3}, "--+-+-+"),
    ("mget", {"ns": "a.b", "keys": [KEY]}, "--+-+-+"),
    ("list", {"ns": "a.b"}, "--+-+-+"),
    ("list", {"ns": "a.b", "subtree": True}, "+++++++"),
    ("namespaces", {"under": "a"}, "+++++++"),
    ("history", {"ns": "a.b", "key": KEY}, "--+-+-+"),
    ("diff", {"ns": "a.b", "from": 1, "to": 0}, "--+-+-+"),
    ("snapshot", {"ns": "a.b"}, "--+-+-+"),
    ("snapshot", {"under": "a.b"}, "+++++++"),
    ("changes", {"since": {"a.b": 0}}, "--+-+-+"),
    ("changes", {"under": "a.b", "since_rev": 0}, "+++++++"),
    ("keys", {"ns": ["a.b"]}, "+++++++"),
    ("subscribers", {"ns": "a.b"}, "--+-+-+"),
    ("subscribers", {}, "+++++++"),
    ("wait_applied", {"ns": "a.b", "seq": 1, "timeout_ms": 1}, "--+-+-+"),
    ("put", {"ns": "a.b", "key": "w", "value": 1}, "---++-+"),
    ("delete", {"ns": "a.b", "key": "absent"}, "---++-+"),
    ("txn", {"do": [{"op": "put", "ns": "a.b", "key": "w", "value": 1}]}, "---++-+"),
    ("txn", {"do": [{"op": "put", "ns": "a.b", "key": "w", "value": 1},
                    {"op": "put", "ns": "c", "key": "w", "value": 1}]}, "------+"),
    ("txn", {"do": [{"op": "put", "ns": "a.b", "key": "w", "value": 1}], "if": [{"ns": "a.b", "key": "x", "rev": 0}]},
     "----+-+"),
    ("rollback", {"ns": "a.b", "to": 3}, "---++-+"),
    ("backup", {"name": "b"}, "-----++"),
    ("audit", {}, "-----++"),
    ("put", {"ns": "_system.policy", "key": "x.y", "value": {}}, "-----++"),
    ("get", {"ns": "_system.policy", "key": "x.y"}, "-----++"),
    ("list", {"ns": "_system.policy"}, "-----++"),
    ("snapshot", {"ns": "_system.policy"}, "-----++"),
    ("put", {"ns": "_system.other", "key": "k", "value": 1}, "-----++"),
]


class Permissions(Secured):
    def test_every_operation_asks_for_its_right(self):
        cells = 0
        for column, (role, rights) in enumerate(ROLES.items()):
            client = self.client(f"role-{role}", **rights)
            for op, fields, row in MATRIX:
                with self.subTest(op=op, fields=fields, role=role):
                    token = {"token": client.token} if op == "hello" else {}
                    reply = client.ask(op, **fields, **token)
                    code = None if reply["ok"] else reply["error"]["code"]
                    if row[column] == "-":
                        self.assertEqual(code, "permission_denied")
                        self.assertNotIn(CANARY, repr(reply))
                    else:
                        self.assertNotIn(code, ("permission_denied", "unauthenticated"))
                    cells += 1
        self.assertEqual(cells, len(MATRIX) * len(ROLES))

    def test_what_lies_below_is_shown_only_where_it_may_be_read(self):
        client = self.client("partly", ["a", "a.b.c", "d.**"])
        readable = ["a", "a.b.c", "d.e"]
        everything = {"under": ""}
        self.assertEqual([row["ns"] for row in client.namespaces()], readable)
        self.assertEqual(sorted({entry["ns"] for entry in client.list("a", subtree=True)}), ["a", "a.b.c"])
        snapshot = client.call("snapshot", **everything)
        self.assertEqual(sorted(snapshot["heads"]), readable)
        changes = client.call("changes", since_rev=0, **everything)
        self.assertEqual(sorted({s["ns"] for s in changes["sets"]}), readable)
        self.assertEqual(sorted(changes["heads"]), readable)
        self.assertEqual(client.call("keys")["keys"][0]["kind"], "node")
        self.assertEqual(sorted({row["ns"] for row in client.call("keys")["keys"]}), ["a", "a.b.c", "d"])
        self.admin.put("_system.policy", "a.b", {"deny": {"most": ["read"]}})
        most = self.client("most", ["**"]).call("keys")["keys"]
        told = {(row["ns"], row["kind"]) for row in most if row["ns"] in ("a", "a.b", "a.b.c", "a-b", "c", "d")}
        self.assertEqual(told, {("a", "leaf"), ("a.b.c", "node"), ("a-b", "node"), ("c", "node"), ("d", "node")})
        self.admin.delete("_system.policy", "a.b")
        each = client.call("changes", since={"a": 0, "a.b": 0, "nowhere": 0})
        self.assertEqual({ns: error["code"] for ns, error in each["failed"].items()},
                         {"a.b": "permission_denied", "nowhere": "permission_denied"})

    def test_pages_go_on_among_what_may_not_be_read(self):
        for n in range(40):
            self.admin.put(f"many.n{n:02}", "k", n)
        client = self.client("few", [f"many.n{n:02}" for n in (3, 17, 38)])
        rows = [row["ns"] for page in client.pages("namespaces", under="many", limit=1) for row in page["namespaces"]]
        self.assertEqual(rows, ["many.n03", "many.n17", "many.n38"])
        entries = [e["ns"] for page in client.pages("list", ns="many", subtree=True, limit=1) for e in page["entries"]]
        self.assertEqual(entries, rows)
        keys = [row["ns"] for page in client.pages("keys", under=["many"], limit=1) for row in page["keys"]]
        self.assertEqual(sorted(set(keys)), rows)

    def test_roles_and_denies_of_the_policy_count_at_once_and_a_deny_wins(self):
        client = self.client("worker", ["c"])
        self.refused(client, "permission_denied", "get", ns="d.e", key=KEY)
        self.admin.put("_system.policy", "d.**", {"roles": {"worker": ["read"]}})
        self.assertEqual(client.get("d.e", KEY)["value"], f"{CANARY}-value")
        self.admin.put("_system.policy", "c", {"deny": {"worker": ["read"]}})
        self.refused(client, "permission_denied", "get", ns="c", key=KEY)
        self.admin.put("_system.policy", "**", {"roles": {"*": ["read"]}})
        self.assertEqual(client.get("a", KEY)["value"], f"{CANARY}-value")
        self.refused(client, "permission_denied", "get", ns="c", key=KEY)
        self.refused(client, "permission_denied", "get", ns="_system.policy", key="**")
        for pattern in ("d.**", "c", "**"):
            self.admin.delete("_system.policy", pattern)
        self.refused(client, "permission_denied", "get", ns="d.e", key=KEY)

    def test_nobody_takes_admin_from_himself(self):
        before = self.admin.call("status")["applied"]
        for pattern, who in (("**", "root"), ("**", "*")):
            error = self.refused(self.admin, "rejected", "put", ns="_system.policy", key=pattern,
                                 value={"deny": {who: ["admin"]}})
            self.assertIn("admin", error["reason"])
        self.refused(self.admin, "rejected", "put", ns="_system.revoked", key="sub/root",
                     value={"before": int(time.time() + 60) * 1_000_000})
        self.assertEqual(self.admin.call("status")["applied"], before)
        by_role = self.client("by-role")
        self.admin.put("_system.policy", "**", {"roles": {"by-role": ["admin"]}})
        self.refused(by_role, "rejected", "delete", ns="_system.policy", key="**")
        self.admin.delete("_system.policy", "**")

    def test_rules_that_are_none_are_refused_and_name_the_place(self):
        for value, path in (({"roles": {"x": ["own"]}}, "value.roles.x"), ({"roles": ["x"]}, "value.roles"),
                            ({"deny": {"x": "read"}}, "value.deny.x"), ({"secret": "yes"}, "value.secret"),
                            ({"roles": {"": ["read"]}}, "value.roles")):
            error = self.refused(self.admin, "rejected", "put", ns="_system.policy", key="a.**", value=value)
            self.assertEqual(error["path"], path)
        for key, value, path in (("x", {}, "key"), ("token/abc", {}, "key"), ("sub/x", {}, "value.before"),
                                 ("sub/x", {"before": "now"}, "value.before"), ("sub/x", {"by": 1}, "value.by")):
            error = self.refused(self.admin, "rejected", "put", ns="_system.revoked", key=key, value=value)
            self.assertEqual(error["path"], path)


class FirstPolicy(unittest.TestCase):
    POLICY = '{"feed.**": {"lane": "express", "roles": {"feeder": ["write"]}}}'

    def started(self, security, broker):
        broker.start()
        self.addCleanup(broker.remove)
        client = SecureClient(broker.requests, security.public, security.admin())
        self.addCleanup(client.close)
        return client

    def test_the_first_start_writes_it_and_later_ones_do_not(self):
        security = Security()
        security.write("policy.json", self.POLICY)
        broker = security.broker()
        client = self.started(security, broker)
        entry = client.get("_system.policy", "feed.**")
        self.assertEqual((entry["by"], entry["value"]["roles"]), ("_broker", {"feeder": ["write"]}))
        client.delete("_system.policy", "feed.**")
        broker.kill()
        broker.restart_on_its_ports()
        with SecureClient(broker.requests, security.public, security.admin()) as again:
            self.assertEqual(again.ask("get", ns="_system.policy", key="feed.**")["error"]["code"], "not_found")

    def test_one_that_is_none_is_no_start(self):
        too_many = json.dumps({f"a{n}": {} for n in range(1001)})
        for text, why in (("[]", "map"), ('{"a.*": {}}', "a.*"), ('{"a": {"rolls": {}}}', "value.rolls"),
                          (too_many, "does not fit into one transaction")):
            security = Security()
            security.write("policy.json", text)
            broker = security.broker()
            self.addCleanup(broker.remove)
            broker.spawn()
            self.assertNotEqual(broker.process.wait(20), 0)
            self.assertIn("policy.json", broker.log())
            self.assertIn(why, broker.log())


class AllowList(Secured):
    def test_only_listed_keys_are_admitted(self):
        security = Security()
        pair = zmq.curve_keypair()
        security.write("clients.allow", f"# feeds\n{pair[0].decode()}\n")
        broker = security.broker().start()
        self.addCleanup(broker.remove)
        with SecureClient(broker.requests, security.public, security.admin(), pair) as listed:
            self.assertEqual(listed.greeting["principal"], "root")
        with SecureClient(broker.requests, security.public) as other:
            other.send("hello", token=security.admin())
            self.assertIsNone(other.receive(1))

    def listing(self, *pairs):
        """A broker that admits these keys, and a way to give it another list."""
        security = Security()

        def write(*listed):
            security.write("clients.allow", "".join(f"{pair[0].decode()}\n" for pair in listed))
        write(*pairs)
        broker = security.broker().start()
        self.addCleanup(broker.remove)
        return security, broker, write

    def joined(self, security, broker, pair):
        """A client with that key, and a raw SUB with it whose subscription is in force."""
        client = SecureClient(broker.requests, security.public, security.admin(), pair)
        self.addCleanup(client.close)
        socket = curve(tune(zmq.Context.instance().socket(zmq.SUB)), security.public, pair)
        self.addCleanup(socket.close)
        socket.connect(broker.changes)
        for topic in (b"a/", b"\xffbar/" + os.urandom(16)):
            socket.setsockopt(zmq.SUBSCRIBE, topic)
        self.assertTrue(socket.recv().startswith(b"\xffbar/"))
        return client, socket

    def taken(self, broker, times):
        eventually(lambda: broker.log().count("event=client_list_taken") == times, 20, "the list is taken")

    def test_a_key_that_is_no_longer_listed_is_cut_and_not_let_in_again(self):
        stays, leaves, comes = (zmq.curve_keypair() for _ in range(3))
        security, broker, write = self.listing(stays, leaves)
        staying, stream = self.joined(security, broker, stays)
        leaving, lost = self.joined(security, broker, leaves)
        with SecureClient(broker.requests, security.public, None, comes) as early:
            early.send("hello")
            self.assertIsNone(early.receive(0.5), "not listed yet")
        write(stays, comes)
        self.taken(broker, 1)
        eventually(lambda: "event=clients_cut no_longer_listed=2" in broker.log(), 20, "both of its connections are cut")
        leaving.send("put", ns="a", key="k", value=0)
        self.assertIsNone(leaving.receive(1))
        seq = staying.put("a", "k", 1)["seq"]
        self.assertEqual(seq, 1, "nothing of the other one was written")
        self.assertTrue(stream.poll(10_000))
        self.assertFalse(lost.poll(500), "it is pushed nothing")
        with SecureClient(broker.requests, security.public, None, leaves) as again:
            again.send("hello")
            self.assertIsNone(again.receive(1))
        self.joined(security, broker, comes)
        write(stays, leaves, comes)
        self.taken(broker, 2)
        self.joined(security, broker, leaves)
        self.assertTrue(staying.ask("get", ns="a", key="k")["ok"], "on the connection it always had")

    def test_a_list_that_is_gone_or_nonsense_leaves_the_former_one_in_force(self):
        listed, other = zmq.curve_keypair(), zmq.curve_keypair()
        security, broker, write = self.listing(listed)
        client, _ = self.joined(security, broker, listed)
        os.unlink(security.path("clients.allow"))
        eventually(lambda: "is gone: the former list stays in force" in broker.log(), 20, "told as gone")
        security.write("clients.allow", "nonsense\n")
        eventually(lambda: "clients.allow:1: a CURVE key is 40 characters" in broker.log(), 20, "told as nonsense")
        with SecureClient(broker.requests, security.public, None, other) as stranger:
            stranger.send("hello")
            self.assertIsNone(stranger.receive(1))
        self.assertTrue(client.ask("status")["ok"])
        write(listed, other)
        self.taken(broker, 1)
        self.joined(security, broker, other)
        records = [r for r in client.call("audit", by="_broker")["records"] if r["what"] == "client_list"]
        self.assertEqual([r.get("code") for r in records], ["not_found", "invalid_argument", None])
        self.assertEqual(records[2]["note"], "read anew, 2 keys")

    def test_a_list_that_comes_later_counts_for_who_is_there(self):
        listed, other = zmq.curve_keypair(), zmq.curve_keypair()
        security = Security()
        broker = security.broker().start()
        self.addCleanup(broker.remove)
        client, _ = self.joined(security, broker, listed)
        self.joined(security, broker, other)
        security.write("clients.allow", listed[0].decode() + "\n")
        eventually(lambda: "event=clients_cut no_longer_listed=2" in broker.log(), 20, "who is not on it is cut")
        self.assertTrue(client.ask("status")["ok"])


class Start(unittest.TestCase):
    def fails(self, security, *texts, args=()):
        broker = security.broker(args)
        self.addCleanup(broker.remove)
        broker.spawn()
        self.assertNotEqual(broker.process.wait(20), 0)
        for text in texts:
            self.assertIn(text, broker.log())

    def test_half_a_configuration_is_no_start_and_names_the_file(self):
        for name in ("curve.secret", "tokens.jwks", "stream.master"):
            security = Security()
            os.unlink(security.path(name))
            self.fails(security, name)
        for name, content in (("curve.secret", "short\n"), ("stream.master", b"\0" * 32), ("stream.master", b"x" * 31),
                              ("stream.master", bytes(range(32))), ("tokens.jwks", "{}"),
                              ("tokens.jwks", '{"keys": []}'), ("clients.allow", "nonsense\n")):
            security = Security()
            security.write(name, content)
            self.fails(security, name)
        for name in ("curve.secret", "stream.master"):
            security = Security()
            os.chmod(security.path(name), 0o644)
            self.fails(security, name)

    def test_insecure_and_security_exclude_each_other(self):
        self.fails(Security(), "--insecure", args=["--insecure"])

    def test_secrets_stand_in_no_log(self):
        security = Security()
        broker = security.broker(["--log-level", "debug"]).start()
        self.addCleanup(broker.remove)
        token = security.admin()
        with SecureClient(broker.requests, security.public, token) as client:
            client.put("a", "k", CANARY)
            client.ask("hello", token=token + "x")
        with open(security.path("curve.secret"), encoding="ascii") as file:
            secret = file.read().strip()
        with open(f"/proc/{broker.pid}/status", encoding="ascii") as file:
            self.assertIn("VmRSS", file.read())
        for word in (CANARY, secret, token, token.split(".")[2]):
            self.assertNotIn(word, broker.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
