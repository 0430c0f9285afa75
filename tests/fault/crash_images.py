# What a power cut may leave of two files, made from the log of write_log.c: at a point of the log everything before the
# last completed sync of a file is there; of what was written since, any part, in any order, torn at sectors of 512
# bytes. A write through an O_DSYNC descriptor is there once it returned; the one under way may be torn like the rest.
import os
import struct
from dataclasses import dataclass, field

EVENT = struct.Struct("=cb6xQQQ")
SECTOR = 512


@dataclass
class Event:
    kind: str
    dsync: bool
    ino: int
    offset: int
    data: bytes
    end: int  # the log's size once it was written: what was heard of at that size came later


def read_log(path):
    with open(path, "rb") as file:
        log = file.read()
    events, at = [], 0
    while at < len(log):
        kind, dsync, ino, offset, size = EVENT.unpack_from(log, at)
        at += EVENT.size
        data = log[at:at + size]
        at += len(data)
        events.append(Event(kind.decode(), bool(dsync), ino, offset, data, at))
    return events


def sectors(event):
    """The write cut where a disk may cut it: at multiples of 512 bytes of the file."""
    at, end = event.offset, event.offset + len(event.data)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        yield at, event.data[at - event.offset:stop - event.offset]
        at = stop


@dataclass
class File:
    """One file as the log goes on: what is surely on disk, and what may be."""
    content: bytearray
    unsynced: list = field(default_factory=list)

    def take(self, event):
        if event.kind == "W" and event.dsync:
            write(self.content, event.offset, event.data)
            # An older write of the same place can no longer come after it.
            self.unsynced = [old for old in self.unsynced if not overlap(old, event)]
        elif event.kind == "S":
            for old in self.unsynced:
                apply(self.content, old)
            self.unsynced = []
        else:
            self.unsynced.append(event)

    def image(self, rng, under_way=None):
        """One thing that a cut may leave. `under_way`: a write that had begun."""
        content = bytearray(self.content)
        pieces = self.unsynced + ([under_way] if under_way is not None else [])
        mode = rng.choice(("none", "all", "prefix", "writes", "sectors", "sectors", "reordered"))
        if mode == "none":
            return bytes(content)
        if mode == "prefix":
            pieces = pieces[:rng.randrange(len(pieces) + 1)]
        elif mode in ("writes", "reordered"):
            pieces = [piece for piece in pieces if rng.random() < 0.5]
        if mode == "reordered":
            rng.shuffle(pieces)
        for piece in pieces:
            if mode == "sectors" and piece.kind == "W":
                for at, data in sectors(piece):
                    if rng.random() < 0.5:
                        write(content, at, data)
            else:
                apply(content, piece)
        if rng.random() < 0.3:  # the size reached the disk, the bytes did not
            longest = max((piece.offset + len(piece.data) for piece in self.unsynced), default=0)
            content.extend(bytes(max(0, longest - len(content))))
        return bytes(content)


def overlap(one, other):
    return one.offset < other.offset + len(other.data) and other.offset < one.offset + len(one.data)


def write(content, at, data):
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at:at + len(data)] = data


def apply(content, event):
    if event.kind == "T":
        del content[event.offset:]
        content.extend(bytes(event.offset - len(content)))
    else:
        write(content, event.offset, event.data)


def images(events, base, count, rng):
    """`base`: {ino: bytes}, as when the log began. Yields (log size at the cut, {ino: bytes})."""
    files = {ino: File(bytearray(content)) for ino, content in base.items()}
    cuts = sorted(rng.randrange(len(events) + 1) for _ in range(count))
    at = 0
    for cut in cuts:
        while at < cut:
            files[events[at].ino].take(events[at])
            at += 1
        following = events[cut] if cut < len(events) and events[cut].kind == "W" and rng.random() < 0.5 else None
        heard = events[cut - 1].end if cut > 0 else 0
        yield heard, {ino: file.image(rng, following if following is not None and following.ino == ino else None)
                      for ino, file in files.items()}


def lay_out(directory, contents):
    """`contents`: {name: bytes}: a data directory as it is found after the cut, without LMDB's lock files."""
    for name, content in contents.items():
        os.makedirs(os.path.join(directory, name), exist_ok=True)
        lock = os.path.join(directory, name, "lock.mdb")
        if os.path.exists(lock):
            os.unlink(lock)
        with open(os.path.join(directory, name, "data.mdb"), "wb") as file:
            file.write(content)
