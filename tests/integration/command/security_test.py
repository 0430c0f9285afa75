# prismbus init and prismbus keys: what a secured broker starts from is made whole, private, or not at all; keys are
# added, listed and retired, and nothing private is printed.
import json
import os
import unittest

from token_case import TokenCase, mode_of

FILES = {"curve.secret", "curve.public", "tokens.jwks", "stream.master", "policy.json", "admin.token"}
Z85 = set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#")


class Init(TokenCase):
    def test_everything_is_made_and_readable_by_this_user_only(self):
        ran = self.done("init", "--secure", "security")
        self.assertEqual(set(os.listdir(self.path("security"))), FILES)
        self.assertEqual(mode_of(self.path("security")), 0o700)
        for name in FILES:
            self.assertEqual(mode_of(self.path("security/" + name)), 0o600, name)
        public, secret = self.read("security/curve.public"), self.read("security/curve.secret")
        for text in (public, secret):
            self.assertEqual((len(text), text[-1]), (41, "\n"))
            self.assertLessEqual(set(text[:-1]), Z85)
        self.assertNotEqual(public, secret)
        with open(self.path("security/stream.master"), "rb") as file:
            self.assertEqual(len(file.read()), 32)
        self.assertEqual(json.loads(self.read("security/policy.json")),
                         {"**": {"roles": {"admin": ["read", "write", "admin"]}}})
        self.assertEqual([(key["kty"], key["alg"], "d" in key) for key in self.keys()], [("EC", "ES256", True)])
        self.assertIn("prismbusd --security security ", ran.out)
        for line in ("PRISMBUS_BROKER=tcp://HOST:7400", "PRISMBUS_TOKEN_FILE=security/admin.token", "PRISMBUS_SERVER_KEY="):
            self.assertIn("export " + line, ran.out)
        self.assertEqual(os.listdir(self.folder), ["security"])
        for private in (secret.strip(), self.keys()[0]["d"], self.read("security/admin.token").strip()):
            self.assertNotIn(private, ran.out)

    def test_the_admin_token_is_good_for_everything_for_thirty_days(self):
        self.init()
        said = self.done("token", "inspect", "security/admin.token", "--keys", "security/tokens.jwks", "--json").json
        self.assertEqual((said["principal"], said["read"], said["write"], said["admin"]), ("admin", ["**"], ["**"], ["**"]))
        self.assertTrue(said["verified"])
        self.assertAlmostEqual(said["expires"] - said["issued"], 30 * 86400 * 10**6)
        self.done("init", "--secure", "short", "--ttl", "12h")
        said = self.done("token", "inspect", "short/admin.token", "--json").json
        self.assertEqual(said["expires"] - said["issued"], 12 * 3600 * 10**6)
        self.refused(6, "token", "inspect", "short/admin.token", "--keys", "security/tokens.jwks", says="no key here has its kid")

    def test_json_tells_the_same(self):
        said = self.done("init", "--secure", "security/", "--json").json
        self.assertEqual(set(said["files"]), FILES)
        self.assertEqual(said["environment"], {"PRISMBUS_BROKER": "tcp://HOST:7400",
                                               "PRISMBUS_SERVER_KEY": self.read("security/curve.public").strip(),
                                               "PRISMBUS_TOKEN_FILE": "security/admin.token"})
        self.assertEqual(said["start"], "prismbusd --security security --data-dir data")

    def test_what_is_there_is_never_touched(self):
        self.init()
        before = {name: self.read("security/" + name) for name in FILES - {"stream.master"}}
        self.refused(2, "init", "--secure", "security", says="not empty")
        self.assertEqual(before, {name: self.read("security/" + name) for name in before})
        os.symlink(self.path("security"), self.path("link"))
        os.makedirs(self.path("empty"))
        with open(self.path("file"), "w", encoding="utf-8"):
            pass
        for name in ("link", "file"):
            self.refused(2, "init", "--secure", name, says="no directory")
        self.done("init", "--secure", "empty")  # nothing is there to lose
        self.assertEqual(mode_of(self.path("empty")), 0o700)
        self.refused(13, "init", "--secure", "none/below/it", says="No such file")
        self.refused(2, "init", says="--secure")
        for ttl in ("0s", "forever", "11000d", "-1h", ""):
            self.refused(2, "init", "--secure", "other", "--ttl", ttl, says="--ttl")
        self.assertEqual(set(os.listdir(self.folder)), {"security", "link", "empty", "file"})


class Keys(TokenCase):
    def test_a_new_key_signs_and_the_old_ones_verify_until_they_are_retired(self):
        self.init()
        keys = ("--keys", "security/tokens.jwks")
        old = self.done("token", "issue", *keys, "--sub", "a").out
        first = self.keys()[0]["kid"]
        self.refused(5, "keys", "rotate", *keys, "--retire", first, says="the last key")
        added = self.done("keys", "rotate", *keys, "--json").json["added"]
        self.assertEqual([key["kid"] for key in self.keys()], [added, first])
        self.assertEqual(mode_of(self.path("security/tokens.jwks")), 0o600)
        new = self.done("token", "issue", *keys, "--sub", "a").out
        for token, kid in ((old, first), (new, added)):
            self.assertEqual(self.done("token", "inspect", *keys, "--json", text=token).json["kid"], kid)
        self.done("keys", "rotate", *keys, "--retire", first)
        self.assertEqual([key["kid"] for key in self.keys()], [added])
        self.refused(6, "token", "inspect", *keys, text=old, says="no key here has its kid")
        self.done("token", "inspect", *keys, text=new)
        self.refused(4, "keys", "rotate", *keys, "--retire", first, says="no key has this kid")
        self.refused(4, "keys", "rotate", *keys, "--retire", "", says="no key has this kid")

    def test_each_algorithm_can_be_added_and_the_list_says_nothing_private(self):
        self.init()
        keys = ("--keys", "security/tokens.jwks")
        for alg in ("RS256", "HS256"):
            self.done("keys", "rotate", *keys, "--alg", alg)
        rows = self.done("keys", "list", *keys, "--json").json["keys"]
        self.assertEqual([(row["alg"], row["bits"], row["signs"]) for row in rows],
                         [("HS256", 512, True), ("RS256", 3072, False), ("ES256", 256, False)])
        printed = self.done("keys", "list", *keys).out + self.done("keys", "list", *keys, "--json").out
        self.assertIn(" signs", printed)
        for key in self.keys():
            self.assertIn(key["kid"], printed)
            for private in (key[name] for name in ("d", "k", "p", "q", "qi") if name in key):
                self.assertNotIn(private[:12], printed)
        self.refused(2, "keys", "rotate", *keys, "--alg", "none", says="--alg")
        self.refused(13, "keys", "list", "--keys", "nothing", says="nothing")

    def test_a_file_of_public_keys_verifies_and_signs_nothing(self):
        self.init()
        public = [{name: value for name, value in key.items() if name != "d"} for key in self.keys()]
        name = self.write_keys(public, mode=0o644)
        self.assertIn("verifies", self.done("keys", "list", "--keys", name).out)
        self.done("token", "inspect", "security/admin.token", "--keys", name)
        self.refused(2, "token", "issue", "--keys", name, "--sub", "a", says="no private part")

    def test_a_file_that_is_open_to_others_is_refused_and_its_content_not_told(self):
        self.init()
        secret = self.keys()[0]["d"]
        for mode in (0o644, 0o640, 0o604, 0o666):
            os.chmod(self.path("security/tokens.jwks"), mode)
            for command in (("keys", "list"), ("keys", "rotate"), ("token", "issue", "--sub", "a"), ("token", "inspect", "security/admin.token")):
                ran = self.refused(2, *command, "--keys", "security/tokens.jwks", says="others")
                self.assertNotIn(secret, ran.out + ran.err)
        broken = dict(self.keys()[0], alg="HS512")
        ran = self.refused(2, "keys", "list", "--keys", self.write_keys([broken]), says="keys[0].alg")
        self.assertNotIn(secret[:8], ran.err)
        weak = self.write_keys([{"kty": "oct", "alg": "HS256", "k": "c2VjcmV0"}])
        ran = self.refused(2, "token", "issue", "--sub", "a", "--keys", weak, says="32 bytes")
        self.assertNotIn("c2VjcmV0", ran.err)


if __name__ == "__main__":
    unittest.main()
