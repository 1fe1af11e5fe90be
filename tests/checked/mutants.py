#!/usr/bin/env python3
"""mutants.py BUILD [OPTION...] - does Fairlead need each order and each wake-up?

A mutant is the library with one mistake: at one place of its sources a memory order is weaker, or a wake-up is lost.
For each place that a scenario of tests/checked comes to, and each mistake that can be made there, the scenarios that
come there are run under the checker until one fails: then the mutant is killed. Those that survive all that is tried
have to stand in the file `survivors`, each with the reason why nothing can fail, or why it is not seen; a survivor that
is not listed is a failure, and so is one that is listed and was killed, or that is no mutant any more.

The checker's runtime makes the mistakes (src/check/site.h), so no source is changed and nothing is compiled. A place is
a line of the source and the operation on it, however often the compiler has put it somewhere inline. Orders are tried
from strong to weak: what is weaker than a mutant that was killed is killed by the same schedule.

What is tried, until something fails: few schedules, drawn, of each scenario; more; every schedule within the scenario's
bound, up to a limit; many. The first scenarios are those that come there with the fewest sites, which are the smallest.

--part N/M    every Mth place, from the Nth on; the reasons of the others are not looked at
--only TEXT   places whose name has that regular expression in it
--by TEXT     with the scenarios whose name begins with it
--limit N     schedules of a scenario, at most (default 5000)
--short       a sample of the places, without those that have a survivor; for `make test`
--jobs N      programs at a time (default: one for each processor)
--list        the places with an order that no scenario comes to, too
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import resource
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LAYERS = ("base", "sync", "thread", "queue", "run", "shm", "frame")
KINDS = ("load", "store", "change", "compare", "failed compare", "fence", "wake-up")
WAKE = KINDS.index("wake-up")
ORDERS = ("relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst")
RELAXED, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST = 0, 2, 3, 4, 5
# What is one step weaker, by the kind of operation.
LOAD_STEPS = {SEQ_CST: [ACQUIRE], ACQUIRE: [RELAXED]}
STORE_STEPS = {SEQ_CST: [RELEASE], RELEASE: [RELAXED]}
BOTH_STEPS = {SEQ_CST: [ACQ_REL], ACQ_REL: [ACQUIRE, RELEASE], ACQUIRE: [RELAXED], RELEASE: [RELAXED]}
STEPS = {0: LOAD_STEPS, 1: STORE_STEPS, 2: BOTH_STEPS, 3: BOTH_STEPS, 4: LOAD_STEPS, 5: BOTH_STEPS}
# A wake-up is lost whenever the place is come to; or only the first time in an execution.
LOSSES = ("lost", "lost once")
# Functions that wake for those that call them.
THROUGH = ("futex", "fl_word_wake_", "wake", "nudge", "fl_park_wake_", "fl_inner_release_slow_")
# (schedules, of those that are allowed; further options; of how many scenarios at most)
STAGES = ((1 / 100, (), 100), (1 / 10, (), 20), (1 / 2, ("--exhaustive",), 4), (1, (), 6))
# Schedules of each scenario without a mistake: with --weak, and without.
SMOKE_RUNS = (2000, 500)
SHORT_SMOKE_RUNS = (100, 20)
SHORT = 12  # one place of so many


@dataclasses.dataclass
class Site:
    file: str
    line: int
    function: str
    kind: int
    order: int
    addresses: set = dataclasses.field(default_factory=set)
    scenarios: dict = dataclasses.field(default_factory=dict)  # name: how often it was come to
    number: int = 1  # among those of the function that look the same

    def name(self):
        what = KINDS[self.kind] if self.kind == WAKE else f"{KINDS[self.kind]} {ORDERS[self.order]}"
        return f"{self.file}:{self.function}: {what}" + (f" #{self.number}" if self.number > 1 else "")


@dataclasses.dataclass
class Mutant:
    site: Site
    becomes: int
    killed: str = ""  # by what; "": it has survived

    def change(self):
        return LOSSES[self.becomes] if self.site.kind == WAKE else ORDERS[self.becomes]

    def name(self):
        return f"{self.site.name()} -> {self.change()}"


class Failure(Exception):
    pass


class Program:
    """The program with the scenarios, and what it is linked with."""

    def __init__(self, build):
        self.path = build / "tests/checked/checked"
        self.library = build / "src/check/libfairlead.so.0"
        ranges = list(self.functions(THROUGH))
        self.through = ",".join(f"{start:x}-{end:x}" for start, end in ranges)

    def functions(self, names):
        lines = subprocess.run(["nm", "-S", self.library], capture_output=True, text=True, check=True).stdout
        for line in lines.splitlines():
            words = line.split()
            if len(words) == 4 and words[2] in "tT" and words[3].split(".")[0] in names:
                yield int(words[0], 16), int(words[0], 16) + int(words[1], 16)

    def ask(self, *arguments):
        command = [self.path, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0:
            raise Failure(f"{' '.join(map(str, command))}: {done.returncode}, {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    @staticmethod
    def scenarios(begin):
        text = "".join(path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*.c")))
        return [name for name in re.findall(r'^\t\{"([a-z0-9-]+)", "', text, re.MULTILINE) if name.startswith(begin)]

    def frames(self, addresses):
        """For each return address: (function, file, line) of the call, the innermost first."""
        text = "\n".join(f"0x{address - 1:x}" for address in addresses)
        command = ["addr2line", "-a", "-i", "-f", "-e", self.library]
        out = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
        for block in re.split(r"^0x[0-9a-f]+\n", out, flags=re.MULTILINE)[1:]:
            lines = block.splitlines()
            found = re.match(r"(.*):(\d+|\?)", lines[1])
            path = os.path.normpath(self.library.parent.parent.parent / found[1])
            yield lines[0], os.path.relpath(path, ROOT), int(found[2]) if found[2] != "?" else 0


def smoke(program, name, many):
    """Runs a scenario without a mistake. Returns its name and the sites that it comes to."""
    found = []
    for how, runs in zip((["--weak"], []), many):
        answer = program.ask("--sites", *how, "--runs", str(runs), "--through", program.through, name)
        if answer[0][2] != "passed":
            raise Failure(f"{name} fails without a mistake: {' '.join(answer[0][3:])}")
        found += answer[1:]
    return name, {(int(a, 16), int(kind), int(order)): int(times) for _, a, kind, order, times in found}


def number(sites):
    """Sites of one function that look the same get numbers, from its beginning on."""
    seen = {}
    for site in sorted(sites, key=lambda site: (site.file, site.line)):
        key = (site.file, site.function, site.kind, site.order)
        seen[key] = site.number = seen.get(key, 0) + 1


def find_sites(program, pool, begin, many):
    raw = dict(pool.map(lambda name: smoke(program, name, many), program.scenarios(begin)))
    keys = sorted(set().union(*raw.values()))
    sites = {}
    of = {}
    for key, (function, file, line) in zip(keys, program.frames([address for address, _, _ in keys])):
        _, kind, order = key
        site = sites.setdefault((file, line, kind, order), Site(file, line, function, kind, order))
        site.addresses.add(key[0])
        of[key] = site
    for name, counts in raw.items():
        for key, times in counts.items():
            of[key].scenarios[name] = of[key].scenarios.get(name, 0) + times
    number(sites.values())
    size = {name: len(counts) for name, counts in raw.items()}
    return sorted(sites.values(), key=lambda site: (site.file, site.line, site.kind)), size


def attempts(site, size, limit):
    """What is tried, from the cheapest to the dearest: options and the names of scenarios."""
    names = sorted(site.scenarios, key=lambda name: (size[name], name))
    for part, options, most in STAGES:
        yield ["--runs", str(int(limit * part)), *options], names[:most]


def kill(program, mutant, size, limit):
    site = mutant.site
    places = ",".join(f"{address:x}" for address in sorted(site.addresses))
    options = ["--mutant", f"{site.kind}:{mutant.becomes}:{places}", "--through", program.through]
    options += [] if site.kind == WAKE else ["--weak"]
    for how, names in attempts(site, size, limit):
        for name in names:
            answer = program.ask(*options, *how, name)[-1]
            if answer[2] == "failed":
                mutant.killed = f"{name}, {answer[3]} schedules{' one after the other' * (len(how) > 2)}: {answer[5]}"
                return


def follow(program, site, size, limit):
    """The mutants of a site: of each, what is weaker is tried if it survives."""
    tried = {}
    if site.kind == WAKE:
        todo = [1, 0]
    else:
        todo = list(STEPS[site.kind].get(site.order, ()))
    while todo:
        becomes = todo.pop(0)
        if becomes in tried:
            continue
        mutant = tried[becomes] = Mutant(site, becomes)
        kill(program, mutant, size, limit)
        if mutant.killed and site.kind == WAKE:
            break
        if not mutant.killed and site.kind != WAKE:
            todo += STEPS[site.kind].get(becomes, ())
    return list(tried.values())


def read_survivors():
    """{name: reason}; a line is `name: reason`, where the name is as in the table, and indented ones continue it."""
    reasons = {}
    name = None
    for line in (HERE / "survivors").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace():
            if name is None:
                raise Failure(f"survivors: nothing to be continued by {line!r}")
            reasons[name] += (" " if reasons[name] else "") + line.strip()
        else:
            name = line.strip()
            if name in reasons:
                raise Failure(f"survivors: {name} is there twice")
            reasons[name] = ""
    return reasons


ORDERED = re.compile(r"\bfl_(?:load|store|cas|exchange|add|sub|and|or|fence)\w*_(?:acquire|release|acq_rel|seq_cst)\s*\(")


def not_reached(sites):
    """Places with an order in the sources that no scenario comes to: file:line."""
    reached = {(site.file, site.line) for site in sites}
    for layer in LAYERS:
        for path in sorted((ROOT / "src" / layer).glob("*.[ch]")):
            file = str(path.relative_to(ROOT))
            if file == "src/base/atomic.h":
                continue
            for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if ORDERED.search(line) and not any((file, at + i) in reached for i in (0, 1, 2)):
                    yield f"{file}:{at}", line.strip()


class Tap:
    """What is printed: a line for each mutant, and for each thing that is wrong with the file of survivors."""

    def __init__(self, reasons):
        self.reasons = reasons
        self.n = 0
        self.wrong = 0

    def line(self, fine, text):
        self.n += 1
        self.wrong += not fine
        print(f"{'ok' if fine else 'not ok'} {self.n} - {text}", flush=True)

    def mutant(self, mutant):
        place = f"{mutant.site.file}:{mutant.site.line} {mutant.name().split(':', 1)[1]}"
        reason = self.reasons.get(mutant.name())
        if not mutant.killed:
            self.line(bool(reason), f"{place}: survives: {reason or 'the file of survivors does not say why'}")
        elif reason is not None:
            self.line(False, f"{place}: the file of survivors has it, but it is killed by {mutant.killed}")
        else:
            self.line(True, f"{place}: killed by {mutant.killed}")

    def end(self, mutants, whole):
        names = {mutant.name() for mutant in mutants}
        for name in self.reasons:
            if whole and name not in names:
                self.line(False, f"{name}: the file of survivors has it, but there is no such mutant")
        killed = sum(1 for mutant in mutants if mutant.killed)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"# {len(mutants)} mutants, {killed} killed, {len(mutants) - killed} survive; "
              f"{used.ru_utime + used.ru_stime:.0f} s of CPU time")
        print(f"1..{self.n}")


def choose(sites, arguments, reasons):
    """Those that are asked for."""
    first, step = map(int, arguments.part.split("/"))
    if arguments.short:
        # Numbers may be others where few schedules were run.
        listed = {name.split(" -> ")[0].split(" #")[0] for name in reasons}
        sites = [site for site in sites if site.name().split(" #")[0] not in listed][::SHORT]
    return [site for site in sites if re.search(arguments.only, site.name())][first - 1 :: step]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--by", default="")
    parser.add_argument("--limit", type=int, default=5000)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    program = Program(arguments.build.resolve())

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tap = Tap(read_survivors())
        sites, size = find_sites(program, pool, arguments.by, SHORT_SMOKE_RUNS if arguments.short else SMOKE_RUNS)
        chosen = [site for site in sites if site.kind == WAKE or site.order in STEPS[site.kind]]
        print(f"# {len(chosen)} places with an order or a wake-up, in {len(size)} scenarios")
        chosen = choose(chosen, arguments, tap.reasons)
        mutants = []
        for some in pool.map(lambda site: follow(program, site, size, arguments.limit), chosen):
            for mutant in some:
                tap.mutant(mutant)
            mutants += some
    for place, text in not_reached(sites) if arguments.list else ():
        print(f"# no scenario comes to {place} {text}")
    tap.end(mutants, (arguments.part, arguments.only, arguments.by, arguments.short) == ("1/1", "", "", False))
    sys.exit(0 if tap.wrong == 0 else 1)


try:
    main()
except Failure as failure:
    sys.exit(f"mutants.py: {failure}")
