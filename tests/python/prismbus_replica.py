# The state of an independent follower and the receiver's rules (PROTOCOL sections 5 and 6). Pure: no sockets, no clock.
# Holds I5 and I6 from outside: a finished snapshot plus the sets after it equals the broker, and a gap is never hidden.
from dataclasses import dataclass, field

from prismbus_wire import content_hash, is_under


@dataclass
class Entry:
    value: object
    rev: int
    version: int
    created: int


@dataclass
class Namespace:
    seq: int = 0
    rev: int = 0
    entries: dict = field(default_factory=dict)

    def hash(self):
        return content_hash({key: entry.rev for key, entry in self.entries.items()})

    def values(self):
        return {key: entry.value for key, entry in self.entries.items()}


class Replica:
    """What one follower knows of the names it covers: exact namespaces and subtrees."""

    def __init__(self, ns=(), under=()):
        self.ns, self.under = tuple(ns), tuple(under)
        self.names = {name: Namespace() for name in ns}
        self.epoch = None
        self.shown_from_rev = 0  # rev of the last snapshot chunk: nothing is shown before all up to it is applied

    def covers(self, name):
        return name in self.ns or any(is_under(name, under) for under in self.under)

    def at(self, name):
        return self.names.setdefault(name, Namespace())

    # ---- snapshot

    def add_chunk(self, chunk):
        self.shown_from_rev = max(self.shown_from_rev, chunk["rev"])
        for name, head in chunk["heads"].items():
            space = self.at(name)
            space.seq, space.rev = head["seq"], head["rev"]
        for entry in chunk["entries"]:
            self.at(entry["ns"]).entries[entry["key"]] = Entry(
                entry["value"], entry["rev"], entry["version"], entry["created"])

    # ---- change sets

    def apply(self, name, change_set):
        """`applied`, `old` (ignored), `gap` (ask `changes`), `epoch` (join again), or `hash` (snapshot)."""
        if change_set["epoch"] != self.epoch:
            return "epoch"
        space = self.at(name)
        if not change_set["changes"]:
            return self.judge_marker(space, change_set)
        if change_set["seq"] <= space.seq:
            return "old"
        if change_set["seq"] != space.seq + 1:
            return "gap"
        for change in change_set["changes"]:
            self.apply_change(space, change_set["rev"], change)
        space.seq, space.rev = change_set["seq"], change_set["rev"]
        return "applied"

    def judge_marker(self, space, marker):
        if marker["seq"] > space.seq:
            return "gap"
        if marker["seq"] == space.seq and marker["rev"] >= self.shown_from_rev and marker["hash"] != space.hash():
            return "hash"
        return "old"

    def apply_change(self, space, rev, change):
        """An entry is replaced, or deleted, only by a change with a higher revision."""
        key = change["key"]
        present = space.entries.get(key)
        if present is not None and present.rev >= rev:
            return
        if change["op"] == "delete":
            space.entries.pop(key, None)
            return
        created = rev if change["version"] == 1 or present is None else present.created
        space.entries[key] = Entry(change["value"], rev, change["version"], created)

    def differences(self, heads):
        """Names whose seq, rev or hash is not that of `heads`; for tests, when nothing is being written."""
        found = []
        for name, head in heads.items():
            space = self.names.get(name, Namespace())
            if (space.seq, space.hash()) != (head["seq"], head["hash"]):
                found.append(f"{name}: seq {space.seq} hash {space.hash():x}, "
                             f"broker seq {head['seq']} hash {head['hash']:x}")
        return found
