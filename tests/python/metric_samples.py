# What /metrics says, taken apart: samples by name and labels, and the difference of two readings.
import re

SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def parsed(text):
    """{(name, (("label", "value"), ...)): number} of every sample; labels in the order of their names."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        name, labels, value = SAMPLE.match(line).groups()
        key = (name, tuple(sorted(LABEL.findall(labels or ""))))
        assert key not in found, line
        found[key] = float(value)
    return found


class Samples:
    def __init__(self, text):
        self.by_key = parsed(text)

    def __len__(self):
        return len(self.by_key)

    def get(self, name, **labels):
        """The value; 0 of one that is not told."""
        return self.by_key.get((name, tuple(sorted(labels.items()))), 0.0)

    def by(self, label, name, **labels):
        """{value of `label`: number} of what changed or is there, of that name and those labels."""
        out = {}
        for (of, pairs), value in self.by_key.items():
            told = dict(pairs)
            if of == name and value and all(told.get(k) == v for k, v in labels.items()):
                out[told[label]] = out.get(told[label], 0.0) + value
        return out

    def names(self):
        return {name for name, _ in self.by_key}

    def since(self, before):
        """What grew, or shrank, since another reading."""
        change = Samples("")
        change.by_key = {key: value - before.by_key.get(key, 0.0) for key, value in self.by_key.items()}
        return change
