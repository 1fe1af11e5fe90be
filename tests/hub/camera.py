"""camera - a V4L2 device as the hub's source: what it shows, and what may befall a camera.

The device is played by bench/fake-v4l2.c, which is loaded into the hub. It is there as long as its folder is, and what
is in the folder says how it behaves.
"""
import contextlib
import os
import sys

import frames
import hubs
import sockets
from checks import await_, check, contains, end, equal

DEVICE = "/dev/video-fake"
COLORS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255)}


class Camera:
    """What the fake plays."""

    def __init__(self):
        self.folder = hubs.folder() / "camera"
        self.folder.mkdir()
        self.away = self.folder.with_name("away")
        for color in COLORS:
            (self.folder / f"{color}.jpg").write_bytes(frames.colored(color, 320, 240))

    def unplug(self):
        self.folder.rename(self.away)

    def plug(self):
        self.away.rename(self.folder)

    def hub(self, *options, source="", **settings):
        runtime = hubs.folder()
        # ASan would have its own library loaded first.
        env = {**hubs.environment(runtime), "LD_PRELOAD": str(hubs.BUILD / "bench" / "fake-v4l2.so"),
               "ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0",
               "FAKE_V4L2_DEVICE": DEVICE, "FAKE_V4L2_FOLDER": str(self.folder), **settings}
        return hubs.Hub("--source", f"door=v4l2:{DEVICE}{source}", *options, runtime=runtime, env=env)


def color(hub):
    """That of the picture that is shown now."""
    return frames.mean_color(frames.decode(hub.get("/jpeg/door").body)[0])


def await_online(hub):
    return hub.await_stream("door", "it is online", lambda stream: stream["online"])


def pictures():
    camera = Camera()
    with camera.hub() as hub:
        with check("a camera's JPEGs come, of their size and at its pace"):
            stream = hub.await_frames("door", 3)
            equal((stream["online"], stream["width"], stream["height"], stream["error"]), (True, 320, 240, None))
            hub.await_stream("door", "about 30 a second", lambda stream: 20 < stream["fps"] < 40)
        with check("all of them, with their content"):
            for wanted in COLORS.values():
                await_(f"the colour {wanted}", lambda wanted=wanted: (lambda got: (
                    all(abs(a - b) < 12 for a, b in zip(got, wanted)), got))(color(hub)))
        with check("frames that were damaged on their way are left out, and harm nothing"):
            (camera.folder / "damaged").touch()
            hub.await_stream("door", "no frames", lambda stream: stream["age"] > 0.5)
            (camera.folder / "damaged").unlink()
            stream = hub.await_frames("door", 5)
            equal((stream["online"], stream["restarts"], stream["last_error"]), (True, 0, None))


def raw_pictures():
    with Camera().hub(source=":640x480@50", FAKE_V4L2_YUYV="1") as hub:
        with check("a camera without JPEGs is read, too, and does as was wished"):
            stream = hub.await_frames("door", 3)
            equal((stream["online"], stream["width"], stream["height"], stream["error"]), (True, 640, 480, None))
            hub.await_stream("door", "about 50 a second", lambda stream: 35 < stream["fps"] < 65)
        with check("its pictures have their content"):
            first = color(hub)
            assert max(first) - min(first) < 4 and 10 < first[0] < 180, first
            await_("another grey", lambda: abs(color(hub)[0] - first[0]) > 10)
    with Camera().hub(source=":322x242@25", FAKE_V4L2_YUYV="1") as hub:
        with check("also of sizes that fill no whole pages"):
            equal((hub.await_frames("door", 3)["width"], hub.stream("door")["height"]), (322, 242))


def losses(raw):
    camera, settings = Camera(), {"FAKE_V4L2_YUYV": "1"} if raw else {}
    kind = "raw" if raw else "JPEG"
    with camera.hub(**settings) as hub:
        hub.await_frames("door", 5)
        with check(f"{kind}: a camera that is unplugged is offline, and the reason is said"):
            camera.unplug()
            stream = hub.await_stream("door", "it is offline", lambda stream: not stream["online"])
            assert "No such device" in stream["error"] or "no such camera" in stream["error"], stream["error"]
            reply = hub.get("/jpeg/door")
            equal((reply.status, reply.headers["x-online"]), (200, "false"))
        with check(f"{kind}: it is looked for again"):
            hub.await_stream("door", "it is missed", lambda stream: "there is no such camera" in stream["error"])
        with check(f"{kind}: when it is back its pictures are, too"):
            restarts = hub.stream("door")["restarts"]
            camera.plug()
            stream = await_online(hub)
            equal((stream["error"], stream["restarts"], stream["width"]), (None, restarts + 1, 320))
            hub.await_frames("door", 5)


def absence():
    camera = Camera()
    camera.unplug()
    with camera.hub() as hub:
        with check("a camera that is not there is said"):
            stream = hub.await_stream("door", "an error", lambda stream: stream["error"])
            equal(stream["online"], False)
            contains(stream["error"], "there is no such camera")
        with check("it is opened when it is there"):
            camera.plug()
            equal((await_online(hub)["restarts"], hub.stream("door")["error"]), (0, None))


def others():
    camera = Camera()
    (camera.folder / "busy").touch()
    with camera.hub() as hub:
        with check("a camera that another program has is said"):
            stream = hub.await_stream("door", "an error", lambda stream: stream["error"])
            equal(stream["online"], False)
            contains(stream["error"], "the camera is in use by another")
        with check("it is opened when it is free"):
            (camera.folder / "busy").unlink()
            equal(await_online(hub)["error"], None)


def programs():
    program, said = hubs.folder() / "program", hubs.folder() / "said"
    program.write_text(f"#!/bin/sh\nls -l /proc/$$/fd >{said}.new\nmv {said}.new {said}\nexec sleep 1000\n",
                       encoding="ascii")
    program.chmod(0o755)
    with Camera().hub("--exec", f"door:{program}") as hub:
        with check("a program of the hub's has none of the camera's descriptors, which would keep it busy"):
            hub.await_frames("door", 5)
            name = next(stream["name"] for stream in hub.status()["streams"] if stream["name"] != "door")
            await_("it runs", said.exists)
            equal(hub.post(f"/processors/{name}/stop").status, 204)
            hub.await_stream(name, "it is stopped", lambda stream: not stream["running"])
            said.unlink()
            equal(hub.post(f"/processors/{name}/start").status, 204)
            await_("it runs again", said.exists)
            assert "timerfd" not in said.read_text(), said.read_text()


def on_demand():
    with Camera().hub("--on-demand", "--linger", "200ms", FAKE_V4L2_YUYV="1") as hub:
        descriptors = f"/proc/{hub.process.pid}/fd"

        def is_open():
            with contextlib.suppress(FileNotFoundError):
                return any("timerfd" in os.readlink(f"{descriptors}/{one}") for one in os.listdir(descriptors))
            return None
        with check("on demand: while nobody looks the camera is not open"):
            equal(is_open(), False)
            for _ in range(3):
                with sockets.Socket(hub, "/out/door") as viewer:
                    equal(viewer.frame().width, 320)
                    await_("it is open", is_open)
                await_("it is closed", lambda: is_open() is False)
            equal(hub.stream("door")["last_error"], None)


def main():
    pictures()
    raw_pictures()
    losses(raw=False)
    losses(raw=True)
    absence()
    others()
    programs()
    on_demand()
    return end()


sys.exit(main())
