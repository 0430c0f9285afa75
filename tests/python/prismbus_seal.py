# The sealed stream of proto/PROTOCOL.md in plain Python, from the page and the drafts alone: the key tree on hashlib's
# BLAKE2b, XChaCha20-Poly1305 (RFC 8439, draft-irtf-cfrg-xchacha) on integers. It shares no code with libsodium, so that
# what agrees with both is right. About a millisecond for 300 bytes: for tests.
import hashlib
import hmac
import os
import struct

MARK = b"\xc1"
OVERHEAD = 1 + 8 + 24 + 16


def keyed_hash(key, message):
    return hashlib.blake2b(message, key=key, digest_size=32).digest()


def root(master, epoch, period, system=False):
    name = b"prismbus.system" if system else b"prismbus.stream"
    return keyed_hash(master, name + struct.pack(">QQ", epoch, period))


def node(start, segments):
    for segment in segments:
        start = keyed_hash(start, b"\x01" + segment.encode())
    return start


def node_of(master, epoch, period, ns):
    """What `ns` and everything below it hangs from; '' = everything but the broker's own names."""
    return node(root(master, epoch, period, ns.startswith("_")), ns.split(".") if ns else [])


def leaf_of(master, epoch, period, ns):
    return keyed_hash(node_of(master, epoch, period, ns), b"\x00")


def rotated(x, n):
    x &= 0xFFFFFFFF
    return (x << n | x >> (32 - n)) & 0xFFFFFFFF


def quarter(s, a, b, c, d):
    s[a] = (s[a] + s[b]) & 0xFFFFFFFF
    s[d] = rotated(s[d] ^ s[a], 16)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = rotated(s[b] ^ s[c], 12)
    s[a] = (s[a] + s[b]) & 0xFFFFFFFF
    s[d] = rotated(s[d] ^ s[a], 8)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = rotated(s[b] ^ s[c], 7)


def twenty_rounds(state):
    s = list(state)
    for _ in range(10):
        for i in range(4):
            quarter(s, i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return s


def start_state(key, last_four_words):
    return [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), *last_four_words]


def chacha20(key, counter, nonce, data):
    out = bytearray()
    for at in range(0, len(data), 64):
        state = start_state(key, (counter + at // 64, *struct.unpack("<3I", nonce)))
        mixed = [(a + b) & 0xFFFFFFFF for a, b in zip(twenty_rounds(state), state)]
        out += bytes(x ^ y for x, y in zip(data[at:at + 64], struct.pack("<16I", *mixed)))
    return bytes(out)


def hchacha20(key, nonce16):
    s = twenty_rounds(start_state(key, struct.unpack("<4I", nonce16)))
    return struct.pack("<8I", *s[:4], *s[12:])


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    sum_ = 0
    for at in range(0, len(message), 16):
        sum_ = (sum_ + int.from_bytes(message[at:at + 16] + b"\x01", "little")) * r % ((1 << 130) - 5)
    return ((sum_ + int.from_bytes(key[16:], "little")) % (1 << 128)).to_bytes(16, "little")


def sub_key(key, nonce24):
    return hchacha20(key, nonce24[:16]), bytes(4) + nonce24[16:]


def tag_of(key, nonce12, ciphertext, additional):
    def padded(x):
        return x + bytes(-len(x) % 16)
    message = padded(additional) + padded(ciphertext) + struct.pack("<QQ", len(additional), len(ciphertext))
    return poly1305(chacha20(key, 0, nonce12, bytes(32)), message)


def encrypt(key, nonce24, plain, additional):
    key, nonce12 = sub_key(key, nonce24)
    ciphertext = chacha20(key, 1, nonce12, plain)
    return ciphertext + tag_of(key, nonce12, ciphertext, additional)


def decrypt(key, nonce24, box, additional):
    """None: not what this key encrypted."""
    key, nonce12 = sub_key(key, nonce24)
    if len(box) < 16 or not hmac.compare_digest(tag_of(key, nonce12, box[:-16], additional), box[-16:]):
        return None
    return chacha20(key, 1, nonce12, box[:-16])


def seal(leaf, period, topic, plain, nonce=None):
    nonce = nonce or os.urandom(24)
    return MARK + struct.pack(">Q", period) + nonce + encrypt(leaf, nonce, plain, topic)


def period_of(body):
    """None: not sealed."""
    return struct.unpack(">Q", body[1:9])[0] if body[:1] == MARK and len(body) >= OVERHEAD else None


def open_body(leaf, topic, body):
    """None: not sealed, or not what this key sealed for this topic."""
    return decrypt(leaf, body[9:33], body[33:], topic) if period_of(body) is not None else None
