# Reads what sync_log.c wrote down and judges it: nothing of a write (its reply, its value on the stream) may leave
# before the journal holds it and was synced. LMDB's commit is: data pages written, the file synced, then the meta page
# written through a descriptor opened O_DSYNC; only after that last write returned is the transaction durable.
from dataclasses import dataclass, field

REPLY_ID_BASE = 0x8050424900000000


def mark(number):
    """The text to put into a value so that the log finds it again."""
    return f"PBM!{number:08x}"


@dataclass
class SyncLog:
    marks_written: dict = field(default_factory=dict)  # ino -> {mark: end of the first write that held it}
    synced: dict = field(default_factory=dict)         # ino -> [(start, end)] of syncs that succeeded
    sync_writes: dict = field(default_factory=dict)    # ino -> [(start, end)] of O_DSYNC writes that succeeded
    replies: dict = field(default_factory=dict)        # id number -> start of the first send that held it
    pushes: dict = field(default_factory=dict)         # mark -> start of the first send that held it

    @staticmethod
    def numbers(text):
        return [] if text == "-" else [int(number) for number in text.split(",")]

    def read(self, path):
        with open(path, encoding="ascii") as lines:
            for line in lines:
                kind, *fields = line.split()
                getattr(self, "take_" + kind)(*fields)
        return self

    def take_W(self, start, end, ino, dsync, result, marks):
        start, end, ino = int(start), int(end), int(ino)
        if int(result) <= 0:
            return
        for number in self.numbers(marks):
            first = self.marks_written.setdefault(ino, {})
            first[number] = min(end, first.get(number, end))
        if dsync == "1":
            self.sync_writes.setdefault(ino, []).append((start, end))

    def take_S(self, start, end, ino, result):
        if int(result) == 0:
            self.synced.setdefault(int(ino), []).append((int(start), int(end)))

    def take_N(self, start, _end, _fd, _result, ids, marks):
        for number in self.numbers(ids):
            self.replies[number] = min(int(start), self.replies.get(number, int(start)))
        for number in self.numbers(marks):
            self.pushes[number] = min(int(start), self.pushes.get(number, int(start)))

    def durable_at(self, ino, number):
        """The stamp at which the write with that mark was durable in that file; None = it never was."""
        written = self.marks_written.get(ino, {}).get(number)
        if written is None:
            return None
        synced = min((end for start, end in self.synced.get(ino, []) if start > written), default=None)
        if synced is None:
            return None
        later = [end for start, end in self.sync_writes.get(ino, []) if start > synced]
        # Without an O_DSYNC descriptor a plain write of the meta page and one more sync would do the same.
        later += [end for start, end in self.synced.get(ino, []) if start > synced]
        return min(later, default=None)

    def violations(self, ino, acknowledged):
        """One line for each reply or push that left before its write was durable in the file `ino`.
        `acknowledged`: numbers whose write was answered OK; id and mark of a write share their number."""
        found = []
        for number in sorted(acknowledged):
            durable = self.durable_at(ino, number)
            for what, sent in (("reply", self.replies.get(number)), ("push", self.pushes.get(number))):
                if sent is not None and (durable is None or sent < durable):
                    found.append(f"{what} of write {number} left at {sent}, durable at {durable}")
        return found
