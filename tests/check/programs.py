#!/usr/bin/env python3
"""programs.py BUILD [--command COMMAND] [--runs N] [--safe N] [NAME...] - the checker on programs to try it on; in TAP.

For each program of programs/expect (which says how), or each named one, `fairlead check` must find within --runs
schedules (default 2000) what is expected, and name the line that bears the word "here"; what it found must come out
again when it is replayed in each of the three engines, both as it was found and made short. In a mended program it must
find nothing in --safe schedules (default 300), and it must meet nothing that it does not model. The programs are those
of BUILD/tests/check.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCES = pathlib.Path(__file__).resolve().parent / "programs"
ENGINES = ("snapshot", "process", "kernel")
MARK = re.compile(r"/\*.*\bhere\b.*\*/")


def expectations(names):
    for line in (SOURCES / "expect").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, verdicts, where, *options = line.split()
            if not names or name in names:
                yield name, verdicts.split(","), where == "here", options


def marked(name):
    """The places of the source that bear the mark, as file:line."""
    source = next(path for path in (SOURCES / f"{name}.c", SOURCES / f"{name}.cc") if path.exists())
    lines = source.read_text(encoding="utf-8").splitlines()
    return {f"{source.name}:{number + 1}" for number, line in enumerate(lines) if MARK.search(line)}


def places(part):
    """All places that a part of a report names, as file:line."""
    if isinstance(part, list):
        return set().union(*map(places, part))
    if not isinstance(part, dict):
        return set()
    own = {f"{pathlib.Path(part['file']).name}:{part['line']}"} if part.get("file") and part.get("line") else set()
    return own.union(*map(places, part.values()))


def ask(command, *arguments):
    """Runs the command and returns its report, or a text that says why there is none."""
    done = subprocess.run(
        [command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stderr.strip() or f"no report; the command ended with {done.returncode}"


def replays(command, replay):
    """Returns None if the same failure comes out of a replay in each engine, or says what does instead."""
    for engine in ENGINES:
        again = ask(command, "replay", "--json", "--engine", engine, replay)
        if isinstance(again, str):
            return f"by the {engine} engine: {again}"
        if not again["same"]:
            return f"by the {engine} engine: {again['verdict']}: {again['text']}"
    return None


def what_is_wrong(arguments, name, verdicts, here, options, replay):
    program = str(pathlib.Path(arguments.build) / "tests/check" / name)
    runs = arguments.safe if verdicts == ["none"] else arguments.runs
    check = ["check", "--json", "--runs", str(runs), "--save", replay, *options, "--", program]
    report = ask(arguments.command, *check)
    if isinstance(report, str):
        return report
    found = f"{report['verdict']}: {report['text']}"
    if report["verdict"] not in verdicts:
        return f"expected {' or '.join(verdicts)}, found {found}"
    if report["unmodelled"]:
        return f"not modelled: {report['unmodelled']}"
    if here and not marked(name) & (places(report) | set(re.findall(r"[\w.]+:\d+", report["text"]))):
        return f"{found}: it names none of {' '.join(sorted(marked(name)))}"
    if verdicts == ["none"]:
        return None
    if wrong := replays(arguments.command, replay):
        return f"{found}: replayed {wrong}"
    report = ask(arguments.command, "check", "--no-minimise", *check[1:])
    if isinstance(report, str):
        return report
    wrong = replays(arguments.command, replay)
    return f"{found}: replayed as it was found {wrong}" if wrong else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--command")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--safe", type=int, default=300)
    arguments = parser.parse_intermixed_args()
    arguments.command = arguments.command or str(pathlib.Path(arguments.build) / "cli/fairlead")
    tests = failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, verdicts, here, options in expectations(arguments.names):
            wrong = what_is_wrong(arguments, name, verdicts, here, options, f"{scratch}/replay")
            tests += 1
            failures += wrong is not None
            print(f"{'not ok' if wrong else 'ok'} {tests} - {name}: {', '.join(verdicts)}", flush=True)
            if wrong:
                print(re.sub("^", "# ", wrong, flags=re.M), flush=True)
    print(f"1..{tests}")
    sys.exit(1 if failures or not tests else 0)


main()
