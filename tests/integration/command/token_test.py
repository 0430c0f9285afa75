# prismbus token: issue and inspect, held against PyJWT, which shares no code with ours: its tokens verify here, ours
# verify there, for every algorithm.
import json
import os
import unittest

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.utils import base64url_decode, base64url_encode, to_base64url_uint

from token_case import TokenCase, mode_of


def ec_jwk(key, private=True):
    """PyJWT 2.6 reads EC keys and writes none."""
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "alg": "ES256"}
    jwk.update({name: base64url_encode(n.to_bytes(32, "big")).decode() for name, n in (("x", numbers.x), ("y", numbers.y))})
    if private:
        jwk["d"] = base64url_encode(key.private_numbers().private_value.to_bytes(32, "big")).decode()
    return jwk


class Made:
    """A key that Python made: for PyJWT, and as a JWK for the command."""

    def __init__(self, alg, private=True):
        self.alg = alg
        if alg == "HS256":
            self.key = os.urandom(48)
            self.jwk = {"kty": "oct", "k": base64url_encode(self.key).decode()}
        elif alg == "RS256":
            self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            self.jwk = json.loads(RSAAlgorithm.to_jwk(self.key if private else self.key.public_key()))
            self.jwk = {name: value for name, value in self.jwk.items() if name != "key_ops"}
        else:
            self.key = ec.generate_private_key(ec.SECP256R1())
            self.jwk = ec_jwk(self.key, private)
        self.jwk.update(alg=alg, kid="made-" + alg)

    def token(self, claims, **header):
        return jwt.encode(claims, self.key, algorithm=self.alg, headers=header)


def verifying_key(jwk):
    """What PyJWT verifies with, from the command's key file."""
    if jwk["kty"] == "oct":
        return base64url_decode(jwk["k"])
    public = {name: value for name, value in jwk.items() if name in ("kty", "crv", "x", "y", "n", "e")}
    return (RSAAlgorithm if jwk["kty"] == "RSA" else ECAlgorithm).from_jwk(json.dumps(public))


class OtherMaker(TokenCase):
    def test_tokens_of_pyjwt_verify_here(self):
        for alg in ("ES256", "RS256", "HS256"):
            for private in (True, False):
                made = Made(alg, private)
                keys = self.write_keys([made.jwk])
                claims = {"sub": "svc \u00e9\u4e2d", "exp": self.soon(), "iat": self.soon(0), "nbf": self.soon(-5),
                          "prismbus": {"read": ["md.**", "limits"], "admin": ["**"]}, "scope": "anything"}
                for header in ({}, {"kid": made.jwk["kid"]}):
                    said = self.done("token", "inspect", "--keys", keys, "--json", text=made.token(claims, **header)).json
                    self.assertTrue(said["verified"])
                    self.assertEqual((said["principal"], said["read"], said["write"], said["admin"], said["alg"]),
                                     (claims["sub"], ["md.**", "limits"], [], ["**"], alg))
                    self.assertEqual(said["expires"], claims["exp"] * 10**6)
                token = made.token(claims)
                other = Made(alg).token(claims)
                for wrong in (other, token[:-8] + "AAAAAAAA", token.rsplit(".", 1)[0] + "." + other.rsplit(".", 1)[1]):
                    ran = self.refused(6, "token", "inspect", "--keys", keys, text=wrong, says="the signature does not fit")
                    self.assertNotIn(wrong.rsplit(".", 1)[1], ran.out + ran.err)

    def test_tokens_of_ours_verify_there(self):
        self.init()
        for alg in ("ES256", "RS256", "HS256"):
            self.done("keys", "rotate", "--keys", "security/tokens.jwks", "--alg", alg)
            token = self.done("token", "issue", "--keys", "security/tokens.jwks", "--sub", "svc \u00e9 \"x\\", "--read", "md.**",
                              "--read", "limits", "--write", "**", "--ttl", "90m", "--iss", "us", "--aud", "one", "--aud",
                              "two").out.strip()
            jwk = self.keys()[0]
            self.assertEqual(jwt.get_unverified_header(token), {"alg": alg, "typ": "JWT", "kid": jwk["kid"]})
            claims = jwt.decode(token, verifying_key(jwk), algorithms=[alg], audience="two", issuer="us",
                                options={"require": ["exp", "iat", "sub"]})
            self.assertEqual(claims["sub"], "svc \u00e9 \"x\\")
            self.assertEqual(claims["exp"] - claims["iat"], 5400)
            self.assertEqual(claims["prismbus"], {"read": ["md.**", "limits"], "write": ["**"]})
            for member in ("n", "e"):  # as PyJWT would write them
                if member in jwk:
                    number = int.from_bytes(base64url_decode(jwk[member]), "big")
                    self.assertEqual(to_base64url_uint(number).decode(), jwk[member])

    def test_keys_of_ours_sign_there_and_verify_here(self):
        self.init()
        self.done("keys", "rotate", "--keys", "security/tokens.jwks", "--alg", "RS256")
        for jwk, algorithm in zip(self.keys(), (RSAAlgorithm, ECAlgorithm)):
            key = algorithm.from_jwk(json.dumps(jwk))
            token = jwt.encode({"sub": "a", "exp": self.soon()}, key, algorithm=jwk["alg"])
            self.assertTrue(self.done("token", "inspect", "--keys", "security/tokens.jwks", "--json", text=token).json["verified"])

    def test_what_pyjwt_can_be_made_to_sign_and_we_refuse(self):
        made = Made("ES256")
        keys = self.write_keys([made.jwk])
        for claims, header, says in (({"sub": "a"}, {}, "no exp"), ({"sub": "a", "exp": self.soon(-61)}, {}, "expired"),
                                     ({"sub": "a", "exp": self.soon(), "nbf": self.soon(90)}, {}, "not valid yet"),
                                     ({"sub": "anonymous", "exp": self.soon()}, {}, "sub"),
                                     ({"sub": "a", "exp": self.soon(), "prismbus": ["**"]}, {}, "prismbus"),
                                     ({"sub": "a", "exp": self.soon()}, {"jku": "https://x"}, "jku"),
                                     ({"sub": "a", "exp": self.soon()}, {"jwk": ec_jwk(Made("ES256").key, False)}, "jwk"),
                                     ({"sub": "a", "exp": self.soon()}, {"crit": ["exp"]}, "crit"),
                                     ({"sub": "a", "exp": self.soon()}, {"kid": "../../etc/passwd"}, "kid")):
            ran = self.refused(6, "token", "inspect", "--keys", keys, "--json", text=made.token(claims, **header), says=says)
            self.assertEqual(json.loads(ran.out)["error"]["code"], "unauthenticated")
        none = jwt.encode({"sub": "a", "exp": self.soon()}, None, algorithm="none")
        self.refused(6, "token", "inspect", "--keys", keys, text=none, says="not signed")


class Issue(TokenCase):
    def setUp(self):
        super().setUp()
        self.init()

    def issue(self, *more):
        return ("token", "issue", "--keys", "security/tokens.jwks", *more)

    def test_a_token_goes_to_a_file_of_this_user_alone(self):
        said = self.done(*self.issue("--sub", "gateway-1", "--read", "md.**", "-o", "gateway.token"))
        self.assertEqual(said.out, "")
        self.assertEqual(mode_of(self.path("gateway.token")), 0o600)
        self.assertEqual(self.read("gateway.token").count("\n"), 1)
        said = self.done(*self.issue("--sub", "gateway-1", "-o", "gateway.token", "--json")).json  # in place of the former
        self.assertEqual((said["path"], said["principal"]), ("gateway.token", "gateway-1"))
        self.assertNotIn("token", said)
        self.refused(13, *self.issue("--sub", "a", "-o", "none/x.token"), says="none/x.token")

    def test_what_would_not_be_taken_is_not_issued(self):
        for arguments, says in ((("--sub", "anonymous"), "--sub"), (("--sub", "_root"), "--sub"), (("--sub", ""), "--sub"),
                                (("--sub", "a", "--read", "md.*"), "--read"), (("--sub", "a", "--write", ""), "--write"),
                                (("--sub", "a", "--admin", "md.**.x"), "--admin"), (("--sub", "a", "--ttl", "0s"), "--ttl"),
                                (("--sub", "a", "--ttl", "soon"), "--ttl"), (("--sub", "a", "--kid", "none"), "--kid"), ((), "--sub")):
            self.refused(2, *self.issue(*arguments), says=says)
        for words in (["token", "issue", "--sub", "a"], ["keys", "list"], ["keys", "rotate"]):
            self.refused(13, *words, "--keys", "none.jwks", says="none.jwks: No such file")
        self.refused(2, "token", "issue", "--sub", "a", says="--keys")

    def test_the_key_that_signs_can_be_named(self):
        old = self.keys()[0]["kid"]
        self.done("keys", "rotate", "--keys", "security/tokens.jwks")
        token = self.done(*self.issue("--sub", "a", "--kid", old)).out
        self.assertEqual(jwt.get_unverified_header(token.strip())["kid"], old)

    def test_issuer_and_audience_are_judged_when_they_are_asked_for(self):
        token = self.done(*self.issue("--sub", "a", "--iss", "us", "--aud", "bus")).out
        keys = ("token", "inspect", "--keys", "security/tokens.jwks")
        self.done(*keys, "--iss", "us", "--aud", "bus", text=token)
        self.refused(6, *keys, "--iss", "them", "--aud", "bus", text=token, says="iss")
        self.refused(6, *keys, "--aud", "other", text=token, says="aud")
        self.refused(6, *keys, text=token, says="audience")
        self.refused(2, "token", "inspect", "--iss", "us", text=token, says="--keys")

    def test_inspect_tells_in_words_and_never_the_signature(self):
        token = self.done(*self.issue("--sub", "a b", "--read", "md.**", "--ttl", "2h")).out
        said = self.done("token", "inspect", "-", text=token).out
        for line in ("principal  a b", "may read   md.**", "may write  nothing", "state      valid"):
            self.assertIn(line, said)
        self.assertRegex(said, r"expires    \S+Z, in (1h 59m|2h)\b")
        self.assertIn("not verified", said)
        self.assertNotIn(token.strip().rsplit(".", 1)[1][:20], said)
        self.assertIn(", verified", self.done("token", "inspect", "--keys", "security/tokens.jwks", text=token).out)

    def test_inspect_says_expired_and_not_yet_valid(self):
        made = Made("ES256")
        keys = self.write_keys([made.jwk])
        for claims, state in (({"exp": self.soon(-7200)}, "expired"), ({"exp": self.soon(), "nbf": self.soon(1800)}, "not yet valid")):
            token = made.token({"sub": "a", **claims})
            said = self.done("token", "inspect", text=token).out  # what it says, not whether it would be taken
            self.assertIn("state      " + state, said)
            self.assertEqual(self.done("token", "inspect", "--json", text=token).json["state"], state)
            ran = self.refused(6, "token", "inspect", "--keys", keys, text=token)
            self.assertIn("state      " + state, ran.out)

    def test_what_is_no_token_is_refused(self):
        for text in ("", "\n", "hello", "a.b.c", "x" * 70000, "eyJhbGciOiJub25lIn0.e30."):
            self.refused(6, "token", "inspect", text=text, says="token: ")
        self.refused(13, "token", "inspect", "nothing-there", says="nothing-there")
        self.refused(2, "token", says="")


if __name__ == "__main__":
    unittest.main()
