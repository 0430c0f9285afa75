# The ledger of a writer: what it was about to send (fsynced before sending) and what it was told (after). It outlives
# any broker; classify() holds a broker's whole history against it.
import json
import os
from collections import Counter
from dataclasses import dataclass, field


class Ledger:
    """One writer's append-only file, one JSON object a line. Used by that writer's thread alone."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.attempts, self.acks, self.refused = {}, {}, set()

    def attempt(self, attempts):
        """{id: [(ns, key), ...]}: on disk when this returns."""
        self.attempts.update(attempts)
        self.write([{"attempt": name, "keys": keys} for name, keys in attempts.items()])
        os.fdatasync(self.fd)

    def ack(self, name, rev):
        self.acks[name] = rev
        self.write([{"ack": name, "rev": rev}])

    def refuse(self, name):
        """The broker's final no: nothing of it may ever appear."""
        self.refused.add(name)
        self.write([{"refused": name}])

    def write(self, records):
        os.write(self.fd, "".join(json.dumps(record) + "\n" for record in records).encode())


@dataclass
class Verdict:
    acked: int = 0
    recovered: list = field(default_factory=list)   # unanswered but there: allowed
    lost: list = field(default_factory=list)        # acknowledged and not there, or at another revision
    phantom: list = field(default_factory=list)     # there, never attempted or refused
    duplicated: list = field(default_factory=list)  # there at more than one revision
    partial: list = field(default_factory=list)     # there with fewer or other changes than attempted
    holes: list = field(default_factory=list)       # a seq or a revision missing or out of order

    def sound(self):
        return not (self.lost or self.phantom or self.duplicated or self.partial or self.holes)

    def __str__(self):
        counts = {name: len(value) for name, value in vars(self).items() if isinstance(value, list)}
        return f"{self.acked} acked, " + ", ".join(f"{count} {name}" for name, count in counts.items())


def classify(ledgers, sets):
    """`sets`: every change set of the history, each with `ns`; the author's id is its `note`."""
    verdict = Verdict()
    attempts, acks, refused = {}, {}, set()
    for ledger in ledgers:
        attempts.update(ledger.attempts)
        acks.update(ledger.acks)
        refused |= ledger.refused
    verdict.acked = len(acks)

    seen, keys, seqs, revs = {}, {}, Counter(), set()
    for change_set in sorted(sets, key=lambda s: (s["ns"], s["seq"])):
        ns, name = change_set["ns"], change_set["note"]
        seqs[ns] += 1
        if change_set["seq"] != seqs[ns]:
            verdict.holes.append((ns, change_set["seq"]))
        seen.setdefault(name, set()).add(change_set["rev"])
        keys.setdefault(name, []).extend((ns, change["key"]) for change in change_set["changes"])
        revs.add(change_set["rev"])
    verdict.holes += [("rev", rev) for rev in sorted(set(range(1, max(revs, default=0) + 1)) - revs)]

    for name, at in seen.items():
        if name not in attempts or name in refused:
            verdict.phantom.append(name)
        elif len(at) > 1:
            verdict.duplicated.append(name)
        elif sorted(keys[name]) != sorted(map(tuple, attempts[name])):
            verdict.partial.append(name)
        if name not in acks:
            verdict.recovered.append(name)
    verdict.lost = [name for name, rev in acks.items() if seen.get(name) != {rev}]
    return verdict
