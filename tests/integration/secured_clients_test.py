# The C++ libraries against a broker with security on, through the command: credentials from the environment and a
# profile, the sealed stream opened as it comes, rights that shrink told to the application (I10).
import hashlib
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from command_process import PROGRAM, Watch, run_command
from secured import SecureClient, Security
from waiting import eventually

SLACK = float(os.environ.get("PRISMBUS_TIME_SLACK", "1"))  # sanitizers are slower


class SecuredClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.security = Security()
        cls.broker = cls.security.broker().start()
        cls.admin = SecureClient(cls.broker.requests, cls.security.public, cls.security.admin())

    @classmethod
    def tearDownClass(cls):
        cls.admin.close()
        cls.broker.remove()

    def env(self, sub, **rights):
        """What a service of that name has in its environment."""
        path = self.security.write(f"{sub}.token", self.security.token(sub, **rights) + "\n")
        return {"PRISMBUS_SERVER_KEY": self.security.public, "PRISMBUS_TOKEN_FILE": path}

    def run_as(self, env, *args, code=0):
        got, out, err = run_command(self.broker.requests, *args, env=env)
        self.assertEqual(got, code, out + err)
        return out if code == 0 else err

    def watch(self, env, *args):
        watch = Watch(self.broker.requests, *args, env=env)
        self.addCleanup(watch.remove)
        watch.await_subscribed()
        return watch

    def test_a_put_reaches_a_watcher_through_the_sealed_stream(self):
        writer = self.env("writer", read=["m.**"], write=["m.**"])
        reader = self.env("reader", read=["m.a"])
        self.run_as(writer, "put", "m.a", "k", "1")
        watch = self.watch(reader, "m.a")
        self.assertEqual(watch.values, {("m.a", "k"): 1})
        for value in (2, 3, 4):
            self.run_as(writer, "put", "m.a", "k", str(value))
        watch.await_seq("m.a", 4)
        self.assertEqual(watch.values, {("m.a", "k"): 4})
        self.assertEqual(self.run_as(reader, "get", "m.a", "k").strip(), "4")
        subtree = self.watch(writer, "m", "--subtree")
        self.run_as(writer, "put", "m.b", "new", "5")
        subtree.await_seq("m.b", 1)
        self.assertEqual(subtree.values["m.b", "new"], 5)
        self.assertNotIn("gap", watch.types + subtree.types)
        self.assertEqual(watch.stop(), 0)

    def test_a_profile_says_all_of_it(self):
        self.security.write("profile.token", self.security.token("profiled", write=["p"], read=["p"]))
        profile = self.security.write("profile", f"# the feed\nPRISMBUS_BROKER={self.broker.requests}\n"
                                      f"PRISMBUS_SERVER_KEY={self.security.public}\nPRISMBUS_TOKEN_FILE=profile.token\n")
        env = {"PRISMBUS_BROKER": "", "PRISMBUS_PROFILE": profile}
        self.run_as(env, "put", "p", "k", "1")
        self.assertEqual(self.run_as({"PRISMBUS_BROKER": ""}, "--profile", profile, "get", "p", "k").strip(), "1")
        self.security.write("profile", "PRISMBUS_SERVER=x\n")
        self.assertIn("profile:1: no such name", self.run_as(env, "get", "p", "k", code=2))

    def test_what_is_wrong_with_credentials_is_said(self):
        good = self.env("wrong", read=["w"])
        for change, text in (({"PRISMBUS_SERVER_KEY": "short"}, "server_key"), ({"PRISMBUS_SERVER_KEY": ""}, "in the clear"),
                             ({"PRISMBUS_TOKEN_FILE": "/nonexistent/token"}, "/nonexistent/token")):
            self.assertIn(text, self.run_as({**good, **change}, "get", "w", "k", code=2))
        bad = self.security.write("bad.token", "no.token.atall")
        code, _, err = run_command(self.broker.requests, "--timeout", "2", "get", "w", "k",
                                   env={**good, "PRISMBUS_TOKEN_FILE": bad})
        self.assertNotEqual(code, 0)
        self.assertIn("hello", err)
        self.assertIn("permitted", self.run_as(good, "put", "w", "k", "1", code=self.denied_code(good)))

    def test_a_refused_token_ends_the_command_at_once(self):
        now = int(time.time())
        revoked = self.security.token("leaver", ["w"], ["w"], ["**"])
        self.admin.put("_system.revoked", "token/" + hashlib.sha256(revoked.encode()).hexdigest(), {"reason": "left"})
        tokens = {"bad": ("no.token.atall", ""), "expired": (self.security.token("late", ["w"], exp=now - 3600), "expired"),
                  "revoked": (revoked, "revoked"),
                  "another key": (Security().token("stranger", ["w"]), "")}
        for name, (token, why) in tokens.items():
            env = {"PRISMBUS_SERVER_KEY": self.security.public,
                   "PRISMBUS_TOKEN_FILE": self.security.write("refused.token", token + "\n")}
            for args in (["get", "w", "k"], ["put", "w", "k", "1"], ["list", "w"], ["watch", "w"], ["status"]):
                with self.subTest(token=name, command=args[0]):
                    began = time.monotonic()
                    code, out, err = run_command(self.broker.requests, "--timeout", "60", *args, env=env)
                    took = time.monotonic() - began
                    self.assertEqual((code, out), (6, ""), err)
                    self.assertIn("unauthenticated", err)
                    self.assertIn(why, err)
                    self.assertNotIn(token, err)
                    self.assertLess(took, 5 * SLACK, "not when its time is over")
        self.assertEqual(self.run_as(self.env("fresh", read=["w"]), "list", "w"), "")

    def test_a_token_that_is_revoked_under_a_command_ends_it(self):
        token = self.security.token("watcher", ["w"])
        env = {"PRISMBUS_BROKER": self.broker.requests, "PRISMBUS_SERVER_KEY": self.security.public,
               "PRISMBUS_TOKEN_FILE": self.security.write("watcher.token", token)}
        looking = subprocess.Popen([PROGRAM, "subscribers", "w", "--watch", "--json", "--timeout", "60"], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **env})
        self.addCleanup(looking.kill)
        self.assertIn("subscribers", looking.stdout.readline())
        self.admin.put("_system.revoked", "token/" + hashlib.sha256(token.encode()).hexdigest(), {"reason": "left"})
        began = time.monotonic()
        _, err = looking.communicate(timeout=60 * SLACK)
        self.assertEqual(looking.returncode, 6, err)
        self.assertIn("revoked", err)
        self.assertLess(time.monotonic() - began, 10 * SLACK, "not when its time is over")

    def denied_code(self, env):
        code, _, _ = run_command(self.broker.requests, "put", "w", "k", "1", env=env)
        return code

    def test_rights_that_shrink_are_told_and_nothing_more_is_shown(self):
        reader = self.env("shrinking", read=["s.**"])
        self.admin.put("s.a", "k", 1)
        self.admin.put("s.b", "k", 1)
        watch = self.watch(reader, "s", "--subtree")
        self.admin.put("_system.policy", "s.a", {"deny": {"shrinking": ["read"]}})
        self.admin.put("s.a", "k", 2)
        self.admin.put("s.b", "k", 2)
        watch.await_seq("s.b", 2)
        eventually(lambda: "state" in watch.types, what="the namespace told as lost")
        self.admin.put("s.a", "k", 3)
        self.admin.put("s.b", "k", 3)
        watch.await_seq("s.b", 3)
        self.assertNotIn(watch.values["s.a", "k"], (2, 3))
        self.admin.delete("_system.policy", "s.a")
        self.admin.put("s.a", "k", 4)
        watch.await_seq("s.a", 4, 90)
        self.assertEqual(watch.values["s.a", "k"], 4)

    def test_tokens_are_revoked_by_file_and_by_principal(self):
        admin = self.env("revoker", admin=["**"])
        for args in (["{file}", "--reason", "lost"], ["--sub", "leaver"]):
            leaver = self.env("leaver", read=["t"])
            stays = self.env("stays", read=["t"])
            self.admin.put("t", "k", 1)
            self.run_as(leaver, "get", "t", "k")
            out = self.run_as(admin, "token", "revoke", *(a.format(file=leaver["PRISMBUS_TOKEN_FILE"]) for a in args))
            self.assertIn("leaver", out)
            code, _, err = run_command(self.broker.requests, "--timeout", "2", "get", "t", "k", env=leaver)
            self.assertNotEqual(code, 0)
            self.assertIn("revoked", err)
            self.run_as(stays, "get", "t", "k")
        self.assertIn("--sub", self.run_as(admin, "token", "revoke", code=2))

    def test_a_restarted_broker_is_joined_again(self):
        reader = self.env("patient", read=["r"])
        self.admin.put("r", "k", 1)
        watch = self.watch(reader, "r")
        self.broker.kill()
        self.broker.restart_on_its_ports()
        type(self).admin.close()
        type(self).admin = SecureClient(self.broker.requests, self.security.public, self.security.admin())
        self.admin.put("r", "k", 2)
        watch.await_seq("r", 2)
        self.assertEqual(watch.values["r", "k"], 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
