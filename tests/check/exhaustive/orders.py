#!/usr/bin/python3
"""orders.py FAIRLEAD PROGRAM NUMBER KINDS [SEED] - random programs, by brute force and by the checker.

Makes NUMBER random programs (program.c) of steps of those kinds, and compares: the number of executions that differ in
the order of dependent steps with what an exhaustive search made; the outcomes; whether there is a deadlock. To say which
orders are the same, an execution is written down as the steps on each object in their order, steps that only look at it
side by side as a set. Exit code 1 if anything differs.
"""
import json
import random
import subprocess
import sys


class State:
    """Where an execution is. `history`: for each object groups of steps, ('r', {...}) or ('w', {step})."""

    def __init__(self, n):
        self.at = [0] * n
        self.holds = [None] * n  # mutex that a try has got
        self.seen = [""] * n
        self.stores = [0] * n
        self.values, self.mutex, self.count, self.rwlock, self.history = {}, {}, {}, {}, {}

    def copy(self):
        other = State(0)
        for name, value in vars(self).items():
            setattr(other, name, value.copy())
        return other

    def key(self):
        return tuple(self.at), tuple(self.holds), tuple(sorted(self.history.items()))

    def outcome(self):
        return "".join(seen + "|" for seen in self.seen) + "".join(chr(48 + self.values.get(i, 0)) for i in range(4))

    def note(self, thing, step, looks):
        groups = self.history.get(thing, ())
        if looks and groups and groups[-1][0] == "r":
            groups = groups[:-1] + (("r", groups[-1][1] | {step}),)
        else:
            groups = groups + (("r" if looks else "w", frozenset([step])),)
        self.history[thing] = groups

    def see(self, thread, value):
        self.seen[thread] += chr(48 + value)


def step_on_lock(state, thread, kind, at):
    """Returns (thing, whether it only looks), or None if the step has to wait."""
    if kind == "L":
        if state.mutex.get(at) is not None:
            return None
        state.mutex[at] = thread
    elif kind in "UV":
        state.mutex[at] = None
        if kind == "V":
            state.holds[thread] = None
    elif kind == "T":
        got = state.mutex.get(at) is None
        state.see(thread, got)
        if got:
            state.mutex[at] = thread
            state.holds[thread] = at
        return "mutex", at, not got
    elif kind == "P":
        state.count[at] = state.count.get(at, 0) + 1
        return "semaphore", at, False
    elif kind == "S":
        if state.count.get(at, 0) == 0:
            return None
        state.count[at] -= 1
        return "semaphore", at, False
    else:
        writer, readers = state.rwlock.get(at, (None, frozenset()))
        if (kind in "AB" and writer is not None) or (kind == "B" and readers):
            return None
        looks = kind == "A" or (kind == "C" and writer is None)
        if kind == "B":
            writer = thread
        elif kind == "A":
            readers |= {thread}
        elif looks:
            readers -= {thread}
        else:
            writer = None
        state.rwlock[at] = writer, readers
        return "rwlock", at, looks
    return "mutex", at, False


def step_on_atomic(state, thread, kind, at):
    if kind in "RXJ":
        state.see(thread, state.values.get(at, 0))
    if kind == "X":
        state.values[at] = state.values.get(at, 0) + 1
    elif kind == "W":
        state.stores[thread] += 1
        state.values[at] = thread * 8 + state.stores[thread]
    return "atomic", at, kind in "RJ"


def theory(programs):
    """Returns the classes of executions that end, of those that stand still, and the outcomes."""
    ended, stuck, outcomes, visited = set(), set(), set(), set()
    todo = [State(len(programs))]
    while todo:
        state = todo.pop()
        if state.key() in visited:
            continue
        visited.add(state.key())
        moves = 0
        for thread, program in enumerate(programs):
            after = state.copy()
            if state.holds[thread] is not None:
                kind, at = "V", state.holds[thread]
            elif state.at[thread] < len(program):
                kind, at = program[state.at[thread]], int(program[state.at[thread] + 1])
            else:
                continue
            done = (step_on_atomic if kind in "RWXJ" else step_on_lock)(after, thread, kind, at)
            if done is None:
                continue
            after.note(done[:2], (thread, state.at[thread], kind), done[2])
            if kind == "J" and state.values.get(at, 0) == 0:
                after.at[thread] = len(program)
            elif kind != "V":
                after.at[thread] += 2
            todo.append(after)
            moves += 1
        if moves == 0:
            over = all(at == len(program) for at, program in zip(state.at, programs))
            (ended if over else stuck).add(state.key())
            if over:
                outcomes.add(state.outcome())
    return ended, stuck, outcomes


def some_steps(source, kind):
    if kind == "L":
        at = source.randint(0, 1)
        return f"L{at}" + source.choice(["", "R0", "W1", "X0"]) + f"U{at}"
    if kind == "N":
        at = source.randint(0, 1)
        return f"L{at}L{1 - at}U{1 - at}U{at}"
    if kind == "A":
        return "A0R0C0"
    if kind == "B":
        return "B0W0C0"
    if kind == "P":
        return source.choice("PPS") + str(source.randint(0, 1))
    return kind + str(source.randint(0, 1))


def make(source, kinds):
    while True:
        programs = ["".join(some_steps(source, source.choice(kinds)) for _ in range(source.randint(1, 4)))
                    for _ in range(source.choice([2, 3, 3]))]
        if sum(len(program) for program in programs) <= 22:
            return programs


def ask(fairlead, program, programs):
    said = subprocess.run([fairlead, "check", "--exhaustive", "--races", "off", "--show-output", "--json", "--save",
                           program + ".replay", program, *programs], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    start = said.index("{\n")
    report = json.loads(said[start:])
    return report["verdict"], report["schedules"] - report["blocked"], set(said[:start].split())


def main():
    fairlead, program, number, kinds = sys.argv[1:5]
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    wrong = 0
    for number in range(seed, seed + int(number)):
        programs = make(random.Random(number), kinds)
        ended, stuck, outcomes = theory(programs)
        verdict, executions, came = ask(fairlead, program, programs)
        if stuck:
            right = verdict == "deadlock"
        else:
            right = verdict == "verified" and executions == len(ended) and came == outcomes
        if not right:
            wrong += 1
            print(f"seed {number}: {' '.join(programs)}: {verdict}, {executions} executions instead of {len(ended)}, "
                  f"{len(stuck)} deadlocks, missing {sorted(outcomes - came)}, too many {sorted(came - outcomes)}")
    return 1 if wrong else 0


sys.exit(main())
