#!/usr/bin/python3 -B
"""soak.py BUILD [--for 10m] [--seed N] - everything that can happen to a hub, at random, for as long as wanted; while
its memory, descriptors and threads are watched, and its counters have to add up.

The hub has every kind of source and processor that needs no hardware, and recordings that reach their limit. Viewers
come, go, stall and vanish (soak_visitors.py); senders send good and bad messages and stop in the middle of one, the
producer of a channel is killed, processors are stopped, started and killed (soak_troubles.py). Each of these is a task
with a random generator of its own, made of the seed: the same seed makes the same things happen, if not at the same
moments.

What must hold:
1. The hub is one process from the beginning to the end, and ends with status 0 when it is told to.
2. No frame is torn (--verify). No counter ever goes down.
3. For each viewer that stays: what it got and what it missed are all frames between its first and its last.
4. Every good frame is taken, every bad message is refused with its reason, and counted.
5. After a fifth of the time, memory, descriptors and threads do not grow: not by more than BOUNDS over the rest. Memory
   is without that of the slots which frames lie in: these grow with the most frames that were ever held and queued at a
   time, and stay. They have bounds of their own, which a slot that is lost with each reader that is killed would pass.
6. When all have gone there are as many descriptors and threads as before they came, and no viewer and no program.

`--plant leak` lets the soak itself open viewers and keep them until the end, which must be found: 5 fails then.
"""
import argparse
import asyncio
import collections
import contextlib
import json
import pathlib
import random
import re
import signal
import sys
import time

import hubs
import processes
import soak_troubles
import soak_visitors
from checks import wait_for
from hubs import find
from web_client import ask

CLIP = "/usr/lib/python3/dist-packages/imageio/resources/images/realshort.mp4"
LIMIT = 500_000  # bytes of a recording
RECORDED = ("camera", "clip", "sender")
PATIENCE = 60  # seconds for what happens soon unless something is wrong
LOOKS = 8  # which settle what is left
TELL = 5  # seconds between two lines
VISITORS, WATCHERS = 8, 2

# Frames that may be held and queued at a time, when all look at the same stream. Of a stream: by the view (32 if somebody
# wants every frame), by processors (6), by watchers (17 each, and as many that were killed a moment ago). Of its JPEGs: by
# a recording (64), by viewers that stay (40), by visitors.
SLOTS = 2 + 33 + 6 + 4 * 17
JPEG_SLOTS = 2 + 2 + 65 + 40 + VISITORS * soak_visitors.QUEUE

# By how much something may grow, of what comes and goes at random. A leak grows without a bound.
BOUNDS = {"memory": 10e6, "descriptors": 20, "threads": 3}

# A program that reads its channel again and again.
WATCHER = """sh -c 'n=0; while "$0" frames watch "$FAIRLEAD_INPUT" --count 10 >/dev/null; do
	n=$((n + 10)); echo frames=$n; echo; done' '{}'"""

Sample = collections.namedtuple("Sample", "at memory slots descriptors threads clients")


class Stop(Exception):
    pass


def duration(text):
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is no duration, as 20s, 10m or 1h are")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def options(build, folder):
    words = ["--verify", "--on-demand", "--linger", "1s", "--patience", "2s", "--record-limit", str(LIMIT)]
    words += ["--source", "camera=synthetic:480x270@30", "--source", "quiet=synthetic:320x240@15"]
    words += ["--source", f"clip=file:{CLIP}", "--source", "sender=websocket"]
    words += ["--source", "channel=channel:soak-channel"]
    words += ["--processor", "camera:motion", "--processor", "clip:edges"]
    words += ["--isolated", "camera:histogram", "--isolated", "camera:crash"]
    words += ["--exec", "watcher=camera:" + WATCHER.format(pathlib.Path(build).resolve() / "cli" / "fairlead")]
    for name in RECORDED:
        words += ["--record", f"{name}={folder}/{name}.mkv"]
    return words


def growth(samples, field):
    """By how much a straight line through the samples rises."""
    at = [sample.at for sample in samples]
    values = [getattr(sample, field) for sample in samples]
    middle, mean = sum(at) / len(at), sum(values) / len(values)
    slope = sum((t - middle) * (v - mean) for t, v in zip(at, values)) / sum((t - middle) ** 2 for t in at)
    return slope * (at[-1] - at[0])


def least(samples):
    return min(sample.descriptors for sample in samples), min(sample.threads for sample in samples)


class Soak:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.build = pathlib.Path(arguments.build)
        self.hub = hubs.Hub(*options(arguments.build, folder))
        self.port = self.hub.port
        self.names = [stream["name"] for stream in self.hub.status()["streams"]]
        self.over = None  # an event of the loop, which is not there yet
        self.count = collections.Counter()
        self.failures, self.samples, self.leaked = [], [], []
        self.before = {}
        self.jpeg = b""

    # For the tasks.

    def fail(self, text):
        """The first ones say enough."""
        self.failures.append(text)
        if len(self.failures) <= 20:
            print(f"\nsoak: {text}", file=sys.stderr, flush=True)

    def stop(self, text):
        self.fail(text)
        raise Stop(text)

    async def pause(self, rng, shortest, longest):
        """Or until the soak is over."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.over.wait(), rng.uniform(shortest, longest))

    async def start(self, *words, producer=False):
        """Starts a program that shares the hub's channels."""
        command = self.build / "tests" / "producer" if producer else hubs.FAIRLEAD
        where = asyncio.subprocess.PIPE if producer else asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(command, *words, env=hubs.environment(self.hub.runtime), stdin=where,
                                                    stdout=asyncio.subprocess.DEVNULL,
                                                    stderr=asyncio.subprocess.DEVNULL)

    async def reap(self, program):
        """Waits for its end, which has been asked for; or brings it about."""
        try:
            await asyncio.wait_for(program.wait(), 10 if not self.over.is_set() else 2)
        except asyncio.TimeoutError:
            program.kill()
            await program.wait()

    @staticmethod
    def needs(path):
        """Whether there must be frames, whatever happens."""
        return path.startswith(("/out/camera", "/out/clip"))

    # Looking at the hub.

    def sample(self, status):
        folder = pathlib.Path(f"/proc/{self.hub.process.pid}")
        fields = dict(re.findall(r"^(\w+):\s+(\d+)", (folder / "status").read_text(), re.M))
        slots = sum(of["slots_used"] * of["slot_size"] for stream in status["streams"]
                    for of in (stream, stream["encoded"]))
        return Sample(time.monotonic(), 1024 * (int(fields["RssAnon"]) + int(fields["RssShmem"])) - slots, slots,
                      len(list((folder / "fd").iterdir())), int(fields["Threads"]), status["clients"]["now"])

    def check(self, status):
        """What must hold at any moment."""
        if status["torn"] or status["clients"]["refused"]:
            self.stop(f"torn: {status['torn']}, refused: {status['clients']['refused']}")
        now = {(stream["name"], field): stream[field] for stream in status["streams"]
               for field in ("frames", "bad", "dropped", "restarts")}
        now |= {("", "uptime"): status["uptime"]}
        for stream in status["streams"]:
            used = stream["slots_used"], stream["encoded"]["slots_used"]
            if used[0] > SLOTS or used[1] > JPEG_SLOTS:
                self.fail(f"{stream['name']} has used {used} slots; at most {SLOTS} and {JPEG_SLOTS} make sense")
        for key, value in self.before.items():
            if now[key] < value:
                self.fail(f"{' '.join(key)} went down from {value} to {now[key]}")
        self.before = now

    async def look(self):
        status = json.loads((await asyncio.wait_for(ask(self.port, "/status"), PATIENCE))[1])
        self.check(status)
        self.samples.append(self.sample(status))
        return status

    def tell(self, begun, status):
        last = self.samples[-1]
        frames = sum(stream["frames"] for stream in status["streams"])
        line = (f"{last.at - begun:6.0f} s: {last.clients:3} clients, {last.memory / 1e6:5.1f} + {last.slots / 1e6:5.1f} MB, "
                f"{last.descriptors:4} descriptors, {last.threads:3} threads, {frames} frames, "
                f"{self.count['shown']} shown, {self.count['visits']} visits, {self.count['killed']} killed, "
                f"torn {status['torn']}")
        if sys.stdout.isatty():
            print(f"\r\033[K{line}", end="", flush=True)
        else:
            print(line, flush=True)

    async def watch(self):
        """Looks at it until the time is over."""
        begun = told = time.monotonic()
        end = begun + self.arguments.duration
        period = min(1, self.arguments.duration / 40)
        while not self.over.is_set() and time.monotonic() < end:
            status = await self.look()
            if self.samples[-1].at - told >= TELL:
                told = self.samples[-1].at
                self.tell(begun, status)
            await self.pause(random, period, period)
        if sys.stdout.isatty():
            print()

    # Being at rest.

    def order(self, verb):
        for name in soak_troubles.PROCESSORS:
            self.hub.post(f"/processors/{name}/{verb}")

    def busy(self):
        """What goes on that should not when nobody looks; empty: nothing."""
        found = []
        for stream in self.hub.status()["streams"]:
            recording = stream["recording"] or {"running": False}
            if len(stream["readers"]) > recording["running"] or stream["viewers"] or stream.get("running"):
                found.append(f"{stream['name']}: readers {stream['readers']}, viewers {stream['viewers']}, "
                             f"running {stream.get('running')}")
        return found + [f"process {' '.join(processes.words_of(pid))}" for pid in processes.children(self.hub.process.pid)]

    def rest(self):
        """Stops the processors and waits until nothing goes on. Returns descriptors and threads, those of recordings
        apart."""
        self.order("stop")
        wait_for(lambda: not self.busy(), PATIENCE)
        for what in self.busy():
            self.fail(f"when all had gone there was still {what}")
        recordings = sum(find(self.hub.status(), name)["recording"]["running"] for name in RECORDED)
        seen = []

        def is_settled():
            """The least of the last ones is that of those before: questions are descriptors, too."""
            seen.append(self.sample(self.hub.status()))
            before, now = seen[-2 * LOOKS : -LOOKS], seen[-LOOKS:]
            return len(before) == LOOKS and least(before) == least(now)

        wait_for(is_settled, PATIENCE, 0.1)
        descriptors, threads = least(seen[-LOOKS:])
        return descriptors, threads - recordings

    # The course of it.

    def prepare(self):
        """Lets the hub do everything once, which takes memory and descriptors that it keeps."""
        done = wait_for(lambda: all(not self.hub.stream(name)["recording"]["running"] for name in RECORDED[:2]),
                        PATIENCE)
        if not done:
            self.stop("the recordings have not ended at their limit")
        self.jpeg = self.hub.get("/jpeg/camera").body
        for name in self.names:
            self.hub.get(f"/jpeg/{name}")
        self.at_rest = self.rest()
        self.order("start")

    def tasks(self):
        seed = self.arguments.seed
        stays = [("/out/camera?window=2", True), ("/out/camera?every=32", False), ("/out/clip", False),
                 ("/out/motion?window=4", True), ("/out/histogram", False), ("/out/sender", False),
                 ("/out/channel?every=8", False)]
        yield from (soak_visitors.stay(self, *stay) for stay in stays)
        ways = [soak_visitors.visit] * VISITORS + [soak_visitors.watch] * WATCHERS
        ways += [soak_troubles.send, soak_troubles.send_beside, soak_troubles.produce, soak_troubles.toggle,
                 soak_troubles.kill]
        ways += [soak_visitors.leak] * (self.arguments.plant == "leak")
        yield from (way(self, random.Random(f"{seed} {i} {way.__name__}")) for i, way in enumerate(ways))

    async def run(self):
        self.over = asyncio.Event()

        async def guarded(task):
            try:
                await task
            except Exception as error:  # noqa: whatever it is, it must not pass unseen
                self.fail(f"{getattr(task, '__name__', task)}: {error!r}")
                self.over.set()

        tasks = [asyncio.create_task(guarded(task)) for task in self.tasks()]
        await guarded(self.watch())
        self.over.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 2 * PATIENCE)
        for viewer in self.leaked:
            await viewer.close()

    def judge_growth(self):
        rest = [sample for sample in self.samples
                if sample.at >= self.samples[0].at + (self.samples[-1].at - self.samples[0].at) / 5]
        bounds = {**BOUNDS, "memory": self.arguments.memory * 1e6}
        for field, bound in bounds.items():
            grown = growth(rest, field)
            values = [getattr(sample, field) for sample in rest]
            print(f"{field}: {min(values)} to {max(values)}, trend {grown:+.1f}, bound {bound:.0f}")
            if grown > bound:
                self.fail(f"{field} grew by {grown:.0f}")

    def judge_counters(self):
        sender = self.hub.stream("sender")
        print(f"sender: {sender['frames']} frames of {self.count['good taken']} or more, {sender['bad']} bad messages "
              f"of {self.count['bad sent']}")
        if sender["frames"] < self.count["good taken"] or sender["bad"] != self.count["bad sent"]:
            self.fail("the sender's frames do not add up")
        for name in RECORDED:
            recording = self.hub.stream(name)["recording"]
            if not recording["running"] and (recording["bytes"] < LIMIT or "limit" not in recording["error"]):
                self.fail(f"the recording of {name} has ended too early: {recording}")

    def judge_rest(self):
        at_end = self.rest()
        print(f"at rest: descriptors {self.at_rest[0]} before, {at_end[0]} after; threads {self.at_rest[1]} before, "
              f"{at_end[1]} after")
        if at_end[0] > self.at_rest[0] or at_end[1] != self.at_rest[1]:
            self.fail(f"not everything was given back: {at_end}, not {self.at_rest}")

    def end(self):
        try:
            summary = self.hub.end()
            assert "torn: 0" in summary, f"it said at its end:\n{summary[-2000:]}"
        except AssertionError as error:
            self.fail(f"the hub did not end well: {str(error)[-6000:]}")


def read_arguments():
    parser = argparse.ArgumentParser(prog="soak.py")
    parser.add_argument("build")
    parser.add_argument("--for", dest="duration", type=duration, default="1m", help="1m, if it is not said")
    parser.add_argument("--seed", default=str(time.time_ns()))
    parser.add_argument("--plant", choices=["leak"])
    parser.add_argument("--memory", type=float, default=BOUNDS["memory"] / 1e6,
                        help="by how many MB memory may grow; sanitizers keep what is freed")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    print(f"soak: {arguments.duration:g} s, --seed {arguments.seed}", flush=True)
    soak = Soak(arguments, hubs.folder())
    try:
        soak.prepare()
        asyncio.run(soak.run())
        if soak.hub.process.poll() is None:
            soak.judge_growth()
            soak.judge_rest()
            soak.judge_counters()
    except Stop:
        pass
    finally:
        soak.end()
    print(", ".join(f"{name}: {n}" for name, n in sorted(soak.count.items()) if n))
    verdict = f"{len(soak.failures)} failures, --seed {arguments.seed}" if soak.failures else "everything held"
    print(f"soak: {verdict}")
    sys.exit(bool(soak.failures))


if __name__ == "__main__":
    main()
