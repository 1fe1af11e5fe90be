"""ending - how a hub ends, and what it says then; and ways to begin one: files of options, sockets that were passed in."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import frames
import hubs
import sockets
from checks import PATIENCE, await_, check, contains, end, equal

CAMERA = "--source", "camera=synthetic:320x240@25"
# Passes a listening socket to a program as systemd does: descriptor 3, and the id of the process.
ACTIVATE = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid() + int(sys.argv[2])), LISTEN_FDS="1")
os.execv(sys.argv[3], sys.argv[3:])"""


def signals():
    for number in signal.SIGTERM, signal.SIGINT:
        with check(f"{number.name} ends it, and it says what was"):
            hub = hubs.Hub(*CAMERA, "--processor", "motion", "--verify")
            hub.await_frames("camera", 3)
            with sockets.Socket(hub, "/out/camera?name=late") as viewer:
                viewer.frames(3)
                hub.await_stream("camera", "all three are counted", lambda stream: stream["encoded"]["frames"] >= 3)
                summary = hub.end(number)
                equal(hub.said, "")
                viewer_line = re.search(r"^ +late@\S+ +was sent (\d+) by websocket, missed \d+$", summary, re.M)
                assert int(viewer_line[1]) >= 3, summary
            assert re.search(r"^after \d+\.\d s:$", summary, re.M), summary
            camera = re.search(r"^  camera: (\d+) frames, 0 bad, (\d+) encoded$", summary, re.M)
            assert int(camera[1]) >= 3 and int(camera[2]) >= 3, summary
            contains(summary, "  motion: ")
            contains(summary, "  torn: 0\n")
        with check("whoever was connected is told, or sees the end"):
            code, _ = viewer.closed()
            assert code in (1000, 1001, 1006), code


def busy():
    with check("it ends while all kinds of clients and threads are busy"):
        folder = hubs.folder()
        hub = hubs.Hub(*CAMERA, "--source", "large=synthetic:1920x1080@30", "--source", f"clip=file:{frames.REALSHORT}",
                       "--source", "none=channel:none", "--source", "gone=file:/not/there", "--processor", "motion",
                       "--isolated", "edges", "--isolated", "boom=camera:crash", "--exec", "sleep=sleep 1000",
                       "--record", f"large={folder}/large.mkv", "--quality", "98")
        hub.await_frames("large", 3)
        stuck = [sockets.handshake(hub, "/out/large", buffer=4096),
                 hub.raw(f"GET /mjpeg/large HTTP/1.1\r\nHost: {hub.address}\r\n\r\n".encode(), buffer=4096),
                 hub.raw(b"GET /half"), sockets.handshake(hub, "/in/door"), sockets.handshake(hub, "/in/other"),
                 hub.raw(f"GET /jpeg/none HTTP/1.1\r\nHost: {hub.address}\r\n\r\n".encode())]
        stuck[3].sendall(sockets.frame(2, bytes(1000), length=100000))
        stuck[4].sendall(sockets.frame(2, frames.colored("red", 320, 240)))
        hub.await_stream("other", "a frame", lambda stream: stream["frames"] > 0)
        hub.await_frames("large", 30)
        summary = hub.end()
        contains(summary, "  large: ")
        for bare in stuck:
            bare.close()
        equal(subprocess.run(["ffprobe", "-v", "error", f"{folder}/large.mkv"], capture_output=True, check=False).stderr,
              b"")


def by_itself():
    with check("--for ends it"):
        hub = hubs.Hub(*CAMERA, "--for", "500ms")
        found = re.search(r"after (\d+\.\d) s:", hub.ended())
        assert 0.5 <= float(found[1]) < PATIENCE, found[0]
    with check("--json: the summary is the status, in one line"):
        hub = hubs.Hub(*CAMERA, "--processor", "motion", "--json", "--verify", "--for", "300ms")
        lines = hub.ended().splitlines()
        equal(len(lines), 1)
        summary = json.loads(lines[0])
        equal((summary["torn"], [stream["name"] for stream in summary["streams"]]), (0, ["camera", "motion"]))
        assert summary["streams"][0]["frames"] > 0 and summary["uptime"] >= 0.3
    with check("without --verify nobody has looked whether frames are torn"):
        hub = hubs.Hub(*CAMERA, "--json", "--for", "100ms")
        equal(json.loads(hub.ended())["torn"], None)
    with check("a reader that goes before the end does not matter"):
        child = hubs.start([hubs.FAIRLEAD, "hub", "--listen", ":0", *CAMERA, "--for", "300ms"], hubs.folder(),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.readline()
        child.stdout.close()
        child.stderr.read()
        assert child.wait(PATIENCE) in (0, 1), child.returncode


def options():
    folder = hubs.folder()
    config = pathlib.Path(folder) / "hub.ini"
    config.write_text(
        "; a camera, and what is done with it\n"
        "source = camera=synthetic:160x120@20\nsource = door=websocket\n"
        "processor = motion\nlisten = 127.0.0.1:0\nclients = 77\nverify = yes\njson = no\non-demand = no\n"
        "linger = 3s\ningest = no\nisolated = apart=camera:histogram\nexec = sleeper=sleep 1000\nquality = 50\n"
        f"channels = yes\nrecord = camera={folder}/x.mkv\nrecord-limit = 123456\npatience = 5s\n"
        "message-size = 100000\npixels = 10000\nhost = cam.example\norigin = https://friend.example\nfor = 1h\n",
        encoding="ascii")
    with check("options may stand in a file, by the same names"):
        with hubs.Hub("--config", config, listen=None) as hub:
            status = hub.status()
            equal([(stream["name"], stream["what"]) for stream in status["streams"]],
                  [("camera", "synthetic:160x120@20"), ("motion", "motion"), ("apart", "histogram"),
                   ("sleeper", "sleep 1000"), ("door", "websocket")])
            equal((status["clients"]["most"], status["torn"]), (77, 0))
            equal(status["streams"][0]["recording"]["limit"], 123456)
            equal(hub.get("/status", {"Host": "cam.example"}).status, 200)
            equal(sockets.refused(hub, "/in/other"), 404)
    with check("the command line wins"):
        with hubs.Hub("--config", config, "--clients", "88") as hub:
            equal(hub.status()["clients"]["most"], 88)
    wrong = {
        "sauce = camera=synthetic": "there is no key sauce; did you mean source?",
        "zzzzzzzzzz = 1": "there is no key zzzzzzzzzz",
        "quality = 500": "quality = 500: ",
        "verify = perhaps": "verify = perhaps: it is yes or no",
        "processor = nonsense": "processor = nonsense: ",
        "quality = 5\nquality = 6": "quality is there twice",
        "[section]\nquality = 5": "there are no sections",
        "no sign": "it is not of the form key = value",
    }
    for text, words in wrong.items():
        with check(f"what is wrong in it is said, with the line: {text.splitlines()[-1]}"):
            config.write_text("; the first line\n\n" + text + "\n", encoding="ascii")
            status, out, said = hubs.run("hub", "--config", config)
            equal((status, out), (2, ""))
            line = 2 + len(text.splitlines())
            contains(said, f"fairlead hub: {config}, line {line}: ")
            contains(said, words)
    with check("a file that is not there is said"):
        status, _, said = hubs.run("hub", "--config", folder / "none.ini")
        equal(status, 2)
        contains(said, "none.ini: No such file")


def activated(family, address, *arguments, shift=0):
    """A hub that has been passed a socket."""
    with socket.socket(family) as listening:
        listening.bind((address, 0))
        listening.listen()
        port = listening.getsockname()[1]
        child = hubs.start([sys.executable, "-c", ACTIVATE, listening.fileno(), shift, hubs.FAIRLEAD, "hub", *arguments],
                           hubs.folder(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, pass_fds=[listening.fileno()])
    return child, port, child.stdout.readline()


def sockets_passed():
    for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
        with check(f"a socket that was passed in is served: {address}"):
            child, port, line = activated(family, address, *CAMERA, "--clients", "20")
            contains(line, f":{port}/")
            hub = hubs.Client(address, port)
            hub.await_frames("camera", 3)
            equal(frames.decode(hub.get("/jpeg/camera").body)[1:], (320, 240))
        with check("WebSockets in and out, too"):
            red = frames.colored("red", 320, 240)
            with sockets.Socket(hub, "/in/door") as sender:
                sender.send(red)
                with sockets.Socket(hub, "/out/door?every=2") as viewer:
                    equal(viewer.frame().data, red)
        with check("and those who are too many are refused"):
            await_("one client", lambda: hub.status()["clients"]["now"] == 1)
            bares = [socket.create_connection((address, port)) for _ in range(100)]
            refused = 0
            for bare in bares:
                bare.settimeout(PATIENCE)
                try:
                    bare.sendall(f"GET /nothing HTTP/1.1\r\nHost: {hub.address}\r\n\r\n".encode())
                    refused += not bare.recv(1000).startswith(b"HTTP/1.1 404")
                except (ConnectionResetError, BrokenPipeError):
                    refused += 1
            assert refused in (80, 81), refused  # whoever asked for the status may still have been there
            for bare in bares:
                bare.close()
        with check("it ends as others do"):
            child.terminate()
            contains(child.stdout.read(), "camera: ")
            said = child.stderr.read()
            equal((child.wait(PATIENCE), bool(hubs.SANITIZED.search(said))), (0, False), said)
    with check("one that was meant for another process is not taken"):
        child, port, line = activated(socket.AF_INET, "127.0.0.1", "--listen", ":0", *CAMERA, "--for", "10ms", shift=1)
        assert f":{port}/" not in line and line.startswith("fairlead hub: http://127.0.0.1:"), line
        equal(child.wait(PATIENCE), 0)
        child.stdout.close()
        child.stderr.close()
    with check("what is no listening socket is refused"):
        left, right = socket.socketpair()
        child = hubs.start([sys.executable, "-c", ACTIVATE, right.fileno(), 0, hubs.FAIRLEAD, "hub", *CAMERA], hubs.folder(),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           pass_fds=[right.fileno()])
        right.close()
        out, said = child.communicate(timeout=PATIENCE)
        equal((child.returncode, out), (1, ""), said)
        contains(said, "the socket that was passed in: ")
        left.close()


def main():
    assert os.environ.get("LISTEN_FDS") is None
    signals()
    busy()
    by_itself()
    options()
    sockets_passed()
    return end()


sys.exit(main())
