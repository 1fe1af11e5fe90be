"""metrics - a strict reader of Prometheus' text format, for the tests of the hub.

It refuses what a server refuses, and what the format asks for in words: HELP and TYPE once a name and before its samples,
all samples of a name together, no series twice, UTF-8, known escapes, a line feed at the end.
"""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


def _labels(text):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, f"no label at {text[at:]!r}"
        assert found[1] not in labels, f"label {found[1]} twice in {text!r}"
        labels[found[1]] = found[2]
        at = found.end()
    return labels


class Reader:
    """Reads line by line; what is wrong is an AssertionError."""

    def __init__(self):
        self.helps, self.types, self.samples, self.done = {}, {}, {}, set()
        self.name = None  # of which lines are read

    def _turn_to(self, name):
        if name != self.name:
            assert name not in self.done, f"{name} comes back"
            self.done.add(name)
            self.name = name

    def _comment(self, line):
        found = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
        assert found, f"no comment that means something: {line!r}"
        kind, name, text = found.groups()
        self._turn_to(name)
        known = self.helps if kind == "HELP" else self.types
        assert name not in known, f"{kind} of {name} twice"
        assert not any(name == key[0] for key in self.samples), f"{kind} of {name} after its samples"
        assert kind == "HELP" or text in TYPES, f"{name} is a {text}"
        known[name] = text

    def _sample(self, line):
        found = SAMPLE.fullmatch(line)
        assert found, f"no sample: {line!r}"
        name, labels, value = found.groups()
        self._turn_to(name)
        assert name in self.helps and name in self.types, f"{name} has no HELP or TYPE"
        assert self.types[name] != "counter" or name.endswith("_total"), f"counter {name}"
        key = (name, frozenset(_labels(labels or "").items()))
        assert key not in self.samples, f"twice: {line!r}"
        self.samples[key] = float(value)

    def line(self, line):
        if line.startswith("#"):
            self._comment(line)
        else:
            self._sample(line)


def read(body):
    """The samples, {(name, {label, value}...): value}."""
    text = body.decode("utf-8")
    assert text.endswith("\n"), "no line feed at the end"
    reader = Reader()
    for line in text[:-1].split("\n"):
        reader.line(line)
    return reader.samples


def value(samples, name, **labels):
    """Of the one series that has these labels."""
    found = [number for key, number in samples.items() if key[0] == name and set(labels.items()) <= key[1]]
    assert len(found) == 1, f"{len(found)} series {name} {labels}"
    return found[0]
