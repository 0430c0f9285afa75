# Secrets stand nowhere but where they belong (A6, I10): fifty canaries are planted in a broker with security on, which is
# then driven through what works, what is refused, what is malformed and a full audit volume, at its finest log level.
# None is found in its log, its audit files, its error replies, what `status` tells, what others are answered, what the
# command says, or the command lines and environments of broker and command; what key files hold is not in the store.
#   Planted: values (written, replaced, deleted, imported, refused, malformed), notes of ordinary writes, sessions of
#   request ids, tokens taken and refused, keys that sign tokens, CURVE secrets of broker and clients, the stream's master
#   and keys derived from it. Not secret: names (of namespaces, keys, principals, rules) and notes of what an administrator
#   did, which the audit file tells.
import base64
import hashlib
import json
import os
import sys
import time
import unittest

import jwt
import zmq
from cryptography.hazmat.primitives.asymmetric import ec
from zmq.utils import z85

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "fault"))

from broker_process import scratch_dir
from canaries import PIECE, Canaries, content_of
from command_process import Watch, run_command
from prismbus_wire import Pairs, Raw, decode, encode
from secured import SecureClient, Security, coordinate
from small_disk import SmallDisk, can_mount
from waiting import eventually


def signed_part(token):
    """What makes a token one: the rest of it are claims that may be told."""
    return token.rsplit(".", 1)[1]


class PlantedSecurity(Security):
    """Holds private parts in its token keys as well, as a broker does that was set up by `prismbus init`."""

    def __init__(self, canaries):
        self.canaries, self.symmetric = canaries, {}
        super().__init__()
        self.add_symmetric("hs")
        self.pair = zmq.curve_keypair()
        for name, key in (("curve.secret", self.text("curve.secret")), ("of the client", self.pair[1].decode())):
            canaries.plant(f"key {name}", key)
            canaries.plant(f"key {name}, decoded", z85.decode(key))
        canaries.plant("key stream.master", self.bytes("stream.master"))
        self.write("clients.allow", self.pair[0].decode() + "\n")
        self.client_key = self.write("client.key", self.pair[1].decode() + "\n")

    def bytes(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def text(self, name):
        return self.bytes(name).decode().strip()

    def add_key(self, kid):
        super().add_key(kid)
        self.canaries.plant(f"key ES256 {kid}", self.keys[kid].private_numbers().private_value.to_bytes(32, "big"))

    def add_symmetric(self, kid):
        self.symmetric[kid] = os.urandom(48)
        self.canaries.plant(f"key HS256 {kid}", self.symmetric[kid])
        self.write_keys()

    def write_keys(self):
        super().write_keys()
        rows = json.loads(self.text("tokens.jwks"))["keys"]
        for row in rows:
            row["d"] = coordinate(self.keys[row["kid"]].private_numbers().private_value)
        rows += [{"kty": "oct", "alg": "HS256", "kid": kid, "k": base64.urlsafe_b64encode(key).rstrip(b"=").decode()}
                 for kid, key in self.symmetric.items()]
        self.write("tokens.jwks", json.dumps({"keys": rows}))

    def taken(self, name, *args, **rights):
        """A token that the broker takes; its signature is a canary, and so is a claim nobody knows."""
        token = self.token(*args, claim=self.canaries.plant(f"claim {name}"), **rights)
        self.canaries.plant(f"token {name}", signed_part(token))
        return token

    def refused(self, name, key=None, alg="ES256", headers=None, **claims):
        body = {"sub": "intruder", "exp": int(time.time()) + 3600, "prismbus": {"read": ["**"], "admin": ["**"]}, **claims}
        key = None if alg == "none" else key or self.keys["first"]
        token = jwt.encode(body, key, algorithm=alg, headers=headers or {"kid": "first"})
        if alg != "none":
            self.canaries.plant(f"token {name}", signed_part(token))
        return token


class Recorded(SecureClient):
    """Keeps each reply as it came."""

    def __init__(self, *args, **options):
        self.replies = []
        super().__init__(*args, **options)

    def receive_frames(self, *args):
        frames = super().receive_frames(*args)
        self.replies += frames[-1:] if frames else []
        return frames

    def refusals(self):
        return [raw for raw in self.replies if not decode(raw)["ok"]]


class Canary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.canaries = Canaries()
        cls.security = PlantedSecurity(cls.canaries)
        cls.disk = SmallDisk().__enter__() if can_mount() else None
        if cls.disk:
            cls.addClassCleanup(cls.disk.__exit__)
        cls.audit = os.path.join(cls.disk.path if cls.disk else scratch_dir(), "audit")
        cls.clients, cls.said = [], []
        cls.broker = cls.security.broker(["--log-level", "debug", "--fold-wait-ms", "0", "--audit-dir", cls.audit]).start()
        cls.addClassCleanup(cls.broker.remove)
        cls.drive()

    @classmethod
    def client(cls, token=None, pair=None):
        client = Recorded(cls.broker.requests, cls.security.public, token, pair=pair or cls.security.pair)
        cls.clients.append(client)
        cls.addClassCleanup(client.close)
        return client

    @classmethod
    def command(cls, env, *args, text=None, timeout="10s"):
        code, out, err = run_command(cls.broker.requests, "--timeout", timeout, *args, env=env, text=text)
        cls.said.append(err.encode())
        return code, out

    @classmethod
    def env(cls, name, token):
        path = cls.security.write(f"{name}.token", token + "\n")
        return {"PRISMBUS_SERVER_KEY": cls.security.public, "PRISMBUS_TOKEN_FILE": path,
                "PRISMBUS_CLIENT_KEY_FILE": cls.security.client_key}

    # ---- what is done

    @classmethod
    def drive(cls):
        plant, security = cls.canaries.plant, cls.security
        cls.admin = cls.client(security.taken("of the admin", "root", ["**"], ["**"], ["**"]))
        writer_token = security.taken("of the writer", "writer", ["vault.**"], ["vault.**"])
        cls.writer = cls.client(writer_token)
        cls.bob = cls.client(security.taken("of bob", "bob", ["open"]))
        cls.stranger = cls.client()
        cls.admin.put("open", "k", 1)
        cls.watch = Watch(cls.broker.requests, "vault", "--subtree",
                          env=cls.env("watcher", security.taken("of the watcher", "watcher", ["vault.**"])))
        cls.addClassCleanup(cls.watch.remove)
        cls.watch.await_subscribed()
        cls.write_well(plant)
        cls.write_badly(plant)
        cls.show_tokens(plant, writer_token)
        cls.change_keys(plant)
        cls.run_commands(plant)
        cls.fill_the_audit_volume(plant)

    @classmethod
    def write_well(cls, plant):
        writer = cls.writer
        sessions = [os.urandom(8), os.urandom(8)]
        for n, session in enumerate(sessions):
            plant(f"session {n}", session)
            for _ in range(2):  # the second one is a duplicate
                writer.put("vault.a", f"req{n}", plant(f"value by session {n}") if _ == 0 else None, req=[session, 1])
        writer.put("vault.a", "text", plant("value text"), note=plant("note of a put"))
        writer.put("vault.a", "map", {"deep": [{plant("value as a name"): plant("value in a map")}]})
        writer.put("vault.a", "bytes", plant("value bytes").encode())
        writer.put("vault.a", "old", plant("value replaced"))
        rev = writer.put("vault.a", "old", plant("value in its place"))["rev"]
        writer.put("vault.b", "gone", plant("value deleted"))
        writer.delete("vault.b", "gone", note=plant("note of a delete"))
        writer.txn([{"op": "put", "ns": "vault.a", "key": "t", "value": plant("value in a transaction")},
                    {"op": "put", "ns": "vault.c", "key": "t", "value": 1}], note=plant("note of a transaction"))
        writer.call("rollback", ns="vault.a", to=rev, note=plant("note of a rollback"))
        for name, client in (("node", cls.admin), ("leaf", cls.client(cls.security.token("one", ["vault.a"])))):
            row = client.call("keys")["keys"][0]
            plant(f"key of the stream, {name}", row["key"])
        cls.watch.await_seq("vault.c", 1)

    @classmethod
    def write_badly(cls, plant):
        writer, bob = cls.writer, cls.bob
        for client, name in ((bob, "bob"), (cls.stranger, "nobody")):
            client.ask("put", ns="vault.a", key="text", value=plant(f"value refused to {name}"),
                       note=plant(f"note refused to {name}"))
        for op, fields in (("get", {"ns": "vault.a", "key": "text"}), ("list", {"ns": "vault", "subtree": True}),
                           ("snapshot", {"ns": "vault.a"}), ("history", {"ns": "vault.a", "key": "old"}), ("status", {}),
                           ("changes", {"since": {"vault.a": 0, "open": 0}}), ("namespaces", {}), ("subscribers", {}),
                           ("diff", {"ns": "vault.a", "from": 1, "to": 0}), ("audit", {}), ("backup", {"name": "b"})):
            bob.ask(op, **fields)
            cls.stranger.ask(op, **fields)
        cls.answers = [cls.admin.ask("status"), writer.ask("status"), cls.stranger.ask("status")]
        writer.ask("put", ns="vault.a", key="text", value=plant("value of a conflict"), if_rev=1)
        writer.ask("put", ns="vault.a", key="big", value=plant("value too large") * 40_000)
        writer.ask("put", ns="vault.a", key="note", value=1, note=plant("note too long") * 100)
        writer.ask("delete", ns="vault.a", key="absent", note=plant("note of nothing"))
        writer.ask("rollback", ns="vault.a", to=0, note=plant("note of no revision"))
        cls.admin.ask("put", ns="_system.policy", key="a.**", value={"lane": plant("value that is no lane")})
        cls.admin.ask("put", ns="_system.other", key="a", value=plant("value of no such namespace"))
        cls.admin.ask("put", ns="_system.revoked", key="sub/x", value={"before": plant("value that is no time")})
        broken = plant("value of a broken message").encode()
        put = ("op", "put"), ("ns", "vault.a")
        for payload in (b"", broken, b"\xc1" + broken, encode(Pairs(*put, ("key", "k")))[:-2] + broken,
                        encode([broken]), encode(Pairs(("op", plant("op that is none")), ("id", 2))),
                        encode(Pairs(*put, ("key", "k"), ("value", Raw(b"\xc1" + broken)))),
                        encode(Pairs(*put, ("key", 7), ("value", plant("value of no key")))),
                        encode(Pairs(("op", "get"), ("id", 5), ("ns", "vault.a"), ("key", "k"), ("token", {"a": broken})))):
            writer.send_payload(payload)
            writer.receive(2)

    @classmethod
    def show_tokens(cls, plant, good):
        security, now = cls.security, int(time.time())
        bad = [good[:-20] + plant("token of another signature")[:20],
               security.refused("expired", exp=now - 3600), security.refused("early", nbf=now + 3600),
               security.refused("of another key", ec.generate_private_key(ec.SECP256R1())),
               security.refused("of no such key", headers={"kid": "../../etc"}),
               security.refused("without a sub", sub=""),
               security.refused("with crit", headers={"kid": "first", "crit": ["x"]}),
               security.refused("of HS256 in ES256's name", os.urandom(40), "HS256"),
               security.refused("unsigned", alg="none", claim=plant("claim of an unsigned token")),
               plant("token that is none"), "a." + plant("token of three parts") + ".c", plant("token too long") * 400]
        for token in bad:
            for op, fields in (("hello", {}), ("get", {"ns": "vault.a", "key": "text"})):
                with Recorded(cls.broker.requests, security.public, pair=security.pair) as client:
                    client.send(op, token=token, **fields)
                    reply = client.receive(5)
                    assert reply is not None and not reply["ok"], (op, token)
                    cls.said += client.refusals()
        lost = security.taken("that was revoked", "lost", ["vault.**"])
        client = cls.client(lost)
        cls.admin.put("_system.revoked", "token/" + hashlib.sha256(lost.encode()).hexdigest(), {"reason": "lost"})
        client.ask("put", ns="vault.a", key="k", value=plant("value after a revocation"))
        pest = cls.client()
        for n in range(40):  # until it is cut
            pest.send("hello", token=f"{bad[0]}{n}")
        while pest.receive(0.5) is not None:
            pass
        unlisted = zmq.curve_keypair()
        plant("key of no listed client", unlisted[1].decode())
        outsider = cls.client(pair=unlisted)
        outsider.send("hello", token=good)
        assert outsider.receive(0.5) is None

    @classmethod
    def change_keys(cls, plant):
        security, log = cls.security, cls.broker.log
        security.add_key("second")
        token = security.taken("of a new key", "newcomer", ["open"], kid="second")
        cls.await_taken(token)
        broken = {"keys": [{"kty": "oct", "alg": "HS256", "k": plant("key of a broken file")}]}
        security.write("tokens.jwks", json.dumps(broken)[:-3])
        eventually(lambda: "token_keys_not_taken" in log(), what="the broken file told")
        security.write_keys()
        token = security.taken("of the key again", "again", ["open"])
        cls.await_taken(token)

    @classmethod
    def await_taken(cls, token):
        """Each try on a connection of its own: one that shows many bad tokens is cut."""
        def taken():
            with Recorded(cls.broker.requests, cls.security.public, pair=cls.security.pair) as client:
                return client.ask("hello", token=token)["ok"]
        eventually(taken, what="its key in force", every=0.1)

    @classmethod
    def run_commands(cls, plant):
        security = cls.security
        writer = cls.env("command", security.taken("of a command", "commander", ["vault.**"], ["vault.**"]))
        root = cls.env("root", security.taken("of the admin's command", "root", ["**"], ["**"], ["**"]))
        assert cls.command(writer, "put", "vault.d", "stdin", "-", text=plant("value of standard input"))[0] == 0
        document = os.path.join(cls.broker.scratch, "document.json")
        with open(document, "w", encoding="utf-8") as file:
            json.dump({"nested": {"secret": plant("value imported")}}, file)
        assert cls.command(writer, "import", document, "vault.e")[0] == 0
        cls.command(cls.env("bad", plant("token of a bad file") + ".b.c"), "get", "vault.a", "text", timeout="300ms")
        cls.command({**writer, "PRISMBUS_CLIENT_KEY_FILE": writer["PRISMBUS_TOKEN_FILE"]}, "get", "vault.a", "text")
        cls.command({**writer, "PRISMBUS_TOKEN_FILE": security.path("stream.master")}, "get", "vault.a", "text",
                    timeout="300ms")
        cls.command(cls.env("bob", security.taken("of bob's command", "bob", ["open"])), "put", "vault.a", "k", "-",
                    text=plant("value refused to a command"))
        jwks = security.path("tokens.jwks")
        for args in (("status",), ("audit",), ("audit", "--verify"), ("subscribers", "open"),
                     ("keys", "list", "--keys", jwks), ("token", "inspect", root["PRISMBUS_TOKEN_FILE"], "--keys", jwks)):
            code, out = cls.command(root, *args)
            assert code == 0, (args, cls.said[-1])
            # Notes of ordinary writes are the administrator's to read; a token's claims who shows it.
            cls.answers.append({"command": args[0], "out": out})
        os.chmod(jwks, 0o644)
        for args in (("keys", "list"), ("token", "issue", "--sub", "x"), ("token", "inspect", root["PRISMBUS_TOKEN_FILE"])):
            assert cls.command(root, *args, "--keys", jwks)[0] != 0
        os.chmod(jwks, 0o600)

    @classmethod
    def fill_the_audit_volume(cls, plant):
        if cls.disk is None:
            print("skipped: a full audit volume (only root can mount one)")
            return
        cls.disk.fill()
        rule = {"ns": "_system.policy", "key": "full.**", "value": {"lane": "express"}}
        eventually(lambda: not cls.admin.ask("put", **rule)["ok"], what="no room for the line")
        for name in ("first", "second"):
            cls.admin.ask("txn", do=[{"op": "put", **rule}, {"op": "put", "ns": "vault.f", "key": "k",
                                                              "value": plant(f"value of the {name} unaudited")}])
        cls.bob.ask("put", ns="vault.a", key="text", value=plant("value refused without a line"))
        cls.stranger.ask("hello", token=plant("token without a line"))
        cls.disk.free()
        eventually(lambda: cls.admin.ask("put", **rule)["ok"], what="room again")

    # ---- what must not be found

    def clean(self, content, where, but=()):
        self.assertTrue(content, f"{where}: nothing was looked at")
        self.assertEqual(self.canaries.found_in(content, but), [], where)

    def test_fifty_distinct_secrets_are_planted(self):
        self.assertGreaterEqual(len(self.canaries.secrets), 50)
        self.assertEqual(len(set(self.canaries.secrets.values())), len(self.canaries.secrets))
        print(f"{len(self.canaries.secrets)} canaries")

    def test_the_search_finds_each_secret_in_each_form_and_parts_of_it(self):
        for name, raw in self.canaries.secrets.items():
            written = [raw, raw.hex().encode(), raw.hex().upper().encode(), raw[:PIECE]]
            written += [base64.b64encode(bytes(n) + raw + b"xyz") for n in range(3)]
            written += [base64.urlsafe_b64encode(bytes(n) + raw + b"xyz") for n in range(3)]
            for content in written:
                self.assertIn(name, self.canaries.found_in(b"before " + content + b" after"), content)
        self.assertEqual(self.canaries.found_in(os.urandom(1 << 17) + base64.b64encode(os.urandom(1 << 17))), [])

    def test_no_secret_is_in_the_log(self):
        log = content_of(self.broker.log_path)
        for event in (b"event=serving", b"token_keys_not_taken", b"event=audit"):
            self.assertIn(event, log)
        self.clean(log, "log")

    def test_no_secret_is_in_the_audit_files(self):
        lines = content_of(os.path.join(self.audit, "**"))
        for word in (b'"refused"', b'"login"', b'"admin"', b'"bob"', b'"writer"'):
            self.assertIn(word, lines)
        self.clean(lines, "audit")

    def test_no_secret_is_in_a_refusal_whoever_gets_it(self):
        refusals = [raw for client in self.clients for raw in client.refusals()]
        self.assertGreater(len(refusals), 30)
        codes = {decode(raw)["error"]["code"] for raw in refusals}
        self.assertGreaterEqual(codes, {"unauthenticated", "permission_denied", "invalid_argument", "conflict", "too_large",
                                        "rejected", "unsupported", "not_found"})
        self.clean(b"\n".join(refusals), "refusals", {"op"})  # who names an operation that is none hears of it

    def test_no_secret_is_in_anything_that_others_are_answered(self):
        for client in (self.bob, self.stranger):
            self.clean(b"\n".join(client.replies), "replies")

    def test_no_secret_is_in_status_or_what_the_command_says(self):
        for answer in self.answers:
            notes = {"note"} if answer.get("command") == "audit" else set()
            claims = {"claim"} if answer.get("command") == "token" else set()
            self.clean(repr(answer).encode(), answer.get("command", "status"), notes | claims)
        self.clean(b"\n".join(self.said) + b"\n", "standard error and refusals")

    def test_no_secret_is_in_a_command_line_or_environment(self):
        for pid in (self.broker.pid, self.watch.process.pid):
            for name in ("cmdline", "environ"):
                try:
                    self.clean(content_of(f"/proc/{pid}/{name}"), name)
                except PermissionError:
                    self.assertNotEqual(os.getuid(), 0)  # nobody but root reads it

    def test_no_secret_of_the_key_files_is_in_the_store(self):
        eventually(lambda: self.admin.call("status")["folded"] == self.admin.call("status")["applied"], what="the fold")
        store = content_of(os.path.join(self.broker.data_dir, "**"), self.broker.ready_file)
        found = self.canaries.found_in(store)
        for name in ("value text", "value in a map", "value imported", "value in a transaction", "note of a put"):
            self.assertIn(name, found, "the store is where values are")
        self.assertEqual([name for name in found if name.split()[0] in ("key", "token", "claim")], [])
        refused = ("refused", "conflict", "too large", "broken", "revocation", "unaudited")
        self.assertEqual([name for name in found if any(word in name for word in refused)], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
