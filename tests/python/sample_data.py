# Input for tests: the history of leverage tiers (a change set a line), the reference copy beside the project when it is
# there, else the small sample of the same shape that ships in tests/data.
import gzip
import json
import os

from broker_process import ROOT

HERE = os.path.join(ROOT, "tests", "data", "leverage_tiers_sample.jsonl")
BESIDE = os.path.join(os.path.dirname(ROOT), "shared", "data", "binance_leverage_tiers_history.jsonl.gz")


def leverage_tiers_path():
    return BESIDE if os.path.exists(BESIDE) else HERE


def leverage_tiers():
    """[[{key, op: put | del, value?}, ...], ...]: each inner list is one transaction."""
    path = leverage_tiers_path()
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["changes"] for line in lines]


def recompute(transactions):
    """{key: value} after these transactions, with nothing but a dictionary."""
    state = {}
    for changes in transactions:
        for change in changes:
            if change["op"] == "put":
                state[change["key"]] = change["value"]
            else:
                del state[change["key"]]
    return state


def as_do(changes, ns):
    """One line of the file as the `do` of a transaction."""
    return [{"op": "put", "ns": ns, "key": change["key"], "value": change["value"]} if change["op"] == "put"
            else {"op": "delete", "ns": ns, "key": change["key"]} for change in changes]
