"""record - a hub records: files that others can play, limits, full disks; and nobody who looks notices."""
import json
import pathlib
import re
import signal
import subprocess
import sys

import frames
import hubs
import sockets
from checks import check, contains, end, equal

CAMERA = "--source", "camera=synthetic:320x240@50"


def probe(path):
    """What ffprobe says of a file's pictures, all of which it has decoded without a complaint."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", str(path)],
        capture_output=True, text=True, check=True)
    equal(done.stderr, "", path)
    found = json.loads(done.stdout)
    equal([stream["codec_type"] for stream in found["streams"]], ["video"])
    contains(found["format"]["format_name"], "matroska")
    return found["streams"][0]


def times(path):
    """When each picture is to be shown, in seconds."""
    out = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0", str(path)],
                         capture_output=True, text=True, check=True).stdout
    return [float(line.strip(",")) for line in out.split()]


def playable(folder):
    file = folder / "camera.mkv"
    with hubs.Hub(*CAMERA, "--record", f"camera={file}", "--verify") as hub:
        with check("a stream is recorded while nobody else looks"):
            recording = hub.await_stream("camera", "50 frames", lambda stream: (
                stream["recording"]["frames"] >= 50))["recording"]
            equal((recording["file"], recording["running"], recording["error"], recording["dropped"]),
                  (str(file), True, None, 0))
            equal(recording["limit"], 1 << 30)
        with check("and while somebody looks"):
            with sockets.Socket(hub, "/out/camera?every=128") as viewer:
                taken = viewer.frames(50)
                equal([message.sequence for message in taken],
                      list(range(taken[0].sequence, taken[0].sequence + 50)))
        with check("nothing was torn"):
            equal(hub.status()["torn"], 0)
        summary = hub.end()
    with check("the file can be played, and has all frames"):
        found = probe(file)
        equal((found["codec_name"], found["width"], found["height"]), ("mjpeg", 320, 240))
        n = int(found["nb_read_frames"])
        said = re.search(r"recorded (\d+) frames, (\d+) bytes, dropped 0\n", summary)
        equal(int(said[1]), n)
        assert 0 <= file.stat().st_size - int(said[2]) < 10000, (file.stat().st_size, said[0])  # what ends a file
    with check("each has the time when it was captured"):
        shown = times(file)
        equal(len(shown), n)
        assert all(before < after for before, after in zip(shown, shown[1:])), shown
        assert 0.7 < (shown[-1] - shown[0]) / ((n - 1) / 50) < 1.5, shown


def identical(folder):
    file = folder / "clip.mkv"
    sent = frames.jpegs(frames.REALSHORT)
    with hubs.Hub("--source", "clip=websocket", "--record", f"clip={file}") as hub:
        with check("what a client sends is recorded"):
            hub.await_stream("clip", "the recording looks", lambda stream: stream["readers"])
            with sockets.Socket(hub, "/in/clip") as sender:
                for number, jpeg in enumerate(sent):
                    sender.send(jpeg)
                    hub.await_stream("clip", "it is recorded", lambda stream, number=number: (
                        stream["recording"]["frames"] == number + 1))
                hub.end()
    with check("as it came, byte by byte"):
        equal(int(probe(file)["nb_read_frames"]), len(sent))
        assert frames.split(frames.ffmpeg("-i", file, "-c:v", "copy", "-f", "image2pipe")) == sent


def limits(folder):
    file = folder / "limited.mkv"
    with hubs.Hub(*CAMERA, "--record", f"camera={file}", "--record-limit", "200000") as hub:
        with check("at its limit a recording ends, and says so"):
            stream = hub.await_stream("camera", "it has ended", lambda stream: not stream["recording"]["running"])
            recording = stream["recording"]
            contains(recording["error"], "it has reached its limit of 200000 bytes")
            equal(recording["limit"], 200000)
            assert 200000 <= recording["bytes"] < 300000, recording
        with check("the camera goes on, and it looks at it no more"):
            hub.await_stream("camera", "no view", lambda stream: not stream["readers"])
            hub.await_frames("camera", 5)
            equal(hub.stream("camera")["recording"]["frames"], recording["frames"])
        with check("the file can be played while the hub goes on"):
            equal(int(probe(file)["nb_read_frames"]), recording["frames"])
            assert file.stat().st_size < 300000


def refused(folder):
    there = folder / "there.mkv"
    there.write_text("mine", encoding="ascii")
    (folder / "directory.mkv").mkdir()
    for name, file, words in (("a file that is there", there, "recordings are not written over it"),
                              ("a directory", folder / "directory.mkv", ""),
                              ("in no directory", folder / "no" / "where.mkv", "")):
        with check(f"{name} is not recorded to, and the status says why"):
            with hubs.Hub(*CAMERA, "--record", f"camera={file}") as hub:
                stream = hub.await_stream("camera", "an error", lambda stream: stream["recording"]["error"])
                recording = stream["recording"]
                equal((recording["running"], recording["frames"]), (False, 0))
                contains(recording["error"], words)
                equal(hub.get("/jpeg/camera").status, 200)
    with check("what was there is as it was"):
        equal(there.read_text(encoding="ascii"), "mine")
        assert not list((folder / "directory.mkv").iterdir()) and not (folder / "no").exists()


def full(folder):
    """A file may not be larger than 300 KiB. Without channels, whose memory is a file for the system, too."""
    file = folder / "full.mkv"
    wrapper = "bash", "-c", 'ulimit -f 300 && exec "$@"', "-"
    with hubs.Hub(*CAMERA, "--channels", "no", "--record", f"camera={file}", wrapper=wrapper) as hub:
        with check("when the disk is full a recording ends, and says so, while a viewer gets every frame"):
            with sockets.Socket(hub, "/out/camera?every=128") as viewer:
                taken = [viewer.frame()]
                while hub.stream("camera")["recording"]["running"]:
                    taken.append(viewer.frame())
                taken += viewer.frames(20)
            equal([message.sequence for message in taken],
                  list(range(taken[0].sequence, taken[0].sequence + len(taken))))
            contains(hub.stream("camera")["recording"]["error"], "File too large")
        with check("what was written can be played"):
            assert 1 < int(_frames_of(file)) <= hub.stream("camera")["recording"]["frames"] + 1


def _frames_of(path):
    """Of a file that may end in the middle of one."""
    out = subprocess.run(["ffprobe", "-v", "quiet", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of",
                          "csv=p=0", str(path)], capture_output=True, text=True, check=True).stdout
    return out.strip().strip(",")


def killed(folder):
    file = folder / "killed.mkv"
    hub = hubs.Hub(*CAMERA, "--record", f"camera={file}")
    with check("what a hub has recorded that was killed can be played"):
        hub.await_stream("camera", "a second", lambda stream: stream["recording"]["bytes"] > 400000)
        hub.process.send_signal(signal.SIGKILL)
        hub.process.wait()
        assert int(_frames_of(file)) > 10


def several(folder):
    with check("several streams are recorded at a time, a processor's, too"):
        files = {name: folder / f"several-{name}.mkv" for name in ("camera", "motion")}
        options = [word for name, file in files.items() for word in ("--record", f"{name}={file}")]
        with hubs.Hub(*CAMERA, "--processor", "motion", *options) as hub:
            for name in files:
                hub.await_stream(name, "10 frames", lambda stream: stream["recording"]["frames"] >= 10)
            hub.end()
        for file in files.values():
            assert int(probe(file)["nb_read_frames"]) >= 10
    with check("one stream is not recorded twice"):
        status, _, said = hubs.run("hub", "--listen", ":0", *CAMERA, "--record", f"camera={folder}/1.mkv", "--record",
                                   f"camera={folder}/2.mkv")
        equal(status, 1)
        contains(said, "it is recorded already")


def main():
    folder = pathlib.Path(hubs.folder())
    playable(folder)
    identical(folder)
    limits(folder)
    refused(folder)
    full(folder)
    killed(folder)
    several(folder)
    return end()


sys.exit(main())
