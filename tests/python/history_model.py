# What a namespace was at every revision, recomputed with dictionaries from the transactions that made it: entries as of a
# revision, versions of a key, differences, and what a rollback has to change. Shares nothing with the product.
from prismbus_wire import encode


class HistoryModel:
    def __init__(self, ns, by="anonymous"):
        self.ns, self.by = ns, by
        self.revisions = []  # ascending; each transaction's
        self.times = {}  # revision -> microseconds
        self.states = {0: {}}  # revision -> {key: entry}
        self.versions = {}  # key -> [version, ...], newest first
        self.stored = {}  # (key, revision of the entry) -> the bytes of its value

    def apply(self, rev, time, changes, note=None, req=None):
        """`changes`: {key: (value,) or None for a delete}, one transaction."""
        state = dict(self.now())
        for key, put in changes.items():
            version = {"rev": rev, "op": "put" if put else "delete", "time": time, "by": self.by}
            if put:
                present = state.get(key)
                state[key] = {"ns": self.ns, "key": key, "value": put[0], "rev": rev, "time": time, "by": self.by,
                              "version": present["version"] + 1 if present else 1,
                              "created": present["created"] if present else rev}
                version.update(value=put[0], version=state[key]["version"])
                self.stored[key, rev] = encode(put[0])
            else:
                del state[key]
            version.update({name: what for name, what in (("note", note), ("req", req)) if what is not None})
            self.versions.setdefault(key, []).insert(0, version)
        self.revisions.append(rev)
        self.times[rev], self.states[rev] = time, state

    def last_at(self, rev):
        """The last revision of this namespace that is not later; 0 = none."""
        return max((known for known in self.revisions if known <= rev), default=0)

    def at(self, rev):
        return self.states[self.last_at(rev)]

    def at_time(self, time):
        return self.states[max((rev for rev, when in self.times.items() if when <= time), default=0)]

    def now(self):
        return self.states[self.revisions[-1] if self.revisions else 0]

    def differences(self, lower, higher):
        """As `diff` tells them, in key order."""
        before, after = self.at(lower), self.at(higher)
        found = []
        for key in sorted(before.keys() | after.keys(), key=lambda name: name.encode()):
            sides = {name: state[key] for name, state in (("before", before), ("after", after)) if key in state}
            if len(sides) == 2 and before[key] is after[key]:
                continue
            if len(sides) == 1 or self.stored[key, before[key]["rev"]] != self.stored[key, after[key]["rev"]]:
                found.append({"key": key, **sides})
        return found

    def to_restore(self, rev, only=None):
        """{key: (value,) or None}: what a rollback of the namespace, or of one key, changes."""
        return {found["key"]: (found["after"]["value"],) if "after" in found else None
                for found in self.differences(self.revisions[-1], rev) if only in (None, found["key"])}
