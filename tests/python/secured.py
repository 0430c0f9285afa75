# A broker with security on, set up and spoken to from the contract alone: keys by libzmq and the standard libraries,
# tokens by PyJWT. None of the project's own code is in here.
import base64
import json
import os
import time

import jwt
import zmq
from cryptography.hazmat.primitives.asymmetric import ec

from broker_process import Broker, scratch_dir
from prismbus_client import Client, tune
from prismbus_seal import keyed_hash, node, open_body, period_of


def coordinate(number):
    """Always 32 bytes, as RFC 7518 asks; PyJWT leaves zeros in front away."""
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


class Security:
    """A directory as `prismbusd --security` takes it, and what its owner can do with it."""

    def __init__(self):
        self.dir = os.path.join(scratch_dir(), "security")
        os.mkdir(self.dir, 0o700)
        self.public, secret = (key.decode() for key in zmq.curve_keypair())
        self.write("curve.secret", secret + "\n")
        self.write("stream.master", os.urandom(32))
        self.keys = {}
        self.add_key("first")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content, mode=0o600):
        content = content.encode() if isinstance(content, str) else content
        path = self.path(name)
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)
        return path

    def add_key(self, kid):
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())
        self.write_keys()

    def retire_key(self, kid):
        del self.keys[kid]
        self.write_keys()

    def write_keys(self):
        rows = []
        for kid, key in self.keys.items():
            point = key.public_key().public_numbers()
            rows.append({"kty": "EC", "crv": "P-256", "x": coordinate(point.x), "y": coordinate(point.y), "kid": kid,
                         "alg": "ES256"})
        self.write("tokens.jwks", json.dumps({"keys": rows}))

    def token(self, sub, read=(), write=(), admin=(), kid=None, seconds=3600, **claims):
        kid = kid or next(iter(self.keys))
        now = int(time.time())
        rights = {"read": list(read), "write": list(write), "admin": list(admin)}
        body = {"sub": sub, "iat": now, "exp": now + seconds, "prismbus": rights, **claims}
        return jwt.encode(body, self.keys[kid], algorithm="ES256", headers={"kid": kid})

    def admin(self):
        return self.token("root", ["**"], ["**"], ["**"])

    def broker(self, args=(), **options):
        return Broker(args=["--security", self.dir, *args], **options)


def curve(socket, server_key, pair=None):
    """Makes a client's socket speak CURVE, with a key pair of its own."""
    public, secret = pair or zmq.curve_keypair()
    socket.setsockopt(zmq.CURVE_SERVERKEY, server_key.encode())
    socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
    return socket


class SecureClient(Client):
    """Says hello with its token at once, unless it has none."""

    def __init__(self, endpoint, server_key, token=None, pair=None):
        self.server_key, self.pair = server_key, pair
        super().__init__(endpoint)
        self.token = token
        if token is not None:
            self.greeting = self.hello(token=token)

    def tuned(self, socket):
        return curve(tune(socket), self.server_key, self.pair)


def open_frame(frame, keys):
    """The plain body of a frame, opened with any of `keys` (rows of the op), or None."""
    topic, body = frame[:frame.index(b"/") + 1], frame[frame.index(b"/") + 1:]
    period, ns = period_of(body), topic[:-1].decode()
    assert period is not None, "a body that is not sealed"
    for row in keys:
        below = ns == row["ns"] or ns.startswith(row["ns"] + ".") or row["ns"] == "" and not ns.startswith("_")
        if row["period"] != period or not (below if row["kind"] == "node" else ns == row["ns"]):
            continue
        leaf = row["key"]
        if row["kind"] == "node":
            rest = ns[len(row["ns"]):].lstrip(".")
            leaf = keyed_hash(node(leaf, rest.split(".") if rest else []), b"\x00")
        plain = open_body(leaf, topic, body)
        if plain is not None:
            return plain
    return None
