"""sources - where a hub's frames come from: the test camera, files, channels of other processes, other hubs; on demand."""
import os
import pathlib
import shutil
import subprocess
import sys

import frames
import hubs
import sockets
from checks import PATIENCE, await_, check, contains, end, equal


class Producer:
    """tests/producer: serves a channel, and publishes a frame for each line that it is told."""

    def __init__(self, hub_or_folder, name, format_="RGB3", size="320x240"):
        self.child = hubs.start([hubs.BUILD / "tests" / "producer", name, format_, size], hub_or_folder,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._hear("ready")

    def _hear(self, word):
        equal(self.child.stdout.readline(), word + "\n")

    def tell(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        self._hear("done")

    def kill(self):
        self.child.kill()
        self.child.wait()

    def end(self):
        self.child.stdin.close()
        equal(self.child.wait(PATIENCE), 0)


def same_picture(jpeg, clip, size):
    """It is about as coloured as one frame of the clip."""
    decoded, *got = frames.decode(jpeg)
    equal(tuple(got), size)
    color = frames.mean_color(decoded)
    for raw in frames.raws(clip, *size, 36):
        if all(abs(a - b) < 6 for a, b in zip(color, frames.mean_color(raw))):
            return
    raise AssertionError(f"no frame of {clip} has the colour {color}")


def synthetic():
    sizes = {"small": (16, 16, 200), "odd": (161, 121, 50), "wide": (1920, 64, 10)}
    options = [word for name, (width, height, rate) in sizes.items()
               for word in ("--source", f"{name}=synthetic:{width}x{height}@{rate}")]
    with hubs.Hub(*options, "--source", "synthetic:320x240") as hub:
        for name, (width, height, rate) in {**sizes, "camera": (320, 240, 30)}.items():
            with check(f"synthetic:{width}x{height}@{rate} has that size"):
                stream = hub.await_frames(name, 3)
                equal((stream["width"], stream["height"], stream["format"]), (width, height, "RGB3"))
                equal(frames.decode(hub.get(f"/jpeg/{name}").body)[1:], (width, height))
        with check("and about that rate"):
            for name, (_, _, rate) in sizes.items():
                hub.await_stream(name, f"about {rate} a second", lambda stream, rate=rate: (
                    0.7 * rate < stream["fps"] < 1.3 * rate))


def files(folder):
    late, text = folder / "late.mp4", folder / "text.mp4"
    text.write_text("this is no video\n" * 100, encoding="ascii")
    sources = {"clip": frames.REALSHORT, "late": late, "text": text, "folder": folder,
               "device": "v4l2:/dev/video-that-is-not-there"}
    options = [word for name, path in sources.items()
               for word in ("--source", f"{name}={path}" if ":" in str(path) else f"{name}=file:{path}")]
    with hubs.Hub(*options, "--source", f"plain={frames.REALSHORT}") as hub:
        with check("a clip is played"):
            stream = hub.await_frames("clip", 5)
            equal((stream["online"], stream["width"], stream["height"]), (True, 320, 240))
            same_picture(hub.get("/jpeg/clip").body, frames.REALSHORT, (320, 240))
        with check("a path alone is a file, too"):
            equal(hub.await_frames("plain", 5)["online"], True)
        for name, words in ("late", "there is no such file"), ("text", ""), ("folder", ""), ("device", "there is no such camera"):
            with check(f"what can't be opened is said: {name}"):
                stream = hub.await_stream(name, "an error", lambda stream: stream["error"])
                equal(stream["online"], False)
                contains(stream["error"], words)
        with check("it is shown as a picture"):
            reply = await_("a picture", lambda: (lambda reply: (reply.status == 200, reply))(hub.get("/jpeg/late")))
            equal(reply.headers["x-online"], "false")
            assert frames.decode(reply.body)[1] >= 320
        with check("a file that appears is opened then"):
            shutil.copy(frames.REALSHORT, folder / "copy")
            (folder / "copy").rename(late)
            stream = hub.await_stream("late", "it plays", lambda stream: stream["online"] and stream["width"] == 320)
            equal((stream["error"], stream["restarts"]), (None, 0))
            contains(stream["last_error"], "there is no such file")
        with check("at its end it begins again"):
            stream = hub.await_stream("clip", "more frames than it has", lambda stream: stream["frames"] > 45)
            equal((stream["online"], stream["restarts"], stream["error"]), (True, 0, None))
        with check("what can't be opened goes on being none"):
            equal([hub.stream(name)["online"] for name in ("text", "folder", "device")], [False] * 3)


def channels():
    with hubs.Hub("--source", "outside=channel:producer", "--source", "camera=synthetic:320x240@25", "--verify") as hub:
        with check("a channel that nobody serves is said"):
            stream = hub.await_stream("outside", "an error", lambda stream: stream["error"])
            equal((stream["online"], stream["error"]), (False, "nobody serves channel producer"))
        with check("what another process publishes comes"):
            producer = Producer(hub.runtime, "producer")
            hub.await_stream("outside", "a frame", lambda stream: (
                producer.tell("frame"), stream["online"])[1])
            stream = hub.stream("outside")
            equal((stream["format"], stream["width"], stream["height"], stream["error"]), ("RGB3", 320, 240, None))
            color = frames.mean_color(frames.decode(hub.get("/jpeg/outside").body)[0])
            assert all(abs(channel - 128) < 3 for channel in color), color
        with check("with the time when it was captured"):
            with sockets.Socket(hub, "/out/outside?every=8") as viewer:
                viewer.frame()
                producer.tell("frame")
                message = viewer.frame()
                assert 0.039 < (message.sent - message.captured) / 1e6 < PATIENCE, message.captured
        with check("one that is killed is noticed"):
            producer.tell("stream 5")
            hub.await_frames("outside", 20)
            restarts = hub.stream("outside")["restarts"]
            producer.kill()
            stream = hub.await_stream("outside", "it is offline", lambda stream: not stream["online"])
            contains(stream["error"], "producer")
            equal(hub.get("/jpeg/outside").headers["x-online"], "false")
        with check("one that comes instead is read, also if it is another one"):
            producer = Producer(hub.runtime, "producer", "YUYV", "64x32")
            producer.tell("stream 5")
            stream = hub.await_stream("outside", "it is online", lambda stream: (
                stream["online"] and stream["format"] == "YUYV"))
            equal((stream["width"], stream["height"], stream["restarts"]), (64, 32, restarts + 1))
            hub.await_frames("outside", 20)
            equal(frames.decode(hub.get("/jpeg/outside").body)[1:], (64, 32))
        with check("one that ends is noticed, too"):
            producer.end()
            stream = hub.await_stream("outside", "it is offline", lambda stream: not stream["online"])
            contains(stream["error"], "producer")
        with check("bytes that are no picture are no picture"):
            producer = Producer(hub.runtime, "producer", "NONE", "0x0")
            producer.tell("stream 5")
            hub.await_stream("outside", "frames", lambda stream: stream["online"] and stream["frames"] > 0
                             and stream["format"] is None)
            equal(hub.get("/jpeg/outside").status, 503)
            producer.kill()
        with check("half a JPEG is passed on, since nobody here looks into it, and does no harm"):
            half = hubs.folder() / "half"
            half.write_bytes(frames.colored("red", 320, 240)[:1000])
            producer = Producer(hub.runtime, "producer", "JPEG", "320x240")
            producer.tell(f"file {half}")
            hub.await_stream("outside", "a frame", lambda stream: (
                producer.tell("frame"), stream["online"] and stream["format"] == "JPEG")[1])
            producer.kill()
        with check("another process reads the hub's channels"):
            for name in "camera", "outside":
                contains(hubs.run("frames", "list", "--names", runtime=hub.runtime)[1].split("\n"), name)
            picture = hubs.folder() / "x.ppm"
            status, _, said = hubs.run("frames", "save", "camera", picture, runtime=hub.runtime)
            equal(status, 0, said)
            assert picture.read_bytes().startswith(b"P6\n320 240\n255\n")
        with check("a reader that is stopped in the middle holds nothing up"):
            watcher = hubs.start([hubs.FAIRLEAD, "frames", "watch", "camera", "--every", "4"], hub.runtime,
                                 stdout=subprocess.DEVNULL)
            hub.await_stream("camera", "it reads", lambda stream: any(
                reader["process"] == watcher.pid and reader["taken"] > 3 for reader in stream["readers"]))
            os.kill(watcher.pid, 19)  # SIGSTOP
            hub.await_frames("camera", 50)
            watcher.kill()
            watcher.wait()
            hub.await_stream("camera", "it has left", lambda stream: not stream["readers"])
        with check("nothing was torn"):
            equal(hub.status()["torn"], 0)


def other_hubs():
    with hubs.Hub("--source", "camera=synthetic:320x240@25") as first:
        with hubs.Hub("--source", f"far=http://{first.address}/mjpeg/camera") as second:
            with check("a hub shows what another one shows"):
                stream = second.await_frames("far", 5)
                equal((stream["online"], stream["width"], stream["height"]), (True, 320, 240))
            with check("and says when that has gone away"):
                first.end()
                stream = second.await_stream("far", "it is offline", lambda stream: not stream["online"])
                assert stream["error"]


def on_demand():
    with hubs.Hub("--on-demand", "--linger", "1s", "--source", "camera=synthetic:320x240@50",
                  "--source", f"clip=file:{frames.REALSHORT}") as hub:
        with check("on demand: nothing is done while nobody looks"):
            await_("a second is over", lambda: hub.status()["uptime"] > 1)
            equal([stream["frames"] for stream in hub.status()["streams"]], [0, 0])
        with check("who looks gets a picture"):
            for name in "camera", "clip":
                with sockets.Socket(hub, f"/out/{name}") as viewer:
                    message = viewer.frame()
                    equal((message.width, message.height), (320, 240))
        with check("a little later nothing is done again"):
            for name in "camera", "clip":
                hub.await_stream(name, "no frame for long", lambda stream: stream["age"] > 2)
        with check("a snapshot is looking, too"):
            before = hub.stream("camera")["frames"]
            reply = hub.get("/jpeg/camera")
            equal((reply.status, reply.headers["x-online"]), (200, "true"))
            hub.await_stream("camera", "newer frames", lambda stream: stream["frames"] > before)
        with check("so is a processor, or a reader in another process"):
            hub.await_stream("camera", "no frame for long", lambda stream: stream["age"] > 2)
            equal(hubs.run("frames", "watch", "camera", "--count", "5", runtime=hub.runtime)[0], 0)
        with check("it was never lost"):
            for name in "camera", "clip":
                stream = hub.stream(name)
                equal((stream["restarts"], stream["last_error"]), (0, None))


def main():
    synthetic()
    files(pathlib.Path(hubs.folder()))
    channels()
    other_hubs()
    on_demand()
    return end()


sys.exit(main())
