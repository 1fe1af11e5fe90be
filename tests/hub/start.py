"""start - a hub begins: what it prints, the page, wrong addresses, the status and the figures; and its options."""
import json
import re
import socket
import sys

import frames
import hubs
import metrics
import sockets
from checks import PATIENCE, await_, check, contains, end, equal, fails

STREAM = {
    "name": str, "kind": str, "what": str, "online": bool, "error": (str, type(None)), "restarts": int, "format": str,
    "width": int, "height": int, "frames": int, "fps": float, "age": (float, type(None)), "dropped": int,
    "refused": int, "slots": int, "slots_used": int, "slot_size": int, "readers": list, "viewers": list,
    "encoded": dict, "recording": (dict, type(None)),
}
PROCESSOR = {**STREAM, "of": str, "running": bool, "wanted": bool, "isolated": bool, "results": dict}
READER = {"name": str, "process": int, "every": int, "held": int, "queued": int, "taken": int, "missed": int,
          "dropped": int, "since": float}
VIEWER = {"name": str, "how": str, "sent": int, "dropped": int, "fps": float, "latency": (float, type(None))}
ENCODED = {"frames": int, "milliseconds": float, "bytes": int}
WHOLE = {"version": str, "now": float, "uptime": float, "torn": (int, type(None)), "clients": dict, "streams": list}
PAGE = {"/": "text/html", "/page.js": "text/javascript", "/page.css": "text/css", "/icon.svg": "image/svg+xml"}


def has(thing, fields):
    """All fields of the contract, of their types; there may be more."""
    for name, types in fields.items():
        assert name in thing, f"{name} is missing in {thing}"
        assert isinstance(thing[name], types) and not (types is int and isinstance(thing[name], bool)), (
            f"{name} is {thing[name]!r}")


def planted(text, error):
    """The strict reader refuses it."""
    contains(str(fails(AssertionError, metrics.read, text)), error)


def usual(hub):
    """A hub without a source."""
    with check("it prints its address, which is that of this machine"):
        equal(hub.url, f"http://127.0.0.1:{hub.port}/")
    with check("it has the test camera, and motion detection beside it"):
        equal([(stream["name"], stream["kind"], stream["what"]) for stream in hub.status()["streams"]],
              [("camera", "source", "synthetic"), ("motion", "processor", "motion")])
    with check("frames come"):
        hub.await_frames("camera", 3)
        hub.await_frames("motion", 3)


def page(hub):
    for path, kind in PAGE.items():
        with check(f"{path} is there"):
            reply = hub.get(path)
            equal(reply.status, 200)
            equal(reply.headers["content-type"].split(";")[0], kind)
            equal(int(reply.headers["content-length"]), len(reply.body))
            assert len(reply.body) > 100
        with check(f"{path} is kept from other pages and guesses"):
            equal(reply.headers["x-content-type-options"], "nosniff")
            equal(reply.headers["x-frame-options"], "DENY")
            equal(reply.headers["cross-origin-resource-policy"], "same-origin")
            equal(reply.headers["referrer-policy"], "no-referrer")
            policy = dict(part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";"))
            equal(policy["default-src"], "'none'")
            equal(policy["script-src"], "'self'")
            equal(policy["frame-ancestors"], "'none'")
        with check(f"{path} is sent once: then its etag says that it is the same"):
            again = hub.get(path, {"If-None-Match": reply.headers["etag"]})
            equal((again.status, again.body, again.headers["etag"]), (304, b"", reply.headers["etag"]))
        with check(f"{path} is sent again if the etag is another one"):
            equal(hub.get(path, {"If-None-Match": '"another"'}).body, reply.body)
    with check("the page asks for its own parts only"):
        html = hub.get("/").text
        asked = re.findall(r"""(?:src|href)=["']([^"'#]+)""", html)
        assert len(asked) >= 3, asked
        for part in asked:
            equal(hub.get("/" + part.lstrip("/")).status, 200, part)
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", html), "it has script or style within"


def wrong(hub):
    cases = [
        ("GET", "/nothing", 404, "there is no /nothing here"),
        ("GET", "/page.js/", 404, "there is no /page.js/ here"),
        ("GET", "/../etc/passwd", 404, "there is no "),
        ("GET", "/jpeg/other", 404, "there is no stream other"),
        ("GET", "/mjpeg/other", 404, "there is no stream other"),
        ("GET", "/jpeg/", 404, "there is no stream"),
        ("GET", "/out/camera", 404, "there is no /out/camera here"),
        ("GET", "/" + "x" * 3000, 404, "there is no /xxx"),
        ("POST", "/status", 404, "nothing is to be posted to /status"),
        ("POST", "/processors/other/start", 404, "there is no stream other"),
        ("POST", "/processors/camera/stop", 409, "camera is no processor"),
        ("POST", "/processors/motion/dance", 404, "nothing is to be posted"),
        ("POST", "/processors/" + "x" * 200 + "/start", 404, "nothing is to be posted"),
        ("PUT", "/status", 405, "there is GET here, and POST"),
        ("DELETE", "/", 405, "there is GET here, and POST"),
        ("OPTIONS", "/", 405, "there is GET here, and POST"),
    ]
    for method, path, status, text in cases:
        with check(f"{method} {path[:40]} is {status}, and says why"):
            reply = hub.ask(method, path)
            equal(reply.status, status)
            equal(reply.headers["content-type"], "text/plain; charset=utf-8")
            contains(reply.text, text)
            assert reply.text.endswith("\n") and reply.text.count("\n") == 1
    with check("405 says what there is"):
        equal(hub.ask("PUT", "/").headers["allow"], "GET, POST")
    with check("a path that is no text is answered"):
        reply = hub.get("/%ff%0d%0aSet-Cookie:x")
        equal((reply.status, reply.headers["set-cookie"]), (400, None))
    with check("so is a request without a version, with one of nobody's, or with a length that is none"):
        for line in "GET /status", "GET /status HTTP/9.9", "GET /status HTTP/1.1\r\nContent-Length: -1":
            said = hubs.read_all(hub.raw(f"{line}\r\nHost: {hub.address}\r\n\r\n".encode()))
            assert said.startswith(b"HTTP/1.1 400 ") and said.count(b"HTTP/1.1 ") == 1, said
    with check("a handshake is one of RFC 6455"):
        handshake = (f"GET /out/camera HTTP/1.1\r\nHost: {hub.address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        for good, bad, status in (("13", "12", 426), ("13", "130", 426), ("Key: AA", "Key: A", 400), ("Key: A", "Key: !", 400),
                                  ("HTTP/1.1", "HTTP/1.0", 400), ("GET", "HEAD", 400), ("x", "x", 101)):
            with hub.raw(handshake.replace(good, bad).encode()) as bare:
                equal(int(bare.makefile("rb").readline().split()[1]), status, f"{bad} for {good}")
    with check("what is no HTTP is not answered, or by 4xx"):
        said = hubs.read_all(hub.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)))
        assert not said or said.split()[1].startswith(b"4"), said
    with check("headers without end are not kept"):
        bare = hub.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        said = b""
        try:
            for _ in range(1000):
                bare.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            said = hubs.read_all(bare)
        assert not said or said.split()[1].startswith(b"4"), said[:100]
    with check("a connection serves one request after another"):
        connection = hub.connect()
        for path, wanted in (("/", 200), ("/nothing", 404), ("/status", 200), ("/jpeg/camera", 200), ("/", 200)):
            connection.request("GET", path)
            reply = hubs.Reply(connection.getresponse())
            equal((reply.status, reply.version), (wanted, 11), path)
        connection.close()
    host = f"Host: {hub.address}\r\n"
    with check("nor is a body that comes together with the request before, and it keeps nobody waiting"):
        first = f"GET /nothing HTTP/1.1\r\n{host}\r\n"
        for method in "POST /processors/motion/start", "GET /nothing":
            second = f"{method} HTTP/1.1\r\n{host}Content-Length: 5\r\n\r\nhello"
            said = hubs.read_all(hub.raw(f"{first}{second}{first}".encode()))
            equal(said.count(b"HTTP/1.1 "), 2, said)
    with check("a POST's body is no request"):
        connection = hub.connect()
        connection.request("POST", "/processors/motion/start", body=b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
        equal(hubs.Reply(connection.getresponse()).status, 204)
        connection.request("GET", "/status")
        equal(hubs.Reply(connection.getresponse()).status, 200)
        connection.close()
    with check("it goes on"):
        hub.await_frames("camera", 3)


def status(hub):
    hub.get("/jpeg/camera")
    with sockets.Socket(hub, "/out/camera?name=a") as viewer:
        viewer.frame()
        reply = hub.get("/status")
    whole = json.loads(reply.text)
    with check("the status is JSON, and is not kept"):
        equal((reply.headers["content-type"], reply.headers["cache-control"]), ("application/json", "no-store"))
    with check("it has what it says of the hub"):
        has(whole, WHOLE)
        has(whole["clients"], {"now": int, "most": int, "refused": int})
        equal((whole["torn"], whole["clients"]["most"], whole["clients"]["refused"]), (0, 1024, 0))
        equal(whole["version"], hubs.run("--version")[1].split()[1])
    camera, motion = whole["streams"]
    with check("of a source"):
        has(camera, STREAM)
        equal((camera["online"], camera["error"], camera["format"], camera["width"], camera["height"]),
              (True, None, "RGB3", 1280, 720))
    with check("of a processor"):
        has(motion, PROCESSOR)
        equal((motion["of"], motion["running"], motion["wanted"], motion["isolated"]), ("camera", True, True, False))
    with check("of readers"):
        for reader in camera["readers"]:
            has(reader, READER)
        equal(sorted(reader["name"] for reader in camera["readers"]), ["motion", "view"])
        equal({reader["process"] for reader in camera["readers"]}, {hub.process.pid})
    with check("of viewers"):
        equal(len(camera["viewers"]), 1)
        has(camera["viewers"][0], VIEWER)
        equal(camera["viewers"][0]["how"], "websocket")
        assert camera["viewers"][0]["name"].startswith("a@127.0.0.1:"), camera["viewers"][0]
        assert 0 < camera["viewers"][0]["latency"] < PATIENCE
    with check("and of what was encoded"):
        has(camera["encoded"], ENCODED)
        assert camera["encoded"]["frames"] > 0 and camera["encoded"]["bytes"] > 1000


def figures(hub):
    with check("the reader of figures finds what is wrong"):
        good = b'# HELP a b c\n# TYPE a gauge\na{x="1"} 1\n'
        metrics.read(good)
        planted(good + good, "twice")
        planted(good + b'a{x="1"} 2\n', "twice")
        planted(good[:-1], "line feed")
        planted(b"a 1\n", "HELP or TYPE")
        planted(good + b'a{x="\\y"} 1\n', "no label")
        planted(good + b"# HELP b b\n# TYPE b gauge\nb 1\na 2\n", "comes back")
        planted(b"# HELP n b\n# TYPE n counter\nn 1\n", "counter n")
        fails(ValueError, metrics.read, good + b"a x\n")
        fails(UnicodeDecodeError, metrics.read, good + b'a{x="\xff"} 1\n')
    name = 'say%20%22quote\\%22'
    with sockets.Socket(hub, f"/out/camera?name={name}") as viewer, sockets.Socket(hub, "/out/motion?name=%ff%fe") as odd:
        viewer.frame()
        odd.frame()
        reply = hub.get("/metrics")
        whole = hub.get("/status")
    with check("the figures are Prometheus'"):
        equal(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        samples = metrics.read(reply.body)
    with check("they are those of the status"):
        seen = json.loads(whole.text)["streams"][0]
        assert 0 < metrics.value(samples, "fairlead_frames_total", stream="camera") <= seen["frames"]
        equal(metrics.value(samples, "fairlead_online", stream="motion"), 1)
        equal(metrics.value(samples, "fairlead_torn_total"), 0)
        assert metrics.value(samples, "fairlead_clients") >= 2
    with check("a viewer's name is escaped"):
        names = [dict(key[1])["viewer"] for key in samples if key[0] == "fairlead_viewer_missed_total"]
        assert any(name.startswith('say \\"quote\\\\\\"@') for name in names), names


def one_name_twice():
    with check("two readers of one name are no series twice"):
        with hubs.Hub("--source", "camera=synthetic:320x240", "--processor", "view=histogram") as hub:
            with sockets.Socket(hub, "/out/camera"):
                hub.await_stream("camera", "two readers called view", lambda stream: [
                    reader["name"] for reader in stream["readers"]] == ["view", "view"])
                samples = metrics.read(hub.get("/metrics").body)
                equal(metrics.value(samples, "fairlead_reader_dropped_total", stream="camera", reader="view"), 0)


def usage():
    cases = [
        (["--source", "nonsense"], 2, "is no source"),
        (["--source", "file:/x"], 2, "it needs a name"),
        (["--source", "synthetic:1x1"], 2, "is no source"),
        (["--source", "synthetic:640x480@0"], 2, "is no source"),
        (["--source", "a=synthetic", "--source", "a=synthetic"], 1, "another one of that name"),
        (["--source", "a=synthetic", "--processor", "b=c:motion"], 1, "there is no stream c"),
        (["--record", "camera"], 2, "it is STREAM=FILE"),
        (["--record", "other=x.mkv"], 1, "there is no such stream"),
        (["--quality", "0"], 2, "--quality"),
        (["--clients", "0"], 2, "--clients"),
        (["--patience", "10ms"], 2, "from 1s to 1h"),
        (["--channels", "perhaps"], 2, "yes or no"),
        (["--listen", "::1"], 2, "brackets"),
        (["--listen", "127.0.0.1:99999"], 2, "--listen"),
        (["--certificate", "/dev/null"], 2, "go together"),
        (["--certificate", "/dev/null", "--key", "/dev/null"], 1, ""),
        (["stray"], 2, "'stray' is one argument too many"),
    ]
    for arguments, wanted, text in cases:
        with check(f"{' '.join(arguments)} is refused"):
            result, out, said = hubs.run("hub", *(() if "--listen" in arguments else ("--listen", ":0")), *arguments)
            equal((result, out), (wanted, ""), said)
            contains(said, text)
            assert said, "without a word"
    with check("a port that is taken is said"):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            result, out, said = hubs.run("hub", "--listen", f"127.0.0.1:{port}")
        equal((result, out), (1, ""))
        contains(said, "Address already in use")


def channel_taken(hub):
    with check("another hub can't serve the same channels, and says so"):
        result, _, said = hubs.run("hub", "--listen", ":0", runtime=hub.runtime)
        equal(result, 1)
        contains(said, "another process serves the channel camera")
    with check("without channels it can"):
        with hubs.Hub("--channels", "no", runtime=hub.runtime) as other:
            other.await_frames("camera", 2)


def picture(hub):
    with check("/jpeg is a picture of the camera"):
        reply = hub.get("/jpeg/camera")
        equal(frames.decode(reply.body)[1:], (1280, 720))


def main():
    with hubs.Hub("--verify") as hub:
        usual(hub)
        page(hub)
        wrong(hub)
        status(hub)
        figures(hub)
        picture(hub)
        channel_taken(hub)
        with check("nothing was torn"):
            equal(hub.status()["torn"], 0)
        with check("nobody is left"):
            await_("one client: the one that asks", lambda: hub.status()["clients"]["now"] == 1)
    one_name_twice()
    usage()
    return end()


sys.exit(main())
