# Time, against a recomputation from the history of leverage tiers: reads as of every revision and every moment, the
# history of every key, differences, and rollbacks to every line, of the namespace and of single keys.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import random

from broker_case import BrokerCase
from history_model import HistoryModel
from sample_data import as_do, leverage_tiers, leverage_tiers_path
from waiting import eventually

NS = "exchange.binance.leverage"
PATIENT_SECONDS = 30
SEED = int(os.environ.get("PRISMBUS_SEED", "3"))


def as_changes(line):
    return {change["key"]: (change["value"],) if change["op"] == "put" else None for change in line}


def set_of(client, ns, seq):
    return client.changes(since={ns: seq - 1})[0][0]


class TiersCase(BrokerCase):
    """The file replayed, a transaction a line, with notes and request ids; and the model of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lines = leverage_tiers()
        cls.model = HistoryModel(NS)
        cls.session = os.urandom(8)
        cls.base = cls.client.call("put", ns="other", key="k", value=0)["rev"]
        for index, line in enumerate(cls.lines):
            note, req = f"line {index}", [cls.session, index]
            rev = cls.client.txn(as_do(line, NS), note=note, req=req)["rev"]
            time = set_of(cls.client, NS, index + 1)["time"]
            cls.model.apply(rev, time, as_changes(line), note, req)
            if index % 5 == 0:  # so that revisions of the namespace are not all there are
                cls.client.call("put", ns="other", key="k", value=index)
        print(f"{len(cls.lines)} transactions of {os.path.basename(leverage_tiers_path())}, "
              f"{len(cls.model.versions)} keys, seed {SEED}")

    def assert_entries(self, found, expected):
        self.assertEqual({entry["key"]: entry for entry in found}, expected)


class AsOf(TiersCase):
    def test_a_list_at_every_revision_equals_the_file_up_to_there(self):
        for rev in range(0, self.revision() + 1):
            pages = list(self.client.pages("list", ns=NS, at=rev))
            self.assertEqual({page["at"] for page in pages}, {rev})
            self.assert_entries([entry for page in pages for entry in page["entries"]], self.model.at(rev))

    def test_a_list_at_the_time_of_every_line_and_just_before_it(self):
        for rev, time in self.model.times.items():
            for moment in (time, time - 1):
                pages = list(self.client.pages("list", ns=NS, at_time=moment))
                self.assert_entries([entry for page in pages for entry in page["entries"]],
                                    self.model.at_time(moment))
            self.assertGreaterEqual(self.client.call("list", ns=NS, at_time=time)["at"], rev)

    def test_every_key_at_every_revision_is_there_or_absent_as_in_the_file(self):
        keys = sorted(self.model.versions)
        for rev in [0, *self.model.revisions]:
            found = [entry for page in self.client.pages("mget", ns=NS, keys=keys, at=rev)
                     for entry in page["entries"]]
            self.assertEqual(found, [self.model.at(rev).get(key) for key in keys])

    def test_a_get_at_each_change_of_each_key_and_before_it(self):
        asked = [(key, rev) for key, versions in self.model.versions.items() for version in versions
                 for rev in (version["rev"], version["rev"] - 1)]
        replies = self.client.call_all("get", [{"ns": NS, "key": key, "at": rev} for key, rev in asked])
        for (key, rev), reply in zip(asked, replies):
            expected = self.model.at(rev).get(key)
            if expected is None:
                self.assert_refused(reply, "not_found")
            else:
                self.assertEqual(reply["entry"], expected)
            self.assertEqual(reply["at"], rev)

    def test_small_pages_of_the_past_stay_at_one_revision_while_writes_go_on(self):
        middle = self.model.revisions[len(self.lines) // 2]
        found, read_at = [], set()
        for page in self.client.pages("list", ns=NS, limit=40, at_time=self.model.times[middle]):
            found += page["entries"]
            read_at.add(page["at"])
            self.client.put("other", "k", len(found))
        self.assert_entries(found, self.model.at(middle))
        self.assertEqual(len(read_at), 1)


class History(TiersCase):
    def test_the_history_of_every_key_is_every_change_of_it_newest_first(self):
        for key, versions in self.model.versions.items():
            reply = self.client.call("history", ns=NS, key=key)
            self.assertEqual((reply["versions"], reply["more"]), (versions, False))

    def test_pages_of_a_history_and_before_a_revision(self):
        for key, versions in self.model.versions.items():
            paged = [version for page in self.client.pages("history", ns=NS, key=key, limit=2)
                     for version in page["versions"]]
            self.assertEqual(paged, versions)
            middle = versions[len(versions) // 2]["rev"]
            self.assertEqual(self.client.call("history", ns=NS, key=key, before=middle)["versions"],
                             [version for version in versions if version["rev"] < middle])

    def test_a_key_that_never_was_has_no_history(self):
        self.assertEqual(self.client.call("history", ns=NS, key="never")["versions"], [])
        self.assertEqual(self.client.call("history", ns="no.such", key="never")["versions"], [])


class Diff(TiersCase):
    def diff(self, lower, higher, **fields):
        pages = list(self.client.pages("diff", ns=NS, **{"from": lower}, to=higher, **fields))
        return [change for page in pages for change in page["changes"]]

    def test_from_every_line_to_the_next_and_back(self):
        revisions = [0, *self.model.revisions]
        for lower, higher in zip(revisions, revisions[1:]):
            self.assertEqual(self.diff(lower, higher), self.model.differences(lower, higher))
            if lower > 0:  # `to` 0 is now
                self.assertEqual(self.diff(higher, lower), self.model.differences(higher, lower))

    def test_from_every_line_to_now_whatever_the_pages(self):
        last = self.model.revisions[-1]
        for index, lower in enumerate([0, *self.model.revisions]):
            expected = self.model.differences(lower, last)
            self.assertEqual(self.diff(lower, 0), expected)
            if index % 9 == 0:
                self.assertEqual(self.diff(lower, 0, limit=7), expected)

    def test_random_pairs_of_revisions(self):
        chance, end = random.Random(SEED), self.model.revisions[-1] + 1
        for _ in range(100):
            lower, higher = chance.randrange(end), chance.randrange(1, end)
            self.assertEqual(self.diff(lower, higher), self.model.differences(lower, higher), (SEED, lower, higher))

    def test_now_of_the_first_page_is_now_of_all(self):
        first = self.client.call("diff", ns=NS, **{"from": 0}, to=0, limit=5)
        found, page = list(first["changes"]), first
        key = max(self.model.now())
        self.client.put(NS, key, "moved")
        while page["more"]:
            page = self.client.call("diff", ns=NS, **{"from": 0}, to=0, limit=100, after=page["after"])
            found += page["changes"]
        self.assertEqual(found, self.model.differences(0, self.model.revisions[-1]))
        reply = self.client.call("rollback", ns=NS, to=self.model.revisions[-1])
        self.assertEqual(reply["changes"], 1)  # for the other tests of this class


class Rollback(TiersCase):
    def roll_back(self, to, key=None):
        """One rollback, held against the model, its change set and the state after it."""
        expected = self.model.to_restore(to, key)
        fields = {} if key is None else {"key": key}
        before = self.revision()
        reply = self.client.call("rollback", ns=NS, to=to, note=f"back to {to}", **fields)
        self.assertEqual(reply["changes"], len(expected), (to, key))
        if not expected:
            self.assertEqual((reply["rev"], self.revision()), (before, before))
            return
        self.assertEqual(reply["rev"], before + 1)
        change_set = set_of(self.client, NS, reply["seq"])
        self.assertEqual(change_set["note"], f"back to {to}")
        self.assertEqual({change["key"]: (change["value"],) if change["op"] == "put" else None
                          for change in change_set["changes"]}, expected)
        self.model.apply(reply["rev"], change_set["time"], expected, f"back to {to}")
        self.assert_entries(self.client.list(NS), self.model.now())

    def test_to_every_line_and_then_every_key_for_itself(self):
        chance = random.Random(SEED)
        lines = list(self.model.revisions)
        for rev in lines[::-1] + lines:
            self.roll_back(rev)
            self.assertEqual({key: entry["value"] for key, entry in self.model.now().items()},
                             {key: entry["value"] for key, entry in self.model.at(rev).items()})
        for key in sorted(self.model.versions):
            self.roll_back(chance.choice(lines), key)
        for rev in (1, lines[-1], lines[-1]):  # to before the namespace was, and twice to the same
            self.roll_back(rev)
        for key, versions in self.model.versions.items():
            found = [version for page in self.client.pages("history", ns=NS, key=key, limit=50)
                     for version in page["versions"]]
            self.assertEqual(found, versions)


class WithAFloor(TiersCase):
    """The same with most of the history given up: exact above the floor, `compacted` below it."""

    broker_args = ("--retention-revisions", "25", "--retention-age", "0s", "--retention-age-min", "0s")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        last = cls.client.call("status")["rev"]
        eventually(lambda: cls.floor_now() == last - 25, PATIENT_SECONDS, f"a floor at {last - 25}")
        cls.floor, cls.last = last - 25, last

    @classmethod
    def floor_now(cls):
        reply = cls.client.ask("list", ns=NS, at=0, limit=1)
        return 0 if reply["ok"] else reply["error"]["floor"]

    def assert_compacted(self, op, **fields):
        self.assert_refused(self.client.ask(op, ns=NS, **fields), "compacted", floor=self.floor)

    def test_a_list_at_every_revision(self):
        for rev in range(self.last + 1):
            if rev < self.floor:
                self.assert_compacted("list", at=rev)
                continue
            pages = list(self.client.pages("list", ns=NS, at=rev))
            self.assert_entries([entry for page in pages for entry in page["entries"]], self.model.at(rev))

    def test_every_key_at_every_revision(self):
        keys = sorted(self.model.versions)
        for rev in range(self.last + 1):
            if rev < self.floor:
                self.assert_compacted("get", key=keys[rev], at=rev)
                continue
            found = [entry for page in self.client.pages("mget", ns=NS, keys=keys, at=rev)
                     for entry in page["entries"]]
            self.assertEqual(found, [self.model.at(rev).get(key) for key in keys])

    def test_a_list_at_the_time_of_every_line(self):
        for rev, time in self.model.times.items():
            if rev < self.floor:
                self.assert_compacted("list", at_time=time)
                continue
            pages = list(self.client.pages("list", ns=NS, at_time=time))
            self.assert_entries([entry for page in pages for entry in page["entries"]], self.model.at_time(time))

    def test_a_history_ends_with_the_newest_version_at_or_below_the_floor(self):
        kept = ("rev", "op", "value", "version", "time", "by")  # also when its transaction's record is gone
        for key, versions in self.model.versions.items():
            above = [version for version in versions if version["rev"] > self.floor]
            below = [version for version in versions if version["rev"] <= self.floor][:1]
            found = self.client.call("history", ns=NS, key=key)["versions"]
            self.assertEqual(found[:len(above)], above)
            # A key that was gone at the floor has left nothing behind, or that it was deleted.
            if len(found) == len(above) and (not below or below[0]["op"] == "delete"):
                continue
            self.assertEqual([{name: what for name, what in version.items() if name in kept}
                              for version in found[len(above):]],
                             [{name: what for name, what in version.items() if name in kept} for version in below])
        self.assert_compacted("history", key=key, before=self.floor)

    def test_differences_and_rollbacks_reach_down_to_the_floor(self):
        for rev in [rev for rev in self.model.revisions if rev < self.floor] or [1]:
            self.assert_compacted("diff", **{"from": rev}, to=0)
            self.assert_compacted("diff", **{"from": self.last}, to=rev)
            self.assert_compacted("rollback", to=rev)
            self.assert_compacted("rollback", to=rev, key=next(iter(self.model.versions)))
        for rev in [rev for rev in self.model.revisions if rev >= self.floor]:
            found = [change for page in self.client.pages("diff", ns=NS, **{"from": rev}, to=self.last)
                     for change in page["changes"]]
            self.assertEqual(found, self.model.differences(rev, self.last))


class RollbackToTheFloor(TiersCase):
    """Rollbacks move the floor on: each is to the lowest revision that can still be read."""

    broker_args = WithAFloor.broker_args

    def test_to_the_floor_again_and_again(self):
        for _ in range(10):
            to = 1
            while True:  # until it has come to rest
                reply = self.client.ask("rollback", ns=NS, to=to)
                if reply["ok"]:
                    break
                to = self.assert_refused(reply, "compacted")["floor"]
            expected = self.model.to_restore(to)
            self.assertEqual(reply["changes"], len(expected))
            if not expected:
                break
            time = set_of(self.client, NS, reply["seq"])["time"]
            self.model.apply(reply["rev"], time, expected)
            self.assert_entries(self.client.list(NS), self.model.now())


if __name__ == "__main__":
    unittest.main(verbosity=2)
