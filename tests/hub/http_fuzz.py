"""http_fuzz BUILD SCRATCH [--rounds N] [--seed S] [--round N] - damaged requests, handshakes and frames for a hub that
runs, through its listening socket, while somebody looks at what it shows.

Every round makes its own random generator of the seed and its number, so that `--round N` does that round alone, and the
same; only how the bytes meet the hub's turns is not in its hand. What must hold:

1. The hub lives, ends when it is told to, and no frame is torn (--verify).
2. Whoever has looked from the beginning gets whole frames to the end, and those he got and missed are all there were.
3. Every answer is proper HTTP, or the connection is closed; none is there without a request, and none has something
   that was not asked for (http_answers.py).
4. A request with a wrong Host, Origin or Sec-Fetch-Site is never served; nor does a wrong handshake become a WebSocket.
5. A fault in what is sent by WebSocket ends the connection with the status of RFC 6455 that it has; what was sent
   before has arrived.
6. When all have gone there are as many descriptors, clients and viewers as before.

First of all the checks themselves are given what they must refuse.
"""
import argparse
import collections
import contextlib
import pathlib
import random
import socket
import struct
import sys
import threading

import frames
import http_answers
import http_requests
import hubs
import sockets
from checks import await_, check, contains, end, equal

LINGER = 24  # connections that are left open
SEEN = 101, 200, 204, 400, 403, 404, 405, 411, 426  # what a run of some length has to have met


class Viewer:
    """Looks at a stream by WebSocket, in a thread of its own, and checks every frame. `jpeg`: it counts these alone, and
    not what is shown while nobody sends."""

    def __init__(self, hub, path, jpeg=None):
        self.bare = sockets.handshake(hub, path)
        self.jpeg = jpeg
        self.count, self.last, self.error, self.over = 0, None, None, False
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        try:
            while True:
                self._take(sockets.read_frame(self.bare))
        except Exception as error:  # pylint: disable=broad-except # is shown by `check`
            self.error = None if self.over else error

    def _take(self, found):
        assert found, "the hub has closed"
        if found[0] == 9:
            self.bare.sendall(sockets.frame(10, found[1]))
            return
        http_answers.check_viewer([found])
        message = frames.Message(found[1])
        if self.last is not None:
            equal(message.sequence, self.last + 1 + message.missed, "the number of a frame")
        self.last = message.sequence
        self.count += self.jpeg in (None, message.data)

    def reach(self, wanted):
        """Waits for so many frames."""
        await_("frames go on", lambda: (self.error is not None or self.count >= wanted, (self.count, self.error)))
        if self.error:
            raise self.error

    def end(self):
        self.over = True
        self.bare.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.bare.close()


class Fuzz:
    """The rounds, and what has come of them."""

    def __init__(self, hub, seed, jpeg):
        self.hub, self.seed, self.jpeg = hub, seed, jpeg
        self.lingering = []
        self.seen = collections.Counter()
        self.taken = 0  # frames that the hub must have got at /in/door
        self.said = b""

    def round(self, number):
        chance = random.Random(f"{self.seed}:{number}")
        kinds = [self.stranger] * 3 + [self.friend] * 3 + [self.handshake] * 2 + [self.damaged] * 6 + [self.sender] * 3 + [
            self.viewer, self.damaged_frames, self.head]
        chance.choice(kinds)(chance)

    # Connections.

    def send(self, bare, parts):
        """The hub may have closed already."""
        self.said = b"".join(parts)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                bare.sendall(part)
            return True
        return False

    def exchange(self, chance, data):
        """What the hub says to these bytes until it closes."""
        with self.hub.raw() as bare:
            self.send(bare, http_requests.pieces(chance, data))
            with contextlib.suppress(OSError):
                bare.shutdown(socket.SHUT_WR)
            return hubs.read_all(bare)

    def leave(self, chance, data):
        """Says that, and closes, cuts it off, or leaves the connection open for some time."""
        bare = self.hub.raw()
        self.send(bare, http_requests.pieces(chance, data))
        how = chance.randrange(3)
        if how == 0:
            self.lingering.append(bare)
            if len(self.lingering) <= LINGER:
                return
            bare = self.lingering.pop(chance.randrange(LINGER))
        if how == 1:
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        bare.close()

    def answers(self, data, asked, bare=False):
        found, rest = http_answers.answers(data, bare)
        for answer in found:
            self.seen[answer.status] += 1
            http_answers.check_fits(answer, asked)
        self.seen["closed"] += not found
        if rest:
            http_answers.check_viewer(http_answers.frames(rest))
        return found

    # Rounds.

    def stranger(self, chance):
        asked, n = http_requests.stranger(chance, self.hub)
        found = self.answers(self.exchange(chance, asked), asked)
        http_answers.check_refused(found)
        http_answers.check_number(found, n)

    def friend(self, chance):
        asked, n = http_requests.friend(chance, self.hub)
        found = self.answers(self.exchange(chance, asked), asked)
        http_answers.check_number(found, n)

    def handshake(self, chance):
        asked = http_requests.handshake(chance, self.hub)
        found = self.answers(self.exchange(chance, asked), asked, asked.startswith(b"HEAD "))
        http_answers.check_refused(found)

    def head(self, chance):
        asked = http_requests.join("HEAD", chance.choice(http_requests.GOOD_PATHS), [("Host", self.hub.address)])
        found = self.answers(self.exchange(chance, asked), asked, bare=True)
        equal([answer.status for answer in found], [405])

    def damaged(self, chance):
        asked = http_requests.damaged(chance, self.hub)
        if chance.random() < 0.3:
            self.leave(chance, asked)
            return
        found = self.answers(self.exchange(chance, asked), asked)
        if not http_answers.can_be_ours(asked):
            http_answers.check_refused(found)

    def open(self, path):
        """A WebSocket. Of a sender the one before may not be known to be gone yet: then it is 409."""
        asked = http_requests.good_handshake(self.hub, path)
        while True:
            bare = self.hub.raw(asked)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = bare.recv(1)
                assert byte, f"{path}: closed after {head!r}"
                head += byte
            status = self.answers(head, asked)[0].status
            if status == 101:
                return bare
            bare.close()
            equal(status, 409, path)

    def sender(self, chance):
        """Good pictures, and one fault at most. All that came before the fault counts."""
        n = chance.randrange(4)
        data = b"".join(http_requests.picture(chance, self.jpeg) for _ in range(n))
        wrong, codes = http_requests.fault(chance) if chance.random() < 0.7 else (None, {1000})
        data += wrong or http_requests.frame(chance, 0x88, b"\x03\xe8")
        data += http_requests.picture(chance, self.jpeg) if wrong and chance.random() < 0.5 else b""
        with self.open("/in/door") as bare:
            self.send(bare, http_requests.pieces(chance, data))
            self.taken += n
            code = None
            while (found := sockets.read_frame(bare)) is not None:
                http_answers.check_sender([found], not wrong)
                if found[0] == 8:
                    http_answers.check_close(found[1])
                    code = int.from_bytes(found[1][:2], "big")
                    break
            http_answers.need(code in codes, f"closed with {code} after {wrong!r}")
            bare.shutdown(socket.SHUT_WR)
            equal(hubs.read_all(bare), b"", "after the close")

    def viewer(self, chance):
        """Somebody who looks, and says what he should not."""
        data = http_requests.fault(chance)[0] + http_requests.frame(chance, 0x81, b"ack")
        with self.open("/out/camera") as bare:
            self.send(bare, http_requests.pieces(chance, data))
            with contextlib.suppress(OSError):
                bare.shutdown(socket.SHUT_WR)
            http_answers.check_viewer(http_answers.frames(hubs.read_all(bare)))

    def damaged_frames(self, chance):
        """Bytes changed anywhere, to another sender's place: who may still be there."""
        data = b"".join(http_requests.picture(chance, self.jpeg) for _ in range(3))
        handshake = http_requests.good_handshake(self.hub, chance.choice(["/in/window", "/out/camera"]))
        self.leave(chance, handshake + http_requests.mutate(chance, data))

    def all_leave(self):
        for bare in self.lingering:
            bare.close()
        self.lingering = []


def state(hub):
    """What has to be as before: descriptors, clients, viewers."""
    status = hub.status()
    descriptors = len(list(pathlib.Path(f"/proc/{hub.process.pid}/fd").iterdir()))
    return descriptors, status["clients"]["now"], [len(stream["viewers"]) for stream in status["streams"]]


def self_tests():
    for what, words, test in http_answers.SELF_TESTS:
        with check(f"the checks refuse {what}"):
            try:
                test()
            except http_answers.Wrong as error:
                contains(str(error), words)
            else:
                raise AssertionError("they let it pass")


def run_rounds(fuzz, numbers):
    for number in numbers:
        try:
            fuzz.round(number)
        except Exception as error:
            raise AssertionError(f"--seed {fuzz.seed} --round {number}, where the hub was sent {fuzz.said[:3000]!r}") from error
        assert fuzz.hub.process.poll() is None, f"the hub has ended: --seed {fuzz.seed} --round {number}"


def main(wish):
    self_tests()
    arguments = ["--verify", "--ingest", "no", "--processor", "motion"]
    for source in "camera=synthetic:320x240@25", "door=websocket", "window=websocket":
        arguments += ["--source", source]
    with hubs.Hub(*arguments) as hub:
        jpeg = frames.colored("red", 16, 16)
        viewer, at_door = Viewer(hub, "/out/camera"), Viewer(hub, "/out/door?every=128", jpeg)
        viewer.reach(2)
        equal(hub.post("/processors/motion/start").status, 204)
        before = state(hub)
        fuzz = Fuzz(hub, wish.seed, jpeg)
        numbers = range(wish.rounds) if wish.round is None else [wish.round]
        with check(f"{len(numbers)} rounds of damaged requests and frames find nothing wrong, seed {wish.seed}"):
            run_rounds(fuzz, numbers)
        print("#", ", ".join(f"{status}: {n}" for status, n in sorted(fuzz.seen.items(), key=str)), flush=True)
        if len(numbers) >= 1000:
            with check("they have met all that a hub may answer"):
                equal([status for status in SEEN if not fuzz.seen[status]], [])
        with check("every good frame that came before a fault has been taken, and no other"):
            at_door.reach(fuzz.taken)
            equal(at_door.count, fuzz.taken)
        with check("who has looked all the time gets whole frames to the end"):
            viewer.reach(viewer.count + 5)
        with check("all have gone when they are gone"):
            fuzz.all_leave()
            hub.post("/processors/motion/start")
            await_(f"as before: {before}", lambda: ((now := state(hub)) == before, now))
        viewer.end()
        at_door.end()
        with check("no frame is torn"):
            contains(hub.end(), "torn: 0")
    return end()


parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("scratch")
parser.add_argument("--rounds", type=int, default=1500)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--round", type=int)
sys.exit(main(parser.parse_args()))
