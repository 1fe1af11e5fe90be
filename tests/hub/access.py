"""access - who may use a hub: names, origins, tokens, TLS; and clients that are slow or too many."""
import contextlib
import itertools
import json
import resource
import select
import socket
import ssl
import subprocess
import sys

import frames
import hubs
import sockets
from checks import PATIENCE, await_, check, contains, end, equal, fails

CAMERA = "--source", "camera=synthetic:320x240@25"
TOKEN = "s3cret.to~ken-1"
PATHS = "/", "/page.js", "/status", "/metrics", "/jpeg/camera", "/mjpeg/camera", "/nothing"
doors = itertools.count()


def answer(hub, method, path, headers):
    """The status of an answer; what comes behind that may have no end."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    bare = hub.raw(f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode())
    line = bare.makefile("rb").readline()
    bare.close()
    return int(line.split()[1]) if line else 0


def everywhere(hub, headers, allowed, refused=403, query=""):
    """All ways to ask are answered so."""
    headers = {"Host": hub.address, **headers}
    upgrade = {**headers, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    cases = [("GET", path, headers, 404 if path == "/nothing" else 200) for path in PATHS] + [
        ("POST", "/processors/motion/start", {**headers, "Content-Length": "0"}, 204),
        ("GET", "/out/camera", upgrade, 101),
        ("GET", f"/in/door{next(doors)}", upgrade, 101),
    ]
    for method, path, fields, good in cases:
        equal(answer(hub, method, path + query, fields), good if allowed else refused, f"{method} {path} {fields}")


def names(hub):
    port = hub.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST", f"[::1]:{port}", "192.168.1.1", "cam.example",
                 f"CAM.example:{port}"):
        with check(f"it may be called {host}"):
            everywhere(hub, {"Host": host}, True)
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example", "cam.example.",
                 "xcam.example", "", "a" * 300, "evil.example:127.0.0.1", "[evil]", "@127.0.0.1", "127.0.0.1:80:80"):
        with check(f"it may not be called {host[:40]!r}"):
            everywhere(hub, {"Host": host}, False)
    with check("it has to be called something"):
        assert answer(hub, "GET", "/status", {"X-Is": "y"}) in (0, 400, 403)
        assert answer(hub, "GET", "/jpeg/camera", {}) in (0, 400, 403)
    with check("it says what it is not called"):
        contains(hub.get("/status", {"Host": "evil.example"}).text, "this hub is not called evil.example")


def origins(hub):
    mine = f"http://{hub.address}"
    for origin in mine, mine.upper(), "https://friend.example":
        with check(f"a page of {origin} may use it"):
            everywhere(hub, {"Origin": origin}, True)
    for origin in ("https://evil.example", "null", f"https://{hub.address}", f"http://127.0.0.1:{hub.port + 1}",
                   "http://127.0.0.1", mine + ".evil.example", "https://friend.example.evil.example",
                   "http://friend.example", "x" * 400, "file://"):
        with check(f"a page of {origin[:40]} may not"):
            everywhere(hub, {"Origin": origin}, False)
    with check("it is said why"):
        reply = hub.get("/status", {"Origin": "https://evil.example"})
        contains(reply.text, "a page from elsewhere may not use this hub")
        equal(reply.headers["access-control-allow-origin"], None)
    with check("pings of elsewhere have changed nothing"):
        hub.post("/processors/motion/stop", {"Origin": "https://evil.example"})
        equal(hub.stream("motion")["wanted"], True)


def sites():
    with hubs.Hub(*CAMERA, "--processor", "motion") as hub:
        hub.await_stream("camera", "a frame", lambda stream: stream["frames"] > 0)
        for site in "same-origin", "none":
            with check(f"a request that the browser calls {site} is served"):
                everywhere(hub, {"Sec-Fetch-Site": site}, True)
        for site in "cross-site", "same-site", "x" * 100:
            with check(f"one that it calls {site[:20]} is not"):
                everywhere(hub, {"Sec-Fetch-Site": site}, False)


def tokens():
    folder = hubs.folder()
    file = folder / "token"
    file.write_text(TOKEN + "\nmore\n", encoding="ascii")
    file.chmod(0o600)
    with hubs.Hub(*CAMERA, "--processor", "motion", "--token-file", file) as hub:
        hub.headers = {"Authorization": f"Bearer {TOKEN}"}
        with check("the address that is printed does not have a token that was in a file"):
            equal(hub.url, f"http://{hub.address}/")
        with check("without a token nothing is served"):
            everywhere(hub, {}, False, 401)
            equal(hub.get("/", {}).headers["www-authenticate"], "Bearer")
        for wrong in TOKEN[:-1], TOKEN + "x", "", TOKEN.upper(), "x" * len(TOKEN), "x" * 300:
            with check(f"a wrong one is none: {wrong[:20]!r}"):
                everywhere(hub, {"Authorization": f"Bearer {wrong}"}, False, 401)
                everywhere(hub, {"Cookie": f"fairlead-token={wrong}"}, False, 401)
                everywhere(hub, {}, False, 401, f"?token={wrong}")
        with check("nor is one by other names"):
            everywhere(hub, {"Authorization": f"Basic {TOKEN}"}, False, 401)
            everywhere(hub, {"Authorization": TOKEN}, False, 401)
            everywhere(hub, {"Cookie": f"xfairlead-token={TOKEN}; token={TOKEN}"}, False, 401)
            everywhere(hub, {}, False, 401, f"?xtoken={TOKEN}")
        with check("the right one serves all: as a header"):
            everywhere(hub, {"Authorization": f"Bearer {TOKEN}"}, True)
        with check("as an argument"):
            everywhere(hub, {}, True, query=f"?token={TOKEN}")
            everywhere(hub, {}, True, query=f"?a=b&token={TOKEN}&window=1")
        with check("as a cookie"):
            everywhere(hub, {"Cookie": f"fairlead-token={TOKEN}"}, True)
            everywhere(hub, {"Cookie": f"a=b; fairlead-token=wrong; fairlead-token={TOKEN}; c=d"}, True)
        with check("which the page sets, for this site and no script"):
            cookie = hub.get(f"/?token={TOKEN}", {}).headers["set-cookie"]
            equal(set(cookie.split("; ")), {f"fairlead-token={TOKEN}", "Path=/", "HttpOnly", "SameSite=Strict"})
            equal(hub.get("/status", {"Cookie": cookie.split(";")[0]}).status, 200)
            equal(hub.get("/", {"Cookie": cookie.split(";")[0]}).headers["set-cookie"], None)
        with check("a token does not help a page of elsewhere"):
            everywhere(hub, {"Origin": "https://evil.example"}, False, query=f"?token={TOKEN}")
        with check("it is found behind and before other arguments of a WebSocket"):
            with sockets.Socket(hub, f"/out/camera?token={TOKEN}&window=1&name=x") as viewer:
                viewer.frame()
                hub.await_frames("camera", 4)
                assert viewer.quiet()
    with check("a hub without a token does not mind one"):
        with hubs.Hub(*CAMERA) as hub:
            equal(hub.get("/status", {"Authorization": "Bearer whatever"}).status, 200)
            equal(hub.get(f"/?token={TOKEN}").headers["set-cookie"], None)
    token_files(folder, file)


def token_files(folder, file):
    def refused(path, words):
        status, out, said = hubs.run("hub", "--listen", ":0", "--token-file", path)
        equal((status, out), (2, ""), said)
        contains(said, words)

    for mode in 0o644, 0o640, 0o604, 0o620:
        with check(f"a token file that others may read or write is refused: {mode:o}"):
            file.chmod(mode)
            refused(file, "others may read it: chmod 600")
    file.chmod(0o600)
    with check("so is one that is not there, or has no good token"):
        refused(folder / "none", "No such file")
        for text in "", "short\n", "with spaces in it\n", "semi;colon;semi;colon\n", "x" * 129 + "\n", "\nlate-token\n":
            file.write_text(text, encoding="ascii")
            refused(file, "8 to 128")
    with check("a token on the command line has to be good, too"):
        status, _, said = hubs.run("hub", "--listen", ":0", "--token", "short")
        equal(status, 2)
        contains(said, "8 to 128")


def listening():
    for address in "0.0.0.0:0", "[::]:0":
        with check(f"without a token it does not listen at {address}"):
            status, out, said = hubs.run("hub", "--listen", address)
            equal((status, out), (1, ""))
            contains(said, "can be reached from other machines: that needs a --token")
    with check("with one it does"):
        with hubs.Hub(*CAMERA, "--token", TOKEN, listen="0.0.0.0:0") as hub:
            hub.host, hub.headers = "127.0.0.1", {"Authorization": f"Bearer {TOKEN}"}
            hub.await_frames("camera", 1)
            equal(hub.get("/jpeg/camera").status, 200)
    with check("at an address that this machine has not it can't"):
        status, _, said = hubs.run("hub", "--listen", "192.0.2.1:0", "--token", TOKEN)
        equal(status, 1)
        contains(said, "192.0.2.1")
    if socket.has_ipv6:
        with check("at the IPv6 loopback it listens"):
            with hubs.Hub(*CAMERA, listen="[::1]:0") as hub:
                hub.host = "::1"
                equal(hub.url, f"http://[::1]:{hub.port}/")
                contains([viewer["name"] for viewer in _viewers(hub)], f"[::1]:{_viewers.port}")


def _viewers(hub):
    """One that looks over IPv6."""
    with socket.create_connection(("::1", hub.port)) as bare:
        bare.sendall(f"GET /mjpeg/camera HTTP/1.1\r\nHost: [::1]:{hub.port}\r\n\r\n".encode())
        bare.settimeout(PATIENCE)
        assert bare.recv(100).startswith(b"HTTP/1.1 200 ")
        _viewers.port = bare.getsockname()[1]
        return hub.stream("camera")["viewers"]


def encrypted():
    """A hub with a certificate of its own making: frames in and out by TLS, where libwebsockets reads them."""
    folder = hubs.folder()
    certificate, key = folder / "certificate", folder / "key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    trust = ssl.create_default_context(cafile=certificate)
    with hubs.Hub(*CAMERA, "--certificate", certificate, "--key", key, "--token", TOKEN) as hub:
        hub.secure = trust
        hub.headers = {"Authorization": f"Bearer {TOKEN}"}
        with check("by TLS it says https"):
            equal(hub.url, f"https://{hub.address}/?token={TOKEN}")
        with check("the page comes, and its cookie is for TLS only"):
            contains(hub.get(f"/?token={TOKEN}", {}).headers["set-cookie"].split("; "), "Secure")
        with check("a page of its own by TLS may use it, and one without TLS may not"):
            equal(hub.get("/status", {**hub.headers, "Origin": f"https://{hub.address}"}).status, 200)
            equal(hub.get("/status", {**hub.headers, "Origin": f"http://{hub.address}"}).status, 403)
        with check("without TLS it does not answer, or only to say no"):
            said = hubs.read_all(hub.raw(f"GET /status HTTP/1.1\r\nHost: {hub.address}\r\n\r\n".encode()))
            assert b"200" not in said[:20], said
        options = {"url": f"wss://{hub.address}", "ssl": trust}
        with check("frames go in and out, whole and in fragments, large and small"):
            sent = [frames.message(bytes([i]) * (3 * 1280 * 720), frames.RGB24, 1280, 720) for i in range(3)]
            sent += [frames.message(bytes(12), frames.RGB24, 2, 2)] * 2
            with sockets.Socket(hub, "/in/door", hub.headers, **options) as sender:
                for data in sent:
                    sender.send(data)
                    sender.send([data[:48], data[48:]])
                    sender.send([data[:30], b"", data[30:50], data[50:]])
                sender.ping()
                stream = hub.stream("door")
                equal((stream["frames"], stream["bad"]), (3 * len(sent), 0))
            jpegs = frames.jpegs(frames.REALSHORT, 10)
            with sockets.Socket(hub, "/in/clip", hub.headers, **options) as sender:
                sender.send(jpegs[0])
                with sockets.Socket(hub, "/out/clip?every=64", hub.headers, **options) as viewer:
                    equal(viewer.frame().data, jpegs[0])
                    for jpeg in jpegs[1:]:
                        sender.send([jpeg[i:i + 1000] for i in range(0, len(jpeg), 1000)])
                        equal(viewer.frame().data, jpeg)
        with check("what is wrong is refused there, too"):
            sender = sockets.Socket(hub, "/in/door", hub.headers, **options)
            sender.send(frames.message(bytes(11), frames.RGB24, 2, 2))
            equal(sender.closed(), (1007, "11 bytes are not the 2x2 pixels that were announced"))
        with check("somebody who is not known is not served"):
            equal(sockets.refused(hub, "/out/camera", **options), 401)
            fails(ssl.SSLError, socket_to, hub, ssl.create_default_context())


def socket_to(hub, trust):
    with socket.create_connection((hub.host, hub.port)) as bare:
        trust.wrap_socket(bare, server_hostname=hub.host)


def is_cut_off(bare, drop):
    """Sends a byte now and then; true when the hub has closed."""
    try:
        readable, _, _ = select.select([bare], [], [], 0.05)
        if readable and not bare.recv(1 << 16):
            return True
        bare.sendall(drop)
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


def slow():
    with hubs.Hub(*CAMERA, "--patience", "2s") as hub:
        head = f"GET /status HTTP/1.1\r\nHost: {hub.address}\r\n".encode()
        ways = {
            "headers": (head, b"X-A: b\r\n"),
            "one header": (head + b"X-A: ", b"b"),
            "the first line": (b"GET /", b"a"),
            "nothing": (b"", b""),
            "the second request": (head + b"\r\n" + head, b"X-A: b\r\n"),
            "a handshake": (head + b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"X-A: b\r\n"),
        }
        slow_ones = {way: (hub.raw(begun), drop) for way, (begun, drop) in ways.items()}
        viewer = sockets.Socket(hub, "/out/camera?every=128")
        taken = [viewer.frame()]
        for way, (bare, drop) in slow_ones.items():
            with check(f"who sends slowly is cut off: {way}"):
                await_("closed", lambda bare=bare, drop=drop: is_cut_off(bare, drop))
                bare.close()
        with check("others did not notice"):
            newest = hub.stream("camera")["frames"]
            while taken[-1].sequence < newest:
                taken.append(viewer.frame())
            equal({message.missed for message in taken}, {0})
            viewer.close()
        with check("a sender or viewer with nothing to say is left alone"):
            with sockets.Socket(hub, "/in/door") as sender, sockets.Socket(hub, "/out/door") as idle:
                begun = hub.status()["uptime"]
                await_("longer than the patience", lambda: hub.status()["uptime"] > begun + 3)
                sender.send(frames.colored("red", 160, 120))
                equal(idle.frame().width, 160)


def many():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    with hubs.Hub(*CAMERA, "--clients", "200", "--patience", "20s") as hub:
        viewer = sockets.Socket(hub, "/out/camera?every=128")
        first = viewer.frame()
        request = f"GET /processors HTTP/1.1\r\nHost: {hub.address}\r\n\r\n".encode()
        with check("of 1000 clients at once it admits 200, and says 503 to others, or closes"):
            bares = []
            for _ in range(1000):
                bare = socket.socket()
                bare.setblocking(False)
                bare.connect_ex((hub.host, hub.port))
                bares.append(bare)
            answers = {200: 0, 503: 0, 404: 0, 0: 0}
            for bare in bares:
                bare.settimeout(PATIENCE)
                try:
                    poll = select.poll()
                    poll.register(bare, select.POLLOUT)
                    poll.poll(1000 * PATIENCE)
                    bare.sendall(request)
                    line = bare.recv(1 << 16)
                except (ConnectionResetError, BrokenPipeError):
                    line = b""
                answers[int(line.split()[1]) if line else 0] += 1
            equal((answers[404], answers[200]), (199, 0), answers)
            assert answers[503] >= 1 and answers[503] + answers[0] == 801, answers
        with check("the one that was there before did not notice"):
            taken = [first] + [viewer.frame() for _ in range(20)]
            equal({message.missed for message in taken}, {0})
        with check("when they have left, it serves again, and has counted"):
            for bare in bares:
                bare.close()

            def look():
                with contextlib.suppress(OSError):  # it closes, for as long as too many are at its door
                    reply = hub.get("/status")
                    clients = json.loads(reply.text)["clients"] if reply.status == 200 else {"now": None}
                    return clients["now"] == 2, clients
                return False, None

            clients = await_("served, and two are left", look)
            equal(clients["most"], 200)
            assert clients["refused"] >= 801, clients
            viewer.close()


def main():
    with hubs.Hub(*CAMERA, "--processor", "motion", "--host", "cam.example", "--origin",
                  "https://friend.example") as hub:
        hub.await_frames("camera", 1)
        names(hub)
        origins(hub)
    sites()
    tokens()
    listening()
    encrypted()
    slow()
    many()
    return end()


sys.exit(main())
