"""looks.py - whether processes get on, sleep, spin, or would like to run: crew.h and look.c once more, for Python.

The rules are those of crew.h, but for the other threads of a worker, which are not looked at: those of Pool poll, and
never rest. A worker is stuck if it has not got on and each of the crew has been, for the time of
patience, asleep without running once, spinning, or busy; one that would like to run and does not get to delays the
decision.
"""
import ctypes
import mmap
import os
import signal
import time

NAP, BETWEEN_LOOKS, UNDECIDED_AFTER = 0.0001, 0.02, 60.0
BUSY_ENOUGH, OFTEN_ENOUGH = 100, 2000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None)


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Words:
    """Numbers that all processes see; each is written by one of them at a time."""

    def __init__(self, n):
        self.numbers = memoryview(mmap.mmap(-1, 8 * n)).cast("Q")

    def __getitem__(self, i):
        return self.numbers[i]

    def __setitem__(self, i, value):
        self.numbers[i] = value

    def __iter__(self):
        return iter(self.numbers)


def read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def state_of(process):
    return read(f"/proc/{process}/stat").rpartition(")")[2][1:2]


def children_of(process):
    return [int(word) for task in os.listdir(f"/proc/{process}/task")
            for word in read(f"/proc/{process}/task/{task}/children").split()]


class Look:
    """One process, since it last got on."""

    def __init__(self, process, progress):
        self.process, self.first = process, progress
        self.begin_again(progress)

    def begin_again(self, progress):
        self.progress, self.moved, self.asleep = progress, time.monotonic(), None
        self.ran, self.slices_then = self.schedule()
        self.slices = self.slices_then

    def schedule(self):
        words = read(f"/proc/{self.process}/schedstat").split()
        return (int(words[0]) / 1e9, int(words[2])) if len(words) == 3 else (0.0, 0)

    def state(self, progress, patience):
        now, letter = time.monotonic(), state_of(self.process)
        if letter in ("", "Z"):
            return "ended"
        if progress != self.progress:
            self.begin_again(progress)
        ran, slices = self.schedule()
        if letter != "S" or slices != self.slices:
            self.asleep = None
        elif self.asleep is None:
            self.asleep = now
        self.slices = slices
        if self.asleep is not None and now - self.asleep >= patience:
            return "asleep"
        used = ran - self.ran >= patience / 2 or slices - self.slices_then >= OFTEN_ENOUGH
        if used and now - self.moved >= patience:
            return "spinning"
        return "busy" if progress - self.first >= BUSY_ENOUGH and now - self.moved < patience else "unknown"


class Watch:
    """Several processes; progress(process) says how many operations one has finished."""

    def __init__(self, processes, progress, patience):
        self.progress, self.patience, self.begun = progress, patience, time.monotonic()
        self.looks = [Look(process, progress(process)) for process in processes]

    def judge(self):
        """Returns (what can be said now, in which words)."""
        states = [look.state(self.progress(look.process), self.patience) for look in self.looks]
        words = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        if "ended" in states:
            return "crashed", "one ended by itself"
        if "unknown" in states or time.monotonic() - self.begun < self.patience:
            return "undecided", words
        return "stuck", words


def wait_for(done, processes, progress, patience):
    """Waits until done(). Returns ("got on", ""), or what else can be said, in which words."""
    if done():
        return "got on", ""
    watch = Watch(processes, progress, patience)
    looked = watch.begun
    while not done():
        time.sleep(NAP)
        now = time.monotonic()
        if now - looked < BETWEEN_LOOKS:
            continue
        looked = now
        end, how = watch.judge()
        if (end != "undecided" and not done()) or now - watch.begun > UNDECIDED_AFTER:
            return end, how
    return "got on", ""
