# CURVE (RFC 26) by hand over a plain TCP socket, for peers that know the broker's key and misbehave after the handshake
# in ways no ZeroMQ library would. The boxes are libsodium's.
import ctypes
import os

import zmq.utils.z85

import zmtp

_sodium = ctypes.CDLL("libsodium.so.23")
GREETING = zmtp.GREETING.replace(b"NULL\0", b"CURVE")
MAC = 16


def key_pair():
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    _sodium.crypto_box_keypair(public, secret)
    return public.raw, secret.raw


def box(content, nonce, public, secret):
    out = ctypes.create_string_buffer(len(content) + MAC)
    assert _sodium.crypto_box_easy(out, content, ctypes.c_ulonglong(len(content)), nonce, public, secret) == 0
    return out.raw


def open_box(sealed, nonce, public, secret):
    out = ctypes.create_string_buffer(max(len(sealed) - MAC, 1))
    assert _sodium.crypto_box_open_easy(out, sealed, ctypes.c_ulonglong(len(sealed)), nonce, public, secret) == 0
    return out.raw[:len(sealed) - MAC]


class CurvePeer(zmtp.Peer):
    """shake_hands() proves a key of its own; then frame() seals what is sent."""

    def __init__(self, endpoint, server_key, seconds=5.0, receive_buffer=None, source=None):
        super().__init__(endpoint, seconds, receive_buffer, source)
        self.server = zmq.utils.z85.decode(server_key)
        self.public, self.secret = key_pair()
        self.short_public, self.short_secret = key_pair()
        self.count, self.heard, self.shared = 0, b"", None

    def nonce(self):
        self.count += 1
        return self.count.to_bytes(8, "big")

    def take(self, size):
        """That many bytes of what came; None when the broker ended it."""
        while len(self.heard) < size:
            part = self.receive()
            if not part:
                return None
            self.heard += part
        taken, self.heard = self.heard[:size], self.heard[size:]
        return taken

    def take_command(self):
        header = self.take(2)
        if header is None or header[0] != zmtp.COMMAND:
            return None
        return self.take(header[1])

    def say_hello(self):
        nonce = self.nonce()
        signature = box(b"\0" * 64, b"CurveZMQHELLO---" + nonce, self.server, self.short_secret)
        hello = b"\x01\x00" + b"\0" * 72 + self.short_public + nonce + signature
        return self.send(GREETING + zmtp.command(b"HELLO", hello))

    def shake_hands(self, socket_type=b"DEALER", identity=b""):
        if not self.say_hello() or self.take(64) is None:
            return False
        welcome = self.take_command()
        if welcome is None or not welcome.startswith(b"\x07WELCOME"):
            return False
        opened = open_box(welcome[24:], b"WELCOME-" + welcome[8:24], self.server, self.short_secret)
        short_server, cookie = opened[:32], opened[32:]
        vouch_nonce = os.urandom(16)
        vouch = box(self.short_public + self.server, b"VOUCH---" + vouch_nonce, short_server, self.secret)
        metadata = zmtp.properties(**{"Socket-Type": socket_type, "Identity": identity})
        nonce = self.nonce()
        initiate = box(self.public + vouch_nonce + vouch + metadata, b"CurveZMQINITIATE" + nonce, short_server,
                       self.short_secret)
        if not self.send(zmtp.command(b"INITIATE", cookie + nonce + initiate)):
            return False
        self.shared = ctypes.create_string_buffer(32)
        _sodium.crypto_box_beforenm(self.shared, short_server, self.short_secret)
        ready = self.take_command()
        return ready is not None and ready.startswith(b"\x05READY")

    def frame(self, body, flags=0):
        nonce, content = self.nonce(), bytes([flags & zmtp.MORE]) + body
        out = ctypes.create_string_buffer(len(content) + MAC)
        _sodium.crypto_box_easy_afternm(out, content, ctypes.c_ulonglong(len(content)),
                                        b"CurveZMQMESSAGEC" + nonce, self.shared)
        return zmtp.frame(b"\x07MESSAGE" + nonce + out.raw)
