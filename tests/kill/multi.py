#!/usr/bin/python3 -B
"""multi.py [NAME...] [--kills N] [--runs N] [--seed N] [--list] - the objects of Python's multiprocessing, whose users
are killed one after the other.

What random.c does for objects in C: four workers, kills at random instants, some of them of a stopped one and some
within 100 us of the one before; after each round all that survived have to get on. It prints a JSON object for each run,
as `kill --json` does; tests/kill/survival makes a table of both. How long a survivor waited is what this program saw.

Workers are forked, and so have their objects as the children of multiprocessing.Process would. Pool has its own workers,
and replaces them itself: there it is these that are killed, and who calls Pool.map has to get on.
"""
import argparse
import json
import mmap
import multiprocessing
import os
import random
import signal
import sys
import time

import looks
from looks import Words, die_with_parent, wait_for

WORKERS, PATIENCE, POOL_PATIENCE, WINDING_UP, BEFORE = 4, 1.0, 3.0, 0.2, 20
context = multiprocessing.get_context("fork")


class Object:
    """What is tried; operate(i) is one operation of the worker in place i."""

    name = what = ""
    roles = 1
    drains = False

    def operate(self, i):
        raise NotImplementedError

    def finish(self, i):
        """In a worker that was told to end."""

    def check(self, deaths):
        """Returns how many were lost, doubled, broken, when each place had so many deaths."""
        return 0, 0, 0


class Guard(Object):
    """A lock of four kinds, and what it guards: a count, and each worker's own count of its finished updates."""

    def __init__(self, name, what, lock, depth=1):
        self.name, self.what, self.lock, self.depth = name, f"Python multiprocessing {what}", lock, depth
        self.count, self.updates = Words(1), Words(WORKERS)

    def operate(self, i):
        for _ in range(self.depth):
            self.lock.acquire()
        self.count[0] += 1
        self.updates[i] += 1
        for _ in range(self.depth):
            self.lock.release()

    def check(self, deaths):
        updates = sum(self.updates)
        return max(0, updates - self.count[0]), max(0, self.count[0] - updates - sum(deaths)), 0


class Value(Object):
    name, what = "py-value", "Python multiprocessing Value, with its lock"

    def __init__(self):
        self.value, self.updates = context.Value("Q"), Words(WORKERS)

    def operate(self, i):
        with self.value.get_lock():
            self.value.value += 1
            self.updates[i] += 1

    def check(self, deaths):
        count, updates = self.value.get_obj().value, sum(self.updates)
        return max(0, updates - count), max(0, count - updates - sum(deaths)), 0


class Ledger(Object):
    """Something that items go through, from even places to odd ones."""

    roles, drains, most = 2, True, 1 << 22

    def __init__(self):
        self.begun, self.done = Words(WORKERS), Words(WORKERS)
        self.seen = [mmap.mmap(-1, self.most) for _ in range(WORKERS)]
        self.doubtful = [mmap.mmap(-1, self.most) for _ in range(WORKERS)]

    def put(self, item):
        raise NotImplementedError

    def get(self):
        raise NotImplementedError

    def operate(self, i):
        if i % 2 == 0:
            if self.begun[i] != self.done[i]:
                self.doubtful[i][self.begun[i]] = 1
            self.done[i] = self.begun[i]
            self.begun[i] += 1
            self.put((i, self.begun[i]))
            self.done[i] = self.begun[i]
        else:
            by, number = self.get()
            self.seen[by][number] += 1

    def check(self, deaths):
        lost = doubled = 0
        for seen, doubtful, done in zip(self.seen, self.doubtful, self.done):
            for number in range(1, done + 1):
                lost += not seen[number] and not doubtful[number]
                doubled += seen[number] > 1
        return max(0, lost - deaths[1] - deaths[3]), doubled, 0


class Queue(Ledger):
    name, what = "py-queue", "Python multiprocessing Queue"

    def __init__(self):
        super().__init__()
        self.queue = context.Queue(100)
        self.put, self.get = self.queue.put, self.queue.get

    def finish(self, i):
        self.queue.close()
        self.queue.join_thread()


class SimpleQueue(Ledger):
    name, what = "py-simplequeue", "Python multiprocessing SimpleQueue"

    def __init__(self):
        super().__init__()
        self.queue = context.SimpleQueue()
        self.put, self.get = self.queue.put, self.queue.get


class Condition(Ledger):
    """A box for one item."""

    name, what = "py-condition", "Python multiprocessing Condition"

    def __init__(self):
        super().__init__()
        self.condition, self.box = context.Condition(), Words(2)

    def put(self, item):
        with self.condition:
            self.condition.wait_for(lambda: self.box[1] == 0)
            self.box[0], self.box[1] = item
            self.condition.notify_all()

    def get(self):
        with self.condition:
            self.condition.wait_for(lambda: self.box[1] != 0)
            item = self.box[0], self.box[1]
            self.box[1] = 0
            self.condition.notify_all()
        return item


class Event(Object):
    """Even places set and clear it, odd ones wait for it; who misses a moment gets the next one."""

    name, what, roles = "py-event", "Python multiprocessing Event", 2

    def __init__(self):
        self.event = context.Event()

    def operate(self, i):
        if i % 2 == 0:
            self.event.set()
            self.event.clear()
        else:
            self.event.wait()


class Barrier(Object):
    name, what = "py-barrier", "Python multiprocessing Barrier"

    def __init__(self):
        self.barrier = context.Barrier(WORKERS)

    def operate(self, i):
        self.barrier.wait()


class Crew:
    """The workers: who they are, how far they have come, how often the one in each place was killed."""

    def __init__(self, thing):
        self.thing, self.progress, self.stopping = thing, Words(WORKERS), Words(1)
        self.processes, self.deaths = [0] * WORKERS, [0] * WORKERS
        for i in range(WORKERS):
            self.start(i)

    def start(self, i):
        process = os.fork()
        if process:
            self.processes[i] = process
            return
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            die_with_parent()
            while not self.stopping[0] >> (i % self.thing.roles) & 1:
                self.thing.operate(i)
                self.progress[i] += 1
            self.thing.finish(i)
            os._exit(0)
        except BaseException as error:
            print(f"multi: {self.thing.name}: {error!r}", file=sys.stderr)
        os._exit(1)

    def kill(self, i):
        self.deaths[i] += 1
        os.kill(self.processes[i], signal.SIGKILL)
        os.waitpid(self.processes[i], 0)
        self.processes[i] = 0

    def progress_of(self, process):
        return self.progress[self.processes.index(process)]

    def await_all_of(self, places, waits, patience=PATIENCE):
        """Waits until each of these has finished another operation; notes how long that took."""
        begun, since = time.monotonic(), {i: self.progress[i] for i in places}

        def done():
            for i in [i for i, progress in since.items() if self.progress[i] != progress]:
                del since[i]
                waits.append(time.monotonic() - begun)
            return not since

        return wait_for(done, [process for process in self.processes if process], self.progress_of, patience)

    def end(self, places):
        """Waits until these have ended, or get on no more, and ends them."""
        living = {self.processes[i]: i for i in places if self.processes[i]}

        def done():
            for process in [process for process in living if looks.state_of(process) in ("", "Z")]:
                os.waitpid(process, 0)
                self.processes[living.pop(process)] = 0
            return not living

        while not done():
            end, how = wait_for(done, list(living), self.progress_of, WINDING_UP)
            if end == "got on" or (end == "stuck" and "busy" not in how):
                break
        for i in places:
            if self.processes[i]:
                self.kill(i)

    def wind_up(self):
        roles = [range(0, WORKERS, 2), range(1, WORKERS, 2)] if self.thing.drains else [range(WORKERS)]
        self.stopping[0] = 1 if self.thing.drains else 3
        for places in roles:
            self.end(places)


def kill_some(crew, dice, two, waits):
    """One round, as in random.c."""
    time.sleep(dice.random() / 1000)
    killed = [dice.randrange(WORKERS)]
    if dice.randrange(4) == 0:
        os.kill(crew.processes[killed[0]], signal.SIGSTOP)
        time.sleep(dice.random() / 1000)
    crew.kill(killed[0])
    if two and dice.randrange(4) == 0:
        killed.append((killed[0] + 1 + dice.randrange(WORKERS - 1)) % WORKERS)
        until = time.monotonic() + dice.random() / 10000
        while time.monotonic() < until:
            pass
        crew.kill(killed[1])
    for i in killed:
        crew.start(i)
    return crew.await_all_of([i for i in range(WORKERS) if i not in killed], waits)


def run_crew(thing, kills, dice):
    crew, waits, survived = Crew(thing), [], 0
    for _ in range(BEFORE):
        if crew.await_all_of(range(WORKERS), [])[0] != "got on":
            sys.exit(f"multi: {thing.name}: not all get on before the first kill")
    end, how = "got on", ""
    while end == "got on" and survived < kills:
        end, how = kill_some(crew, dice, kills - survived > 1, waits)
        if end == "got on":
            survived = sum(crew.deaths)
    crew.wind_up()
    lost, doubled, broken = thing.check(crew.deaths)
    return end, how, survived, (lost if end == "got on" else 0, doubled, broken), waits


class Pool:
    """Who calls Pool.map is a process of its own, here the one in place 0."""

    name, what = "py-pool", "Python multiprocessing Pool.map"
    progress = None


def square(n):
    return n * n


def map_for_ever(progress):
    die_with_parent()
    os.setpgid(0, 0)
    with context.Pool(WORKERS, initializer=die_with_parent) as pool:
        while True:
            if pool.map(square, range(64), chunksize=4) != [n * n for n in range(64)]:
                os._exit(1)
            progress[0] += 1


def await_map(owner, progress, waits):
    since, begun = progress[0], time.monotonic()
    found = wait_for(lambda: progress[0] > since + 1, [owner], lambda _: progress[0], POOL_PATIENCE)
    if found[0] == "got on":
        waits.append(time.monotonic() - begun)
    return found


def run_pool(thing, kills, dice):
    progress, waits, survived = Words(1), [], 0
    owner = os.fork()
    if owner == 0:
        map_for_ever(progress)
    end, how = await_map(owner, progress, [])
    while end == "got on" and survived < kills:
        time.sleep(dice.random() / 1000)
        workers = looks.children_of(owner)
        if not workers:
            continue
        os.kill(dice.choice(workers), signal.SIGKILL)
        end, how = await_map(owner, progress, waits)
        survived += end == "got on"
    os.killpg(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    return end, how, survived, (0, 0, 0), waits


THINGS = {
    "py-lock": lambda: Guard("py-lock", "Lock", context.Lock()),
    "py-rlock": lambda: Guard("py-rlock", "RLock", context.RLock(), 2),
    "py-semaphore": lambda: Guard("py-semaphore", "Semaphore, as a lock", context.Semaphore(1)),
    "py-condition": Condition,
    "py-event": Event,
    "py-barrier": Barrier,
    "py-queue": Queue,
    "py-simplequeue": SimpleQueue,
    "py-pool": Pool,
    "py-value": Value,
}


def print_run(thing, outcome):
    end, how, kills, (lost, doubled, broken), waits = outcome
    waits = sorted(1e6 * wait for wait in waits)
    of = {"p50_us": 0.5, "p99_us": 0.99, "longest_us": 1.0}
    print(json.dumps({
        "object": thing.name, "what": thing.what, "ours": False, "way": "random", "where": "", "end": end, "how": how,
        "kills": kills, "steps": 0, "stuck": 0, "wrong": 0, "lost": lost, "doubled": doubled, "broken": broken,
        "waits": len(waits),
        **{key: round(waits[min(len(waits) - 1, int(len(waits) * part))], 1) if waits else 0.0
           for key, part in of.items()}}), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Python's multiprocessing, whose users are killed")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--kills", type=int, default=400)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_intermixed_args()
    unknown = set(options.names) - set(THINGS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    for name in options.names or THINGS:
        if options.list:
            print(name)
            continue
        for run in range(options.runs):
            thing, dice = THINGS[name](), random.Random(options.seed + run)
            print_run(thing, (run_pool if name == "py-pool" else run_crew)(thing, options.kills, dice))


main()
