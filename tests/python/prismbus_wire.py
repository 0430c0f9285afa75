# Bytes of the contract, written from proto/PROTOCOL.md with MessagePack and XXH3 alone; shares nothing with the
# product. Encoding of requests, decoding of replies and stream frames, the content hash. No sockets.
import struct

import msgpack
import xxhash

HEARTBEAT_TOPIC = b"\0hb/"
BARRIER_PREFIX = b"\xffbar/"
NONCE_BYTES = 16
# Every ordinary namespace begins with one of these 63 bytes; `_` (the broker's own) is left out.
EVERYTHING = [bytes([c]) for c in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"]


class Raw:
    """MessagePack bytes that are put into a message exactly as they are."""

    def __init__(self, data):
        self.data = data


class Pairs:
    """A map given as pairs, so that keys may repeat or come in a chosen order."""

    def __init__(self, *pairs):
        self.pairs = pairs


def encode(value):
    """One MessagePack value; Raw and Pairs may stand anywhere in it."""
    if isinstance(value, Raw):
        return value.data
    packer = msgpack.Packer(use_bin_type=True)
    if isinstance(value, dict):
        value = Pairs(*value.items())
    if isinstance(value, Pairs):
        return packer.pack_map_header(len(value.pairs)) + b"".join(encode(k) + encode(v) for k, v in value.pairs)
    if isinstance(value, (list, tuple)):
        return packer.pack_array_header(len(value)) + b"".join(encode(item) for item in value)
    return packer.pack(value)


def decode(payload):
    """The one MessagePack value of `payload`; raises on anything else."""
    return msgpack.unpackb(payload, raw=False, strict_map_key=False)


def array_header(count):
    return b"\xdd" + struct.pack(">I", count)


def map_header(count):
    return b"\xdf" + struct.pack(">I", count)


def nested(depth):
    """A value `depth` deep: that many arrays of one around nil."""
    return Raw(b"\x91" * depth + b"\xc0")


def entry_hash(key, rev):
    return xxhash.xxh3_64_intdigest(key.encode() + b"\0" + struct.pack(">Q", rev))


def content_hash(revs_by_key):
    """The hash of a namespace from {key: rev} of its live entries."""
    return sum(entry_hash(key, rev) for key, rev in revs_by_key.items()) % 2**64


def is_under(ns, under):
    if under == "":
        return not ns.startswith("_")
    return ns == under or ns.startswith(under + ".")


def split_frame(frame):
    """(kind, name, body): kind `heartbeat`, `barrier` (name = topic) or `sets` (name = namespace, body = list)."""
    if frame.startswith(HEARTBEAT_TOPIC):
        return "heartbeat", None, decode(frame[len(HEARTBEAT_TOPIC):])
    if frame.startswith(BARRIER_PREFIX):
        cut = len(BARRIER_PREFIX) + NONCE_BYTES
        return "barrier", frame[:cut], decode(frame[cut:])
    topic, _, body = frame.partition(b"/")
    return "sets", topic.decode(), decode(body)
